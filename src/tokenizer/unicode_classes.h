#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quintet {

/// Sets of Unicode general categories (UAX #44) as bits, as regular expressions of pre-tokenizers name them.
using ClassMask = std::uint16_t;
namespace unicode_class {
inline constexpr ClassMask kLu = 1 << 0, kLl = 1 << 1, kLt = 1 << 2, kLm = 1 << 3, kLo = 1 << 4;
inline constexpr ClassMask kMn = 1 << 5, kMcMe = 1 << 6;
inline constexpr ClassMask kNd = 1 << 7, kNl = 1 << 8, kNo = 1 << 9;
inline constexpr ClassMask kPc = 1 << 10, kPunctuationRest = 1 << 11;
inline constexpr ClassMask kSymbol = 1 << 12;
inline constexpr ClassMask kWhiteSpace = 1 << 13;  // the property White_Space, whatever the category
inline constexpr ClassMask kControl = 1 << 14;     // Cc, unless it is white space
inline constexpr ClassMask kOther = 1 << 15;       // Cf, Cs, Co, Cn
inline constexpr ClassMask kLetter = kLu | kLl | kLt | kLm | kLo;
inline constexpr ClassMask kMark = kMn | kMcMe;
inline constexpr ClassMask kNumber = kNd | kNl | kNo;
inline constexpr ClassMask kPunctuation = kPc | kPunctuationRest;
}  // namespace unicode_class

/// The tables, made once per process from utf8proc's and then constant.
class UnicodeClasses {
 public:
  static const UnicodeClasses& get();

  ClassMask of(char32_t c) const noexcept {
    return c < kTableEnd ? pages_[page_of_[c >> 8]][c & 0xFF] : slow(c);
  }
  ClassMask of_ascii(unsigned char c) const noexcept { return pages_[page_of_[0]][c]; }

 private:
  static constexpr char32_t kTableEnd = 0x40000;
  UnicodeClasses();
  static ClassMask slow(char32_t c) noexcept;

  std::uint16_t page_of_[kTableEnd >> 8];
  ClassMask pages_[320][256];
};

/// One character of UTF-8. An ill-formed byte is U+FFFD of length 1, so that no byte is ever lost.
struct DecodedCharacter {
  char32_t code_point = 0;
  std::uint32_t length = 0;
  bool is_valid = true;
};
/// `p` < `end`.
DecodedCharacter decode_multibyte(const char* p, const char* end) noexcept;
inline DecodedCharacter decode_character(const char* p, const char* end) noexcept {
  const auto c = static_cast<unsigned char>(*p);
  return c < 0x80 ? DecodedCharacter{c, 1, true} : decode_multibyte(p, end);
}

/// The class in the Unicode version that the library "tokenizers" has for BERT (8.0): characters that are
/// punctuation, marks or format characters since later are unassigned there.
ClassMask bert_class(char32_t c) noexcept;
/// ASCII punctuation or category P, as BERT defines it.
bool is_bert_punctuation(char32_t c) noexcept;
/// The blocks of CJK ideographs that BERT surrounds with blanks.
bool is_cjk_ideograph(char32_t c) noexcept;
/// \w of Unicode regular expressions (UTS #18, Annex C).
bool is_word_character(char32_t c) noexcept;

}  // namespace quintet
