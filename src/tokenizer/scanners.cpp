#include "tokenizer/scanners.h"

#include <string>

#include "tokenizer/unicode_classes.h"

namespace quintet {

namespace {

using namespace unicode_class;

constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;

/// Reading characters of a part by their class.
struct Reader {
  const UnicodeClasses& classes;
  const char* end;

  struct Next {
    ClassMask mask = 0;
    std::uint32_t length = 0;
  };
  /// The character at `p`; class 0 at the end.
  Next at(const char* p) const noexcept {
    if (p >= end) return {};
    const auto c = static_cast<unsigned char>(*p);
    if (c < 0x80) return {classes.of_ascii(c), 1};
    const DecodedCharacter decoded = decode_multibyte(p, end);
    return {classes.of(decoded.code_point), decoded.length};
  }
  /// Past all characters of `mask`.
  const char* skip(const char* p, ClassMask mask) const noexcept {
    for (;;) {
      const Next next = at(p);
      if ((next.mask & mask) == 0) return p;
      p += next.length;
    }
  }
  /// Past all characters that are not of `mask`.
  const char* skip_others(const char* p, ClassMask mask) const noexcept {
    for (;;) {
      const Next next = at(p);
      if (next.length == 0 || (next.mask & mask) != 0) return p;
      p += next.length;
    }
  }
  const char* skip_digits(const char* p, std::uint32_t max) const noexcept {
    for (std::uint32_t n = 0; n < max; ++n) {
      const Next next = at(p);
      if ((next.mask & kNumber) == 0) return p;
      p += next.length;
    }
    return p;
  }
};

constexpr ClassMask kNotOther = kWhiteSpace | kLetter | kNumber;

bool is_newline(char c) noexcept {
  return c == '\n' || c == '\r';
}

/// The end of `\s+(?!\S)|\s+` at `p`, whose run of white space ends at `run_end`: all of it at the end of the
/// text, else all but the last character, which the next word may take.
const char* end_of_blanks(const Reader& reader, const char* p, const char* run_end) noexcept {
  if (run_end == reader.end) return run_end;
  const char* last = run_end - 1;
  while (last > p && (static_cast<unsigned char>(*last) & 0xC0) == 0x80) --last;
  return last > p ? last : run_end;
}

/// The length of 's 't 'm 'd 'll 've 're at `p`, where an apostrophe stands, or 0.
std::uint32_t contraction(const char* p, const char* end, bool ignore_case) noexcept {
  const auto n = end - p;
  if (n < 2) return 0;
  const auto lower = [ignore_case](char c) {
    return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  const char a = lower(p[1]);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if (n >= 3) {
    const char b = lower(p[2]);
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
    // U+017F folds to "s" (Unicode's CaseFolding.txt).
    if (ignore_case && p[1] == '\xC5' && p[2] == '\xBF') return 3;
  }
  return 0;
}

template <typename NextEnd>
void scan_all(std::string_view text, Stretch part, std::vector<Stretch>& out, NextEnd next_end) {
  const char* const base = text.data();
  const char* p = base + part.begin;
  const Reader reader{UnicodeClasses::get(), base + part.end};
  while (p < reader.end) {
    const char* const e = next_end(reader, p);
    out.push_back({static_cast<std::uint32_t>(p - base), static_cast<std::uint32_t>(e - base)});
    p = e;
  }
}

class Gpt2Scanner final : public Scanner {
 public:
  void scan(std::string_view text, Stretch part, std::vector<Stretch>& out) const override {
    scan_all(text, part, out, next_end);
  }

 private:
  static const char* next_end(const Reader& reader, const char* p) noexcept {
    if (*p == '\'') {
      if (const auto n = contraction(p, reader.end, false); n > 0) return p + n;
    }
    const char* q = p;
    auto next = reader.at(q);
    if (*p == ' ' && p + 1 < reader.end) {
      const auto after = reader.at(p + 1);
      if ((after.mask & kWhiteSpace) == 0) {
        ++q;
        next = after;
      }
    }
    if ((next.mask & kLetter) != 0) return reader.skip(q + next.length, kLetter);
    if ((next.mask & kNumber) != 0) return reader.skip(q + next.length, kNumber);
    if ((next.mask & kWhiteSpace) == 0) return reader.skip_others(q + next.length, kNotOther);
    return end_of_blanks(reader, p, reader.skip(p, kWhiteSpace));
  }
};

struct Cl100kOptions {
  std::uint32_t max_digits = 3;
  bool has_contractions = true;
  bool marks_are_letters = false;  // Qwen3.5: [\p{L}\p{M}]+
};

class Cl100kScanner final : public Scanner {
 public:
  explicit Cl100kScanner(const Cl100kOptions& options) : options_(options) {}

  void scan(std::string_view text, Stretch part, std::vector<Stretch>& out) const override {
    scan_all(text, part, out, [this](const Reader& reader, const char* p) { return next_end(reader, p); });
  }

 private:
  const char* next_end(const Reader& reader, const char* p) const noexcept {
    if (*p == '\'' && options_.has_contractions) {
      if (const auto n = contraction(p, reader.end, true); n > 0) return p + n;
    }
    const ClassMask word = options_.marks_are_letters ? kLetter | kMark : kLetter;
    const auto next = reader.at(p);
    if ((next.mask & word) != 0) return reader.skip(p + next.length, word);
    if ((next.mask & kNumber) != 0) return reader.skip_digits(p + next.length, options_.max_digits - 1);
    // One character of another kind goes with the letters after it.
    if (!is_newline(*p)) {
      const auto after = reader.at(p + next.length);
      if ((after.mask & word) != 0) return reader.skip(p + next.length + after.length, word);
    }
    const ClassMask not_other = kWhiteSpace | kNumber | word;
    const char* q = p;
    if (*p == ' ') ++q;
    if (const auto first = reader.at(q); first.length > 0 && (first.mask & not_other) == 0) {
      q = reader.skip_others(q + first.length, not_other);
      while (q < reader.end && is_newline(*q)) ++q;
      return q;
    }
    const char* const run_end = reader.skip(p, kWhiteSpace);
    for (const char* last = run_end; last > p; --last) {
      if (is_newline(last[-1])) return last;
    }
    return end_of_blanks(reader, p, run_end);
  }

  Cl100kOptions options_;
};

struct O200kOptions {
  std::uint32_t max_digits = 3;
  bool has_contractions = true;
};

class O200kScanner final : public Scanner {
 public:
  explicit O200kScanner(const O200kOptions& options) : options_(options) {}

  void scan(std::string_view text, Stretch part, std::vector<Stretch>& out) const override {
    scan_all(text, part, out, [this](const Reader& reader, const char* p) { return next_end(reader, p); });
  }

 private:
  static constexpr ClassMask kUpper = kLu | kLt | kLm | kLo | kMark;
  static constexpr ClassMask kLower = kLl | kLm | kLo | kMark;

  /// [upper]*[lower]+ at `p`, or null. Upper and lower share the letters without case and the marks, so the
  /// engine gives back characters of the first class until one of the second is found.
  static const char* upper_then_lower(const Reader& reader, const char* p) noexcept {
    const char* shared_end = nullptr;  // behind the last character of both classes
    for (;;) {
      const auto next = reader.at(p);
      if ((next.mask & kUpper) == 0) {
        if ((next.mask & kLower) != 0) return reader.skip(p + next.length, kLower);
        return shared_end;
      }
      p += next.length;
      if ((next.mask & kLower) != 0) shared_end = p;
    }
  }
  /// [upper]+[lower]* at `p`, or null.
  static const char* upper_first(const Reader& reader, const char* p) noexcept {
    const char* const e = reader.skip(p, kUpper);
    return e == p ? nullptr : reader.skip(e, kLower);
  }
  const char* with_contraction(const Reader& reader, const char* p) const noexcept {
    if (!options_.has_contractions || p >= reader.end || *p != '\'') return p;
    return p + contraction(p, reader.end, true);
  }

  const char* next_end(const Reader& reader, const char* p) const noexcept {
    const auto next = reader.at(p);
    const bool may_lead = (next.mask & (kLetter | kNumber)) == 0 && !is_newline(*p);
    const bool may_start = (next.mask & (kLetter | kMark)) != 0;
    const char* e = nullptr;
    if (may_lead) e = upper_then_lower(reader, p + next.length);
    if (e == nullptr && may_start) e = upper_then_lower(reader, p);
    if (e == nullptr && may_lead) e = upper_first(reader, p + next.length);
    if (e == nullptr && may_start) e = upper_first(reader, p);
    if (e != nullptr) return with_contraction(reader, e);
    if ((next.mask & kNumber) != 0) return reader.skip_digits(p + next.length, options_.max_digits - 1);
    const char* q = p;
    if (*p == ' ') ++q;
    if (const auto first = reader.at(q); first.length > 0 && (first.mask & kNotOther) == 0) {
      q = reader.skip_others(q + first.length, kNotOther);
      while (q < reader.end && (is_newline(*q) || *q == '/')) ++q;
      return q;
    }
    const char* const run_end = reader.skip(p, kWhiteSpace);
    for (const char* last = run_end; last > p; --last) {
      if (is_newline(last[-1])) return last;
    }
    return end_of_blanks(reader, p, run_end);
  }

  O200kOptions options_;
};

constexpr std::string_view kContractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
constexpr std::string_view kBlanks = R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr struct {
  std::string_view pattern;
  std::uint32_t max;
} kDigits[] = {{R"(\p{N}{1,3})", 3},
               {R"(\p{N})", 1},
               {R"(\p{N}{1})", 1},
               {R"(\p{N}{1,2})", 2},
               {R"(\p{N}+)", kUnlimited}};

std::string text_of(const Cl100kOptions& options, std::string_view digits) {
  std::string text;
  if (options.has_contractions) text.append(kContractions).append("|");
  text += options.marks_are_letters ? R"([^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|)" : R"([^\r\n\p{L}\p{N}]?\p{L}+|)";
  text += digits;
  text += options.marks_are_letters ? R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" : R"(| ?[^\s\p{L}\p{N}]+[\r\n]*)";
  return text.append(kBlanks);
}

std::string text_of(const O200kOptions& options, std::string_view digits) {
  const std::string tail = options.has_contractions ? std::string(kContractions) + "?" : "";
  std::string text = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)" + tail;
  text += R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)" + tail + "|";
  text.append(digits).append(R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*)");
  return text.append(kBlanks);
}

}  // namespace

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kCl100kPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kO200kPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::unique_ptr<Scanner> make_scanner(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return std::make_unique<Gpt2Scanner>();
  for (const auto& digits : kDigits) {
    for (const bool has_contractions : {true, false}) {
      for (const bool marks_are_letters : {true, false}) {
        const Cl100kOptions options{digits.max, has_contractions, marks_are_letters};
        if (pattern == text_of(options, digits.pattern)) return std::make_unique<Cl100kScanner>(options);
      }
      const O200kOptions options{digits.max, has_contractions};
      if (pattern == text_of(options, digits.pattern)) return std::make_unique<O200kScanner>(options);
    }
  }
  return nullptr;
}

}  // namespace quintet
