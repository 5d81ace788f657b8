#include "core/text.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

TEST(Text, CatJoinsStringsNumbersAndFlags) {
  EXPECT_EQ(cat("a", 1, ' ', 2.5, " ", true, std::string("z"), std::size_t{7}), "a1 2.5 truez7");
}

TEST(Text, SplitLinesKnowsAllThreeLineEnds) {
  const auto lines = split_lines("a\r\nb\rc\n\nd\n");
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[2], "c");
  EXPECT_EQ(lines[3], "");
  EXPECT_EQ(lines[4], "d");
}

TEST(Utf8, FindsIllFormedBytesWhereTheyAre) {
  EXPECT_FALSE(find_invalid_utf8("Grüße 你好 👋"));
  EXPECT_EQ(find_invalid_utf8("ab\xFF"), 2u);
  EXPECT_EQ(find_invalid_utf8("\xC0\x80"), 0u);           // overlong NUL
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0u);       // surrogate
  EXPECT_EQ(find_invalid_utf8("a\xF4\x90\x80\x80"), 1u);  // beyond U+10FFFF
}

TEST(Utf8, SanitiseReplacesEachBadByteAndKeepsTheRest) {
  EXPECT_EQ(sanitize_utf8("a\xFF\xFE"
                          "b"),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(sanitize_utf8("é"), "é");
}

TEST(Utf8, TruncateNeverCutsACharacter) {
  EXPECT_EQ(truncate_utf8("aé", 2), "a");
  EXPECT_EQ(truncate_utf8("aé", 3), "aé");
}

TEST(Folding, IgnoresCaseAccentsAndCompatibilityForms) {
  EXPECT_EQ(fold_for_search("CAFÉ"), "cafe");
  EXPECT_EQ(fold_for_search("Straße"), "strasse");
  EXPECT_EQ(fold_for_search("ﬁnance ＡＢＣ"), "finance abc");
  EXPECT_EQ(fold_for_search("ПРИВЕТ"), "привет");
}

TEST(Folding, IllFormedBytesAndNulsBecomeSpaces) {
  EXPECT_EQ(fold_for_search("a\xFFé"), "a e");
  EXPECT_EQ(fold_for_search(std::string_view("é\0b", 4)), "e b");
}

TEST(Encoding, Base64RoundTripsAndRefusesGarbage) {
  EXPECT_EQ(base64_encode("Man"), "TWFu");
  EXPECT_EQ(base64_encode("M"), "TQ==");
  EXPECT_EQ(base64_decode("TQ=="), "M");
  EXPECT_EQ(base64_decode("-_8"), "\xFB\xFF");
  EXPECT_FALSE(base64_decode("T!=="));
}

TEST(Encoding, PercentDecodingRefusesCutEscapes) {
  EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_EQ(percent_encode("a b/ü"), "a%20b%2F%C3%BC");
}

}  // namespace
}  // namespace quintet
