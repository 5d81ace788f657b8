#include "tokenizer/unicode_classes.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include <utf8proc.h>

#include "core/error.h"

namespace quintet {

namespace {

using namespace unicode_class;

bool is_white_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

ClassMask classify(char32_t c) noexcept {
  if (is_white_space(c)) return kWhiteSpace;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU: return kLu;
    case UTF8PROC_CATEGORY_LL: return kLl;
    case UTF8PROC_CATEGORY_LT: return kLt;
    case UTF8PROC_CATEGORY_LM: return kLm;
    case UTF8PROC_CATEGORY_LO: return kLo;
    case UTF8PROC_CATEGORY_MN: return kMn;
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return kMcMe;
    case UTF8PROC_CATEGORY_ND: return kNd;
    case UTF8PROC_CATEGORY_NL: return kNl;
    case UTF8PROC_CATEGORY_NO: return kNo;
    case UTF8PROC_CATEGORY_PC: return kPc;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return kPunctuationRest;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO: return kSymbol;
    case UTF8PROC_CATEGORY_CC: return kControl;
    default: return kOther;
  }
}

}  // namespace

UnicodeClasses::UnicodeClasses() {
  std::size_t n_pages = 0;
  for (std::size_t page = 0; page < (kTableEnd >> 8); ++page) {
    ClassMask classes[256];
    for (std::size_t i = 0; i < 256; ++i) classes[i] = classify(static_cast<char32_t>(page << 8 | i));
    // Long scripts repeat a page many times (CJK, Hangul, unassigned planes).
    std::size_t found = n_pages;
    for (std::size_t back = 0; back < n_pages && back < 24; ++back) {
      if (std::memcmp(pages_[n_pages - 1 - back], classes, sizeof classes) == 0) found = n_pages - 1 - back;
    }
    if (found == n_pages) {
      QN_CHECK(n_pages < std::size(pages_));
      std::memcpy(pages_[n_pages++], classes, sizeof classes);
    }
    page_of_[page] = static_cast<std::uint16_t>(found);
  }
}

const UnicodeClasses& UnicodeClasses::get() {
  static const UnicodeClasses classes;
  return classes;
}

ClassMask UnicodeClasses::slow(char32_t c) noexcept {
  return c <= 0x10FFFF ? classify(c) : kOther;
}

DecodedCharacter decode_multibyte(const char* p, const char* end) noexcept {
  const auto* s = reinterpret_cast<const unsigned char*>(p);
  const auto n = end - p;
  constexpr DecodedCharacter kBad{0xFFFD, 1, false};
  const auto is_tail = [s](int i) { return (s[i] & 0xC0) == 0x80; };
  if (s[0] >= 0xC2 && s[0] <= 0xDF) {
    if (n < 2 || !is_tail(1)) return kBad;
    return {static_cast<char32_t>((s[0] & 0x1F) << 6 | (s[1] & 0x3F)), 2, true};
  }
  if ((s[0] & 0xF0) == 0xE0) {
    if (n < 3 || !is_tail(1) || !is_tail(2)) return kBad;
    const auto c = static_cast<char32_t>((s[0] & 0x0F) << 12 | (s[1] & 0x3F) << 6 | (s[2] & 0x3F));
    if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)) return kBad;
    return {c, 3, true};
  }
  if (s[0] >= 0xF0 && s[0] <= 0xF4) {
    if (n < 4 || !is_tail(1) || !is_tail(2) || !is_tail(3)) return kBad;
    const auto c =
        static_cast<char32_t>((s[0] & 0x07) << 18 | (s[1] & 0x3F) << 12 | (s[2] & 0x3F) << 6 | (s[3] & 0x3F));
    if (c < 0x10000 || c > 0x10FFFF) return kBad;
    return {c, 4, true};
  }
  return kBad;
}

ClassMask bert_class(char32_t c) noexcept {
  constexpr struct {
    char32_t first;
    char32_t last;
  } kSinceLater[] = {
      {0x61D, 0x61D},     {0x7FD, 0x7FD},     {0x890, 0x8E2},     {0x9FD, 0x9FE},     {0xA76, 0xA76},
      {0xAFA, 0xAFF},     {0xB55, 0xB55},     {0xC04, 0xC3C},     {0xC77, 0xC77},     {0xC84, 0xC84},
      {0xD00, 0xD00},     {0xD3B, 0xD3C},     {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0xECE, 0xECE},
      {0x180F, 0x1886},   {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},   {0x1DF6, 0x1DFB},   {0x2E43, 0x2E5D},
      {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},   {0x10D24, 0x10F89},
      {0x11070, 0x11074}, {0x110C2, 0x110CD}, {0x111CF, 0x111CF}, {0x1123E, 0x11241}, {0x1133B, 0x1133B},
      {0x11438, 0x1145E}, {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1182F, 0x11FFF}, {0x12FF1, 0x13455},
      {0x16E97, 0x16F4F}, {0x16FE2, 0x16FE4}, {0x1CF00, 0x1CF46}, {0x1E000, 0x1E4EF}, {0x1E944, 0x1E95F}};
  if (c >= 0x61D) {
    if (c == 0x166D || c == 0x111C9) return kPunctuationRest;  // other categories since then
    if (c == 0x1734) return kMn;
    const auto* range =
        std::upper_bound(std::begin(kSinceLater), std::end(kSinceLater), c,
                         [](char32_t value, const auto& entry) { return value < entry.first; });
    const ClassMask mask = UnicodeClasses::get().of(c);
    const bool is_later = range != std::begin(kSinceLater) && c <= range[-1].last;
    const ClassMask unassigned = kPunctuation | kMn | kOther;
    return is_later && (mask & unassigned) != 0 ? ClassMask{0} : mask;
  }
  return UnicodeClasses::get().of(c);
}

bool is_bert_punctuation(char32_t c) noexcept {
  if (c < 0x80)
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return (bert_class(c) & kPunctuation) != 0;
}

bool is_cjk_ideograph(char32_t c) noexcept {
  // The sixth range starts at 2B920 as in the library "tokenizers"; the original Python code has 2B820.
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_word_character(char32_t c) noexcept {
  if ((UnicodeClasses::get().of(c) & (kLetter | kMark | kNd | kNl | kPc)) != 0) return true;
  // Join_Control, and the symbols with the property Other_Alphabetic.
  return c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
         (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

}  // namespace quintet
