#include "documents/chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quintet {
namespace {

using testing::ElementsAre;

TEST(Chunk, LeadsBackToThePagesOfAPassage) {
  Chunk chunk;
  chunk.text = "one two\nthree";
  chunk.spans = {{0, {4, {10, 17}}}, {8, {5, {0, 5}}}};
  EXPECT_THAT(locate(chunk, {4, 10}), ElementsAre(PageRange{4, {14, 17}}, PageRange{5, {0, 2}}));
  EXPECT_THAT(locate(chunk, {7, 8}), ElementsAre()) << "the joint lies on no page";
  EXPECT_THAT(locate(chunk, {0, 13}), ElementsAre(PageRange{4, {10, 17}}, PageRange{5, {0, 5}}));
}

TEST(Chunk, JoinsTheBoxesOfALineAndCutsWordsInProportion) {
  Page page;
  page.text = "exam ple next";
  page.words = {{{0, 4}, {100, 10, 140, 20}}, {{5, 8}, {10, 25, 40, 35}}, {{9, 13}, {45, 26, 85, 36}}};
  EXPECT_THAT(boxes_of(page, {0, 13}), ElementsAre(Box{100, 10, 140, 20}, Box{10, 25, 85, 36}));
  EXPECT_THAT(boxes_of(page, {2, 4}), ElementsAre(Box{120, 10, 140, 20}));
  EXPECT_THAT(boxes_of(page, {4, 5}), ElementsAre()) << "a blank has no box";
}

}  // namespace
}  // namespace quintet
