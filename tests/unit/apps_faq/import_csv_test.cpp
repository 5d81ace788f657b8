#include <ctime>

#include <gtest/gtest.h>

#include "apps/faq/import.h"
#include "core/error.h"
#include "core/text.h"

namespace quintet::faq {
namespace {

using Texts = std::vector<std::string>;

std::string problems_of(const ImportResult& result) {
  std::string out;
  for (const auto& problem : result.problems) out += to_text(problem) + "\n";
  return out;
}

std::string pairs_of(const ImportResult& result) {
  std::string out;
  for (const auto& entry : result.entries) out += entry.question + "=" + entry.answer + ";";
  return out;
}

ImportResult csv(std::string_view text) {
  return import_entries(text, FaqFormat::csv);
}

TEST(ImportCsv, ReadsHeaderQuotesAndLineEndsInsideCells) {
  const auto result =
      csv("\xEF\xBB\xBFId,Question,Answer,Alternatives,Category,Lang,URL\r\n"
          "1,\"Say \"\"hi\"\"?\",\"Two\r\nlines, one cell\",a|b ,\"x, y\",en,u\r\n"
          "\r\n"
          "2,B?,2,\"c\nd|e\n\",,,\r\n");
  EXPECT_EQ(problems_of(result), "");
  ASSERT_EQ(result.entries.size(), 2u);
  EXPECT_EQ(result.entries[0],
            (FaqEntry{"1", "Say \"hi\"?", "Two\nlines, one cell", {"a", "b"}, {"x", "y"}, "en", "u"}));
  EXPECT_EQ(result.entries[1].alternatives, (Texts{"c", "d|e"}));
  EXPECT_EQ(result.entry_lines, (std::vector<std::size_t>{2, 5}));
}

TEST(ImportCsv, FindsTheDelimiterAndDoesWithoutHeaderForTwoColumns) {
  EXPECT_EQ(pairs_of(csv("question;answer\nA, or?;1,5\n")), "A, or?=1,5;");
  EXPECT_EQ(pairs_of(csv("answer\tquestion\n1\tA?\n")), "A?=1;");
  EXPECT_EQ(pairs_of(csv("A?,1\nB?,2")), "A?=1;B?=2;");
  EXPECT_EQ(pairs_of(csv("A?;1\nB?;2")), "A?=1;B?=2;");
  EXPECT_EQ(pairs_of(csv("q,a,\nA?,1,\n")), "A?=1;");
  EXPECT_EQ(pairs_of(csv("question,answer,alternative 1,alternative 2\nA?,1,x,y\n")), "A?=1;");
  EXPECT_TRUE(csv("A?,1,2\n").has_errors());
  EXPECT_TRUE(csv("just text\n").has_errors());
  EXPECT_EQ(problems_of(csv("question,answer\n")), "warning: there is a header but no entry\n");
}

TEST(ImportCsv, ABrokenQuoteCostsOneLineAndIsNamed) {
  const auto unclosed = csv("question,answer\nA?,1\nB?,\"2\nC?,3\n");
  EXPECT_EQ(pairs_of(unclosed), "A?=1;C?=3;");
  EXPECT_EQ(problems_of(unclosed),
            "line 3, column 4: error: not valid CSV: this quote is never closed; this line is left out\n");
  const auto stray = csv("question,answer\nA?,\"1\" or 2\nB?,5\" disk\n");
  EXPECT_EQ(pairs_of(stray), "B?=5\" disk;");
  ASSERT_EQ(stray.problems.size(), 1u);
  EXPECT_EQ(stray.problems[0].line, 2u);
  EXPECT_EQ(stray.problems[0].column, 8u);
}

TEST(ImportCsv, RowsOfTheWrongLengthAreNamed) {
  const auto result = csv("question,answer\nA?,yes, it is\nB?\nC?,3,,\n");
  EXPECT_EQ(pairs_of(result), "C?=3;");
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_EQ(result.problems[0].line, 2u);
  EXPECT_EQ(to_text(result.problems[1]), "line 3, column 1: error: question \"B?\" has no answer");
}

TEST(ImportCsv, HostileShapesTakeLinearTime) {
  const std::clock_t start = std::clock();  // processor time: a busy machine is not slow code
  for (const std::string_view piece :
       {"\"", "\"\"", "\"\"\"", "a,\"b\"\"\n", "\"a\n", "\"\"\"\n", ",", "\" b,c\n\"a\n", "\n"}) {
    std::string text = "question,answer\n";
    while (text.size() < 1'000'000) text += piece;
    csv(text);
  }
  csv(std::string(5'000'000, 'x') + "," + std::string(5'000'000, 'y'));
  EXPECT_LT(std::clock() - start,
            20 * CLOCKS_PER_SEC);  // generous for sanitizers; quadratic time would be minutes
}

TEST(ImportSpeed, TenThousandEntriesTakeFarLessThanASecond) {
  std::vector<FaqEntry> entries;
  for (int i = 0; i < 10'000; ++i)
    entries.push_back(
        {cat("id", i),
         cat("How do I configure feature number ", i, " of the product?"),
         cat("Open **Settings**, choose feature ", i, " and follow the steps.\n\n- one\n- two \"quoted\"\n",
             "It takes a minute, and can be undone at any time from the same page."),
         {cat("feature ", i, " setup"), cat("where is feature ", i)},
         {"setup"},
         "en",
         ""});
  for (const auto format : {FaqFormat::json, FaqFormat::jsonl, FaqFormat::csv}) {
    const auto text = export_entries(entries, format);
    const std::clock_t start = std::clock();  // processor time: other work on the machine does not count
    const auto result = import_entries(text, format);
    const double elapsed = 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_EQ(result.entries, entries) << format_name(format);
    RecordProperty(std::string(format_name(format)), cat(elapsed, " ms"));
    std::printf("%s: 10000 entries, %.1f MB in %.0f ms\n", std::string(format_name(format)).c_str(),
                static_cast<double>(text.size()) / 1e6, elapsed);
    EXPECT_LT(elapsed, 5000);  // far below 200 in release builds; sanitizers are slower
  }
}

TEST(Formats, AreFoundByNameAndByContent) {
  EXPECT_EQ(parse_format("Markdown"), FaqFormat::markdown);
  EXPECT_EQ(parse_format("htm"), FaqFormat::html);
  EXPECT_EQ(parse_format("tsv"), FaqFormat::csv);
  EXPECT_EQ(parse_format("docx"), std::nullopt);
  EXPECT_EQ(parse_format(""), std::nullopt);
  EXPECT_EQ(requested_format("csv"), FaqFormat::csv);
  EXPECT_EQ(requested_format("auto"), std::nullopt);
  EXPECT_THROW(requested_format("docx"), InvalidArgument);
  EXPECT_EQ(detect_format("a.JSON", ""), FaqFormat::json);
  EXPECT_EQ(detect_format("-", "[{\"q\":1}]"), FaqFormat::json);
  EXPECT_EQ(detect_format("-", "{\"q\":1}\n{\"q\":2}\n"), FaqFormat::jsonl);
  EXPECT_EQ(detect_format("-", "{\n\"q\":1}"), FaqFormat::json);
  EXPECT_EQ(detect_format("-", "Question;Answer\n"), FaqFormat::csv);
  EXPECT_EQ(detect_format("-", "<!doctype html>"), FaqFormat::html);
  EXPECT_EQ(detect_format("-", "hello\n# A?\n"), FaqFormat::markdown);
  EXPECT_EQ(detect_format("-", "Q: a\nA: b"), FaqFormat::text);
}

}  // namespace
}  // namespace quintet::faq
