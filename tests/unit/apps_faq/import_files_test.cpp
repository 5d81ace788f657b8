#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <unistd.h>

#include <gtest/gtest.h>

#include "apps/faq/import.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet::faq {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "/usr/share/doc/debian/FAQ";

std::string without_tags(const std::string& html) {
  auto text = std::regex_replace(html, std::regex("<[^>]*>"), "");
  for (const auto& [entity, character] :
       {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}, {"\xC2\xA0", " "}})
    text = replace_all(text, entity, character);
  return std::regex_replace(text, std::regex("\\s+"), " ");
}

/// Every numbered heading with text of its own, found without an HTML parser.
std::map<std::string, int> expected_titles() {
  std::map<std::string, int> titles;
  const std::regex heading("<h([2-6]) class=\"title\"[^>]*>(.*?)</h[2-6]>");
  for (const auto& file : fs::directory_iterator(kFolder)) {
    if (!file.path().string().ends_with(".en.html")) continue;
    const auto page = read_file(file.path());
    for (std::sregex_iterator it(page.begin(), page.end(), heading), end; it != end; ++it) {
      const auto title = std::string(trim(without_tags((*it)[2])));
      const auto body_start = static_cast<std::size_t>(it->position() + it->length());
      const auto body = without_tags(page.substr(body_start, page.find("<h", body_start) - body_start));
      std::smatch number;
      if (std::regex_match(title, number, std::regex("[0-9.]+ (.*)")) && !trim(body).empty())
        ++titles[number[1]];
    }
  }
  return titles;
}

class DebianFaq : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(fs::path(kFolder) / "basic-defs.en.html"))
      GTEST_SKIP() << "the Debian package debian-faq is not installed";
    const fs::path paths[] = {kFolder};
    result_ = import_files(paths, {}, "https://www.debian.org/doc/manuals/debian-faq");
  }
  ImportResult result_;
};

TEST_F(DebianFaq, EveryQuestionOfThePagesIsImportedOnce) {
  const auto expected = expected_titles();
  std::size_t n_expected = 0;
  for (const auto& [title, count] : expected) n_expected += static_cast<std::size_t>(count);
  EXPECT_GT(n_expected, 100u);
  EXPECT_EQ(result_.entries.size(), n_expected);
  std::printf("Debian FAQ: %zu headings with text, %zu entries\n", n_expected, result_.entries.size());
  for (const auto& entry : result_.entries) {
    // Where two chapters use one title, the second bears its section's name in brackets.
    const auto bracket = entry.question.rfind(" (");
    EXPECT_TRUE(expected.contains(entry.question) || expected.contains(entry.question.substr(0, bracket)))
        << entry.question;
    EXPECT_FALSE(entry.tags.empty()) << entry.question;
    EXPECT_EQ(entry.language, "en");
    EXPECT_TRUE(entry.url.starts_with("https://www.debian.org/doc/manuals/debian-faq/")) << entry.url;
    EXPECT_NE(entry.url.find(".en.html#"), std::string::npos) << entry.url;
  }
  EXPECT_FALSE(result_.has_errors());
}

TEST_F(DebianFaq, AnswersAreCompleteMarkdown) {
  const auto find = [&](std::string_view question) -> const FaqEntry* {
    for (const auto& entry : result_.entries)
      if (entry.question == question) return &entry;
    return nullptr;
  };
  const auto* what = find("What is Debian GNU/Linux?");
  ASSERT_NE(what, nullptr);
  EXPECT_TRUE(
      what->answer.starts_with("Debian GNU/Linux is a particular *distribution* of the Linux operating"));
  EXPECT_NE(what->answer.find("\n- **full featured**: Debian includes"), std::string::npos);
  EXPECT_EQ(what->tags, std::vector<std::string>{"Definitions and overview"});
  EXPECT_EQ(what->url, "https://www.debian.org/doc/manuals/debian-faq/basic-defs.en.html#whatisdebian");
  const auto* hold = find("How do I put a package on hold?");
  ASSERT_NE(hold, nullptr);
  EXPECT_NE(hold->answer.find("```\ndpkg --get-selections \\*"), std::string::npos) << hold->answer;
  const auto* nested = find("Will there be different versions of packages in different distributions?");
  ASSERT_NE(nested, nullptr);
  EXPECT_EQ(nested->tags.size(), 2u);
  for (const auto& entry : result_.entries) {
    EXPECT_EQ(entry.answer.find("navheader"), std::string::npos);
    EXPECT_EQ(entry.answer.find("Chapter 1."), std::string::npos) << entry.answer;
  }
}

TEST(SampleFaq, IsSoundAndEveryWayToAskIsThereOnce) {
  const fs::path paths[] = {fs::path(QN_SOURCE_DIR) / "examples" / "sample-faq.json"};
  const auto result = import_files(paths);
  for (const auto& problem : result.problems) ADD_FAILURE() << to_text(problem);
  EXPECT_GE(result.entries.size(), 30u);
  std::map<std::string, int> phrasings;
  for (const auto& entry : result.entries) {
    EXPECT_FALSE(entry.id.empty());
    EXPECT_GE(entry.alternatives.size(), 2u) << entry.question;
    EXPECT_FALSE(entry.tags.empty()) << entry.question;
    ++phrasings[fold_for_search(entry.question)];
    for (const auto& alternative : entry.alternatives) ++phrasings[fold_for_search(alternative)];
  }
  for (const auto& [phrasing, count] : phrasings) EXPECT_EQ(count, 1) << phrasing;
}

TEST(ImportFiles, MergesFilesNamesThemAndSurvivesBadOnes) {
  const auto folder = fs::temp_directory_path() / cat("quintet-import-", ::getpid());
  fs::create_directories(folder / "sub");
  const auto write = [&](const fs::path& name, std::string_view text) {
    std::ofstream(folder / name) << text;
  };
  write("a.json", R"([{"q":"A?","a":"1"}])");
  write("b.csv", "question,answer\nB?,2\na?,other\n");
  write("sub/c.md", "## C?\n3\n");
  write("broken.json", "[{]");
  write("ignored.bin", "x");
  fs::create_symlink(folder / "a.json", folder / "0-link.json");
  const fs::path paths[] = {folder, folder / "missing.txt"};
  const auto result = import_files(paths);
  std::string questions;
  for (const auto& entry : result.entries) questions += entry.question;
  EXPECT_EQ(questions, "A?B?C?");
  EXPECT_EQ(result.n_duplicates, 1u);
  std::string problems;
  for (const auto& problem : result.problems) problems += to_text(problem) + "\n";
  EXPECT_NE(
      problems.find("b.csv:3:1: warning: question \"a?\" was already asked (line 1 of a.json) with another"),
      std::string::npos)
      << problems;
  EXPECT_NE(problems.find("broken.json:1:3: error: not valid JSON"), std::string::npos) << problems;
  EXPECT_NE(problems.find("missing.txt: error: no such file or folder"), std::string::npos) << problems;
  fs::remove_all(folder);
}

}  // namespace
}  // namespace quintet::faq
