#include "apps/faq/citation_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quintet::faq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Filtered {
  std::string text;
  std::vector<std::size_t> cited;
  bool refused;
  std::size_t n_invalid;
};

Filtered filter(std::string_view answer, std::size_t piece, std::size_t n_sources = 9) {
  CitationFilter filter(n_sources);
  std::string text;
  for (std::size_t at = 0; at < answer.size(); at += piece) text += filter.feed(answer.substr(at, piece));
  text += filter.finish();
  return {text, filter.cited(), filter.refused(), filter.n_invalid()};
}

TEST(CitationFilter, TakesMarksOutWhateverThePieces) {
  constexpr std::string_view kAnswer = "Yes, we do [E2]. It takes a week [E1, E3].";
  for (std::size_t piece = 1; piece <= kAnswer.size(); ++piece) {
    const auto filtered = filter(kAnswer, piece);
    EXPECT_EQ(filtered.text, "Yes, we do. It takes a week.") << "pieces of " << piece;
    EXPECT_THAT(filtered.cited, ElementsAre(1, 0, 2)) << "pieces of " << piece;
    EXPECT_FALSE(filtered.refused);
  }
}

TEST(CitationFilter, LeavesOtherBracketsAlone) {
  constexpr std::string_view kAnswer = "See [the page](https://example.org), array[0], [ ] and [Exit]. [E1]";
  for (std::size_t piece = 1; piece <= kAnswer.size(); ++piece) {
    const auto filtered = filter(kAnswer, piece);
    EXPECT_EQ(filtered.text, "See [the page](https://example.org), array[0], [ ] and [Exit].")
        << "pieces of " << piece;
    EXPECT_THAT(filtered.cited, ElementsAre(0));
  }
}

TEST(CitationFilter, CountsEntriesThatDoNotExistAndCitesNone) {
  const auto filtered = filter("Sure [E12] [E0].", 3, 2);
  EXPECT_EQ(filtered.text, "Sure.");
  EXPECT_THAT(filtered.cited, IsEmpty());
  EXPECT_EQ(filtered.n_invalid, 2u);
}

TEST(CitationFilter, RecognisesTheRefusalMarkerAndShowsNothing) {
  for (std::size_t piece = 1; piece <= kRefusalMarker.size() + 3; ++piece) {
    const auto filtered = filter("\nNO_ANSWER. Sorry", piece);
    EXPECT_TRUE(filtered.refused) << "pieces of " << piece;
    EXPECT_EQ(filtered.text, "") << "pieces of " << piece;
  }
}

TEST(CitationFilter, ATextThatOnlyBeginsLikeTheMarkerIsShown) {
  EXPECT_EQ(filter("NO_ANSW", 2).text, "NO_ANSW");
  EXPECT_EQ(filter("NO, you cannot [E1]", 1).text, "NO, you cannot");
  EXPECT_FALSE(filter("NO, you cannot [E1]", 1).refused);
}

TEST(CitationFilter, DropsAMarkThatTheEndCutOff) {
  EXPECT_EQ(filter("Yes [E", 1).text, "Yes");
  EXPECT_EQ(filter("Yes [E1", 4).text, "Yes");
}

}  // namespace
}  // namespace quintet::faq
