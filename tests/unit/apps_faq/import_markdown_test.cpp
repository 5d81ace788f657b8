#include <ctime>

#include <gtest/gtest.h>

#include "apps/faq/import.h"
#include "apps/faq/markdown_text.h"
#include "core/error.h"
#include "core/text.h"

namespace quintet::faq {
namespace {

using Texts = std::vector<std::string>;

std::string pairs_of(const ImportResult& result) {
  std::string out;
  for (const auto& entry : result.entries) {
    out += entry.question + "=" + entry.answer;
    for (const auto& tag : entry.tags) out += " #" + tag;
    out += ";";
  }
  return out;
}

std::string problems_of(const ImportResult& result) {
  std::string out;
  for (const auto& problem : result.problems) out += to_text(problem) + "\n";
  return out;
}

ImportResult markdown(std::string_view text) {
  return import_entries(text, FaqFormat::markdown);
}
ImportResult plain(std::string_view text) {
  return import_entries(text, FaqFormat::text);
}

TEST(ImportMarkdown, HeadingsAreQuestionsAndSectionsAreTags) {
  const auto result = markdown(
      "---\ntitle: x\n---\n# Our FAQ\n\nWelcome.\n\n## Billing\n\n### How do I pay?\n\nBy *card*.\n\n- "
      "one\n- two\n\n"
      "### Refunds\nNever.\n\n## Is it safe?\nYes.\n");
  EXPECT_EQ(pairs_of(result),
            "How do I pay?=By *card*.\n\n- one\n- two #Billing;Refunds=Never. #Billing;Is it safe?=Yes.;");
  EXPECT_EQ(problems_of(result), "");
  EXPECT_EQ(result.entry_lines, (std::vector<std::size_t>{10, 17, 20}));
}

TEST(ImportMarkdown, AQuestionTakesInWhatStandsBelowItUnlessThatAsksToo) {
  EXPECT_EQ(pairs_of(markdown(
                "# How to install?\nIt depends.\n## On Linux\napt\n## On a Mac\nbrew\n# Why?\nSo.\n")),
            "How to install?=It depends.\n\n\n## On Linux\n\napt\n\n\n## On a Mac\n\nbrew;Why?=So.;");
  EXPECT_EQ(pairs_of(markdown("## Why?\nSo.\n### Really?\nYes.\n")), "Why?=So.;Really?=Yes. #Why?;");
  EXPECT_EQ(pairs_of(markdown("## 1. Why?\nSo.\n### 1.1. Details\nYes.\n")), "Why?=So.;Details=Yes. #Why?;");
}

TEST(ImportMarkdown, ALoneTitleIsAQuestionOnlyWithText) {
  EXPECT_EQ(pairs_of(markdown("# Opening hours\nNine to five.\n")), "Opening hours=Nine to five.;");
  EXPECT_EQ(pairs_of(markdown("# Opening hours\n")), "");
  EXPECT_EQ(pairs_of(markdown("# FAQ\nHello.\n## A?\n1\n")), "A?=1;");
}

TEST(ImportMarkdown, CodeAndCommentsHoldNoHeadings) {
  const auto result = markdown(
      "## A?\n```sh\n# not a heading\n```\n~~~\n```\n# nor this\n~~~\n<!--\n# nor this\n-->\n    # nor "
      "this\n## B?\n2\n");
  ASSERT_EQ(result.entries.size(), 2u);
  EXPECT_TRUE(result.entries[0].answer.ends_with("# nor this")) << result.entries[0].answer;
  EXPECT_EQ(result.entries[1].question, "B?");
}

TEST(ImportMarkdown, UnderlinedBoldAndMarkedQuestionsCount) {
  EXPECT_EQ(pairs_of(markdown("FAQ\n===\n\nA?\n---\n1\n\nB?\n---\n2\n")), "A?=1;B?=2;");
  EXPECT_EQ(pairs_of(markdown("**A?**\n\n1\n\n**not a question**\n\n__B?__\n2\n")),
            "A?=1\n\n**not a question**;B?=2;");
  EXPECT_EQ(pairs_of(markdown("## Pay\n**Q: A?**\n\nA: 1\n\n**Q:** B?\n**A:** 2\n")), "A?=1 #Pay;B?=2 #Pay;");
  EXPECT_EQ(pairs_of(markdown("### Q1: A?\n\nA: 1\n\n### Q2: B?\n**Answer:** 2\n")), "A?=1;B?=2;");
  EXPECT_EQ(pairs_of(markdown("## A?\r\n1\r\n## B?\r2")), "A?=1;B?=2;");
}

TEST(ImportMarkdown, ProblemsNameTheLine) {
  EXPECT_EQ(problems_of(markdown("# FAQ\n## A?\n## B?\n2\n## Empty\n")),
            "line 2, column 1: error: question \"A?\" has no answer\n"
            "line 5, column 1: warning: section \"Empty\" has no text\n");
  EXPECT_EQ(problems_of(markdown("hello\n")), "warning: no questions were found (read as markdown)\n");
  EXPECT_EQ(problems_of(markdown("")), "error: the file is empty\n");
}

TEST(ImportMarkdown, HeadingsBecomePlainText) {
  EXPECT_EQ(plain_heading("**What** is `a_b` and _why_?"), "What is a_b and why?");
  EXPECT_EQ(plain_heading("[Install](https://x.org/a) snake_case_name 2*3*4"),
            "Install snake_case_name 2*3*4");
  EXPECT_EQ(plain_heading("<a id=\"x\"></a>1.2. A \\* star <script>x</script>?"),
            "A * star <script>x</script>?");
  EXPECT_EQ(plain_heading("a * b"), "a * b");
  EXPECT_EQ(plain_heading("`unclosed"), "`unclosed");
  EXPECT_EQ(strip_number("Chapter 12. Things"), "Things");
  EXPECT_EQ(strip_number("Q3: Why?"), "Why?");
  EXPECT_EQ(strip_number("12) Why?"), "Why?");
  EXPECT_EQ(strip_number("1.2 What is"), "What is");
  EXPECT_EQ(strip_number("3.5 mm jacks?"), "3.5 mm jacks?");
  EXPECT_EQ(strip_number("2024 in review"), "2024 in review");
  EXPECT_EQ(strip_number("1.1."), "1.1.");
  EXPECT_TRUE(reads_as_question("本当ですか？"));
  EXPECT_TRUE(reads_as_question("لماذا؟"));
}

TEST(ImportText, MarkedQuestionsOverSeveralLines) {
  const auto result = plain(
      "Intro\n\nQ: What is\n   this?\nA: A thing.\n\n   With two paragraphs.\n\nQuestion 2: Why?\nAnswer: "
      "So.\n"
      "Q3. Who?\nQ: Which one?\nA3. Us.\nfrage: Wie?\nantwort: So.\n");
  EXPECT_EQ(pairs_of(result),
            "What is this?=A thing.\n\n   With two paragraphs.;Why?=So.;Who?=Us.;Wie?=So.;");
  EXPECT_EQ(result.entries[2].alternatives, Texts{"Which one?"});
  EXPECT_EQ(result.entry_lines[0], 3u);
  EXPECT_EQ(problems_of(plain("Q: A?\nA: 1\nQ: B?\n")),
            "line 3, column 1: error: question \"B?\" has no answer\n");
}

TEST(ImportText, ParagraphsWithoutMarks) {
  EXPECT_EQ(pairs_of(plain("Our FAQ\n\nA?\n1\n\nmore\n\n2. B?\n\n2\n")), "A?=1\n\nmore;B?=2;");
  EXPECT_EQ(pairs_of(plain("Opening hours\nNine to five.\n\nAddress\nHere.\n")),
            "Opening hours=Nine to five.;Address=Here.;");
  EXPECT_EQ(pairs_of(plain("Opening hours\n\nNine to five.\n\nAddress\n\nHere.\n")),
            "Opening hours=Nine to five.;Address=Here.;");
}

TEST(Export, EveryFormatReadsBackUnchanged) {
  const std::vector<FaqEntry> entries = {
      {"e1",
       "How, or \"why\"?",
       "Line one.\n\n```sh\n# code\n```\n## A heading?\n<!-- quintet:entry {} -->\n\\<!-- quintet:entry x",
       {"a|b", "c"},
       {"x, y"},
       "en",
       "https://x.org/a--b"},
      {"", "<b>1. *What* is `x`--> ?</b> #", "    indented code\n| a | b |\nQ: x\nA: y", {}, {}, "", ""},
      {"e3", "日本語は？", "はい。 =cmd", {"-- a --", "b;c"}, {"t", "u"}, "ja", ""},
      {"7", "Q: really?", "1", {"one|"}, {"a;b", "c"}, "", ""},
  };
  for (const auto format : {FaqFormat::json, FaqFormat::jsonl, FaqFormat::csv, FaqFormat::markdown}) {
    const auto text = export_entries(entries, format);
    const auto result = import_entries(text, format);
    EXPECT_EQ(result.problems.size(), 0u) << problems_of(result);
    EXPECT_EQ(result.entries, entries) << text;
    EXPECT_EQ(detect_format("", text), format) << text;
  }
  EXPECT_THROW(export_entries(entries, FaqFormat::html), Unsupported);
  EXPECT_THROW(export_entries(entries, FaqFormat::text), Unsupported);
}

TEST(ImportMarkdown, HostileShapesTakeLinearTime) {
  const std::clock_t start = std::clock();  // processor time: a busy machine is not slow code
  for (const std::string_view piece :
       {"# a?\n", "a\n---\n", "```\n", "<!--\n", "**a?**\n", "# [a](\n", "# `\n", "Q: a\n", "Q: a\nA: b\n",
        "# a?\n## b?\n###### c?\n", "# *a _b\n", "a?\n\n", "#"}) {
    std::string text;
    while (text.size() < 500'000) text += piece;
    markdown(text);
    plain(text);
  }
  for (const std::string_view piece : {"*", "`", "``", "[", "_a", "<a", "\\", "1."}) {
    std::string text;
    while (text.size() < 9'000) text += piece;
    std::string many;
    for (int i = 0; i < 20; ++i) many += "# " + text + "?\nx\n";
    markdown(many);
  }
  EXPECT_LT(std::clock() - start,
            30 * CLOCKS_PER_SEC);  // generous for sanitizers; quadratic time would be minutes
}

}  // namespace
}  // namespace quintet::faq
