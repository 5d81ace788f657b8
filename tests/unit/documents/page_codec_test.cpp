#include "documents/page_codec.h"

#include <random>

#include <gtest/gtest.h>

namespace quintet {
namespace {

Page sample() {
  Page page;
  page.text = "Größe\n\na\tb";
  page.words = {
      {{0, 7}, {72, 72.5F, 100.25F, 84}}, {{9, 10}, {-3.5F, 90, 80, 100}}, {{11, 12}, {90, 90, 98, 100}}};
  page.blocks.resize(2);
  page.blocks[0].kind = BlockKind::heading;
  page.blocks[0].level = 2;
  page.blocks[0].range = {0, 7};
  page.blocks[0].box = {72, 72.5F, 100.25F, 84};
  page.blocks[1].kind = BlockKind::table;
  page.blocks[1].range = {9, 12};
  page.blocks[1].continues = true;
  page.blocks[1].cells = {{{9, 10}, 0, 0, 1, 1, true}, {{11, 12}, 7, 300, 1, 2, false}};
  return page;
}

TEST(PageCodec, GivesBackWhatWasEncoded) {
  const Page page = sample();
  Page back;
  back.text = page.text;
  decode_places(encode_places(page), back);
  EXPECT_EQ(back, page);
  Page empty;
  decode_places(encode_places(Page{}), empty);
  EXPECT_EQ(empty, Page{});
}

TEST(PageCodec, TakesAboutTenBytesForAWord) {
  Page page;
  float x = 72;
  for (int i = 0; i < 500; ++i) {
    const auto begin = static_cast<std::uint32_t>(page.text.size());
    page.text += "letters ";
    x = i % 10 == 0 ? 72 : x + 45.37F;
    const float y = 72 + 12.02F * static_cast<float>(i / 10);
    page.words.push_back({{begin, begin + 7}, {x, y, x + 40.11F, y + 10.5F}});
  }
  EXPECT_LT(encode_places(page).size(), 500 * 11U);
}

TEST(PageCodec, RefusesDamagedBytesOrReadsAPageThatKeepsItsPromises) {
  const Page page = sample();
  const std::string good = encode_places(page);
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (int i = 0; i <= round % 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 5 == 0) bytes.resize(random() % bytes.size());
    Page back;
    back.text = page.text;
    try {
      decode_places(bytes, back);
    } catch (const CorruptData&) {
      continue;
    }
    std::uint32_t from = 0;
    for (const Word& word : back.words) {
      ASSERT_LE(from, word.range.begin);
      ASSERT_LE(word.range.begin, word.range.end);
      ASSERT_LE(word.range.end, page.text.size());
      ASSERT_LE(word.box.x0, word.box.x1);
      from = word.range.end;
    }
  }
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    Page back;
    back.text = page.text;
    EXPECT_THROW(decode_places(std::string_view(good).substr(0, cut), back), CorruptData) << cut;
  }
}

}  // namespace
}  // namespace quintet
