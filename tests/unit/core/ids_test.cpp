#include "core/ids.h"

#include <set>

#include <gtest/gtest.h>

#include "core/text.h"
#include "core/time.h"

namespace quintet {
namespace {

TEST(Ids, HaveTheUlidLayout) {
  const std::string id = new_id("msg_");
  ASSERT_EQ(id.size(), 4u + 26u);
  EXPECT_EQ(id.substr(0, 4), "msg_");
  EXPECT_EQ(id.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz", 4), std::string::npos) << id;
}

TEST(Ids, SortByTimeAndAreUnique) {
  std::set<std::string> ids;
  std::string last_of_earlier;
  for (int i = 0; i < 10'000; ++i) ids.insert(new_id(""));
  EXPECT_EQ(ids.size(), 10'000u);
  const std::string before = *ids.rbegin();
  for (const TimestampMs start = now_ms(); now_ms() <= start;) {
  }
  EXPECT_GT(new_id(""), before);
}

TEST(Ids, RandomBytesAreAsManyAsAskedAndDiffer) {
  EXPECT_EQ(random_bytes(0).size(), 0u);
  EXPECT_EQ(random_bytes(1000).size(), 1000u);
  EXPECT_NE(random_bytes(16), random_bytes(16));
}

TEST(Ids, Sha256MatchesFips180) {
  EXPECT_EQ(hex_encode(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Ids, ConstantTimeEqualComparesAllBytes) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0b", 3)));
  EXPECT_FALSE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
  EXPECT_FALSE(constant_time_equal("a", "ab"));
}

}  // namespace
}  // namespace quintet
