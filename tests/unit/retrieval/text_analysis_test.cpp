#include "retrieval/text_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/english.h"

namespace quintet::retrieval {
namespace {

using testing::ElementsAre;

std::vector<std::string> words(std::string_view text, const AnalysisLimits& limits = {}) {
  std::vector<std::string> out;
  for (const Token& token : analyse(text, limits)) out.push_back(token.word);
  return out;
}

TEST(TextAnalysis, FoldsCaseAccentsAndCompatibilityForms) {
  EXPECT_THAT(words("Café CRÈME ﬁne"), ElementsAre("cafe", "creme", "fine"));
}

TEST(TextAnalysis, ExpandsContractionsWithAndWithoutApostrophe) {
  EXPECT_THAT(words("I can't"), ElementsAre("i", "can", "not"));
  EXPECT_THAT(words("didnt work"), ElementsAre("did", "not", "work"));
  EXPECT_THAT(words("What’s up"), ElementsAre("what", "is", "up"));
  EXPECT_THAT(words("my friend's card"), ElementsAre("my", "friend", "card"));
}

TEST(TextAnalysis, CutsUnspacedScriptsIntoOverlappingPairs) {
  EXPECT_THAT(words("重置密码"), ElementsAre("重置", "置密", "密码"));
  EXPECT_THAT(words("水"), ElementsAre("水"));
  EXPECT_THAT(words("reset密码now"), ElementsAre("reset", "密码", "now"));
}

TEST(TextAnalysis, KeepsWordsOfSpacedScriptsWhole) {
  EXPECT_THAT(words("Как сбросить пароль?"), ElementsAre("как", "сбросить", "пароль"));
  EXPECT_EQ(words("كيف أعيد تعيين كلمة المرور؟").size(), 5u);
}

TEST(TextAnalysis, SurvivesIllFormedAndEmptyInput) {
  EXPECT_TRUE(words("").empty());
  EXPECT_TRUE(words("?!…  \t").empty());
  EXPECT_THAT(words("card\xFF\xFEnumber"), ElementsAre("card", "number"));
}

TEST(TextAnalysis, ReadsOnlyTheBeginningOfALongText) {
  const std::string text = [] {
    std::string out;
    for (int i = 0; i < 300'000; ++i) out += "abc ";
    return out;
  }();
  EXPECT_EQ(words(text, {.max_bytes = 400, .max_tokens = 1000}).size(), 100u);
  EXPECT_EQ(words(text, {.max_bytes = 4000, .max_tokens = 7}).size(), 7u);
}

TEST(English, InflectionsShareAStem) {
  EXPECT_EQ(english_stem("withdrawals"), english_stem("withdrawal"));
  EXPECT_EQ(english_stem("stopped"), english_stem("stop"));
  EXPECT_EQ(english_stem("taken"), english_stem("take"));
  EXPECT_EQ(english_stem("countries"), english_stem("country"));
  EXPECT_NE(english_stem("cat"), english_stem("card"));
}

TEST(English, SynonymsShareASenseAndStrangersDoNot) {
  const auto sense = [](std::string_view word) {
    return std::string(english_sense(word, english_stem(word)));
  };
  EXPECT_EQ(sense("purchased"), sense("bought"));
  EXPECT_EQ(sense("delete"), sense("removing"));
  EXPECT_NE(sense("delete"), sense("create"));
  EXPECT_EQ(sense("zyzzyva"), english_stem("zyzzyva"));
}

}  // namespace
}  // namespace quintet::retrieval
