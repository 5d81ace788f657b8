#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/regex.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <pcre2.h>
#include <utility>
#include <vector>

#include <utf8proc.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

/// Steps of one match. The costliest known pattern needs a handful per character; text between two line ends
/// is rarely longer than a megabyte.
constexpr std::uint32_t kMatchLimit = 20'000'000;
constexpr std::uint32_t kDepthLimit = 100'000;
constexpr std::size_t kHeapLimitKib = 64 * 1024;
constexpr std::size_t kStackBytes = 32 * 1024;
constexpr std::size_t kMaxStackBytes = 4 * 1024 * 1024;
constexpr std::size_t kMaxPatternBytes = 64 * 1024;

constexpr std::string_view kWhiteSpaceSet =
    R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

struct CodeRange {
  char32_t first;
  char32_t last;
};
/// Blocks with characters newer than Unicode 14, the version of PCRE2 10.40 to 10.43 (Unicode's
/// DerivedAge.txt).
constexpr std::array kNewerRanges{
    CodeRange{0x0897, 0x0897},   CodeRange{0x0CF3, 0x0CF3},   CodeRange{0x0ECE, 0x0ECE},
    CodeRange{0x1C89, 0x1C8A},   CodeRange{0x2427, 0x2429},   CodeRange{0x2FFC, 0x2FFF},
    CodeRange{0x31E4, 0x31EF},   CodeRange{0xA7CB, 0xA7DC},   CodeRange{0x105C0, 0x105FF},
    CodeRange{0x10D40, 0x10D8F}, CodeRange{0x10EC2, 0x10EFF}, CodeRange{0x11200, 0x11241},
    CodeRange{0x11380, 0x113E2}, CodeRange{0x116D0, 0x116E3}, CodeRange{0x11B00, 0x11B09},
    CodeRange{0x11BC0, 0x11BF9}, CodeRange{0x11F00, 0x11F5A}, CodeRange{0x1342F, 0x143FA},
    CodeRange{0x16100, 0x16139}, CodeRange{0x16D40, 0x16D79}, CodeRange{0x18CFF, 0x18CFF},
    CodeRange{0x1B132, 0x1B132}, CodeRange{0x1B155, 0x1B155}, CodeRange{0x1CC00, 0x1CEB3},
    CodeRange{0x1D2C0, 0x1D2D3}, CodeRange{0x1DF25, 0x1DF2A}, CodeRange{0x1E030, 0x1E08F},
    CodeRange{0x1E4D0, 0x1E4F9}, CodeRange{0x1E5D0, 0x1E5FF}, CodeRange{0x1F6DC, 0x1F6DC},
    CodeRange{0x1F774, 0x1F77F}, CodeRange{0x1F7D9, 0x1F7D9}, CodeRange{0x1F8B2, 0x1F8C1},
    CodeRange{0x1FA75, 0x1FACF}, CodeRange{0x1FADA, 0x1FAF8}, CodeRange{0x2B739, 0x2B739},
    CodeRange{0x2EBF0, 0x2EE5D}, CodeRange{0x31350, 0x323AF}};

/// "[…]" contents that `\p{name}` of PCRE2 lacks, or "" when it lacks nothing or `name` is no category.
std::string newer_characters(std::string_view name) {
  std::string set;
  if (name.empty() || name.size() > 2) return set;
  const auto matches = [name](char32_t c) {
    const char* category = utf8proc_category_string(static_cast<utf8proc_int32_t>(c));
    return category[0] == name[0] && (name.size() == 1 || category[1] == name[1]);
  };
  for (const CodeRange range : kNewerRanges) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      if (!matches(c)) continue;
      char32_t last = c;
      while (last < range.last && matches(last + 1)) ++last;
      constexpr std::string_view kHex = "0123456789ABCDEF";
      const auto append = [&set, kHex](char32_t code_point) {
        set += "\\x{";
        for (int shift = 20; shift >= 0; shift -= 4) set += kHex[(code_point >> shift) & 0xF];
        set += '}';
      };
      append(c);
      if (last > c) {
        set += '-';
        append(last);
      }
      c = last;
    }
  }
  return set;
}

/// The end of "\p{Lu}" or "\pL" at `pos` (at the backslash) and the name in it.
std::pair<std::size_t, std::string_view> property_at(std::string_view pattern, std::size_t pos) {
  if (pos + 2 >= pattern.size()) return {pos + 2, ""};
  if (pattern[pos + 2] != '{') return {pos + 3, pattern.substr(pos + 2, 1)};
  const std::size_t close = pattern.find('}', pos);
  if (close == std::string_view::npos) return {pos + 2, ""};
  return {close + 1, pattern.substr(pos + 3, close - pos - 3)};
}

std::string shown(std::string_view pattern) {
  const std::string valid = sanitize_utf8(pattern);
  return std::string(truncate_utf8(valid, 200));
}

}  // namespace

namespace {

/// Oniguruma's word characters: letters, marks, digits, connectors, and the numbers of Latin-1.
constexpr std::string_view kWordSet = R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";

/// Rewrites a pattern from left to right. Sets may hold sets and intersections there, which PCRE2 does not
/// know.
class PatternTranslator {
 public:
  explicit PatternTranslator(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    std::string out;
    while (pos_ < pattern_.size()) {
      if (pattern_[pos_] == '\\') {
        out += escape(false);
      } else if (pattern_[pos_] == '[') {
        ++pos_;
        out += set(0);
      } else {
        out += pattern_[pos_++];
      }
    }
    return out;
  }

 private:
  static constexpr int kMaxDepth = 16;

  /// The escape at pos_, inside or outside a set.
  std::string escape(bool in_set) {
    if (pos_ + 1 >= pattern_.size()) {
      pos_ = pattern_.size();
      return "\\";
    }
    const char kind = pattern_[pos_ + 1];
    const auto as_set = [in_set](std::string_view content) {
      return in_set ? std::string(content) : cat("[", content, "]");
    };
    switch (kind) {
      case 's': pos_ += 2; return as_set(kWhiteSpaceSet);
      case 'w': pos_ += 2; return as_set(kWordSet);
      case 'h': pos_ += 2; return as_set("0-9A-Fa-f");
      case 'b':
        pos_ += 2;
        // PCRE2's words have other characters: all numbers, and no marks before its release 10.43.
        return in_set ? "\\b"
                      : cat("(?:(?<=[", kWordSet, "])(?![", kWordSet, "])|(?<![", kWordSet, "])(?=[",
                            kWordSet, "]))");
      case 'S':
      case 'W':
        pos_ += 2;
        if (in_set) return kind == 'S' ? "\\S" : "\\W";
        return cat("[^", kind == 'S' ? kWhiteSpaceSet : kWordSet, "]");
      case 'p':
      case 'P': {
        const auto [end, name] = property_at(pattern_, pos_);
        const std::string_view property = pattern_.substr(pos_, end - pos_);
        const bool is_negated = kind == 'P' || name.starts_with('^');
        // PCRE2 takes a script's name for its extensions too; the originals do not.
        const bool is_script =
            name.size() >= 3 && name != "Any" && name.find_first_of("^:=_ ") == std::string_view::npos;
        if (is_script) {
          pos_ = end;
          return cat("\\", std::string(1, kind), "{sc:", name, "}");
        }
        const std::string newer = is_negated ? "" : newer_characters(name);
        pos_ = end;
        return newer.empty() ? std::string(property) : as_set(cat(property, newer));
      }
      default: {
        const std::string text(pattern_.substr(pos_, 2));
        pos_ += 2;
        return text;
      }
    }
  }

  /// A set whose "[" was read, as PCRE2 writes it.
  std::string set(int depth) {
    if (depth > kMaxDepth)
      throw CorruptData(cat("tokenizer pattern \"", shown(pattern_), "\": sets nested too deeply"));
    const bool is_negated = pos_ < pattern_.size() && pattern_[pos_] == '^';
    if (is_negated) ++pos_;
    std::string content;
    std::string intersections;
    // "]" directly after "[" or "[^" stands for itself.
    if (pos_ < pattern_.size() && pattern_[pos_] == ']') {
      content += "\\]";
      ++pos_;
    }
    while (pos_ < pattern_.size() && pattern_[pos_] != ']') {
      if (pattern_.compare(pos_, 2, "[:") == 0 && pattern_.find(":]", pos_) != std::string_view::npos) {
        const std::size_t end = pattern_.find(":]", pos_) + 2;
        content += pattern_.substr(pos_, end - pos_);
        pos_ = end;
      } else if (pattern_[pos_] == '[') {
        ++pos_;
        const std::string inner = set(depth + 1);
        // A union with a plain set is the set's content; nothing else can stand inside brackets.
        if (!inner.starts_with('[') || inner.starts_with("[^")) {
          throw Unsupported(cat("tokenizer pattern \"", shown(pattern_), "\": a union with a negated set"));
        }
        content += inner.substr(1, inner.size() - 2);
      } else if (pattern_.compare(pos_, 2, "&&") == 0) {
        pos_ += 2;
        if (pos_ >= pattern_.size() || pattern_[pos_] != '[') {
          throw Unsupported(cat("tokenizer pattern \"", shown(pattern_), "\": && without a set"));
        }
        ++pos_;
        intersections += cat("(?=", set(depth + 1), ")");
      } else if (pattern_[pos_] == '\\') {
        content += escape(true);
      } else {
        content += pattern_[pos_++];
      }
    }
    if (pos_ >= pattern_.size())
      throw CorruptData(cat("tokenizer pattern \"", shown(pattern_), "\": a set without end"));
    ++pos_;
    if (intersections.empty()) return cat(is_negated ? "[^" : "[", content, "]");
    if (is_negated) return cat("(?:(?!", intersections, "[", content, "])(?s:.))");
    return cat("(?:", intersections, "[", content, "])");
  }

  std::string_view pattern_;
  std::size_t pos_ = 0;
};

}  // namespace

std::string to_pcre2_pattern(std::string_view pattern) {
  return PatternTranslator(pattern).run();
}

struct Regex::Compiled {
  pcre2_code* code = nullptr;
  const std::uint8_t* first_bytes =
      nullptr;  // 256 bits: bytes that a match can start with; null when not known
  bool is_machine_code = false;
  std::string pattern;
  ~Compiled() { pcre2_code_free(code); }
};

struct Regex::Matcher::State {
  const Compiled* compiled = nullptr;
  pcre2_match_data* data = nullptr;
  pcre2_match_context* context = nullptr;
  pcre2_jit_stack* stack = nullptr;
  ~State() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
};

Regex::Regex(std::string_view pattern) : compiled_(std::make_unique<Compiled>()) {
  if (pattern.size() > kMaxPatternBytes) {
    throw CorruptData(
        cat("tokenizer pattern: ", pattern.size(), " bytes, at most ", kMaxPatternBytes, " are read"));
  }
  compiled_->pattern = pattern;
  const std::string translated = to_pcre2_pattern(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_MULTILINE, &error,
                                  &offset, nullptr);
  if (compiled_->code == nullptr) {
    PCRE2_UCHAR reason[256];
    pcre2_get_error_message(error, reason, sizeof reason);
    throw CorruptData(
        cat("tokenizer pattern \"", shown(pattern), "\": ", reinterpret_cast<const char*>(reason)));
  }
  // Without the compiler to machine code (no executable memory) the interpreter gives the same matches.
  compiled_->is_machine_code = pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE) == 0;
  pcre2_pattern_info(compiled_->code, PCRE2_INFO_FIRSTBITMAP, &compiled_->first_bytes);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

Regex::Matcher::Matcher(const Regex& regex) : state_(std::make_unique<State>()) {
  state_->compiled = regex.compiled_.get();
  state_->data = pcre2_match_data_create_from_pattern(state_->compiled->code, nullptr);
  state_->context = pcre2_match_context_create(nullptr);
  if (state_->data == nullptr || state_->context == nullptr) {
    throw Exhausted("tokenizer pattern: not enough memory");
  }
  pcre2_set_match_limit(state_->context, kMatchLimit);
  pcre2_set_depth_limit(state_->context, kDepthLimit);
  pcre2_set_heap_limit(state_->context, kHeapLimitKib);
  if (state_->compiled->is_machine_code) {
    state_->stack = pcre2_jit_stack_create(kStackBytes, kMaxStackBytes, nullptr);
    if (state_->stack != nullptr) pcre2_jit_stack_assign(state_->context, nullptr, state_->stack);
  }
}

Regex::Matcher::~Matcher() = default;

void Regex::Matcher::find_all(std::string_view text, std::size_t base, std::vector<Match>& out) {
  // PCRE2 wants valid UTF-8; it is checked here once instead of by every match.
  while (!text.empty()) {
    const auto bad = find_invalid_utf8(text);
    find_in_valid(text.substr(0, bad.value_or(text.size())), base, out);
    if (!bad) return;
    base += *bad + 1;
    text.remove_prefix(*bad + 1);
  }
}

void Regex::Matcher::find_in_valid(std::string_view text, std::size_t base, std::vector<Match>& out) {
  const std::uint8_t* const first = state_->compiled->first_bytes;
  std::size_t from = 0;
  while (from < text.size()) {
    if (first != nullptr) {
      while (from < text.size()) {
        const auto byte = static_cast<unsigned char>(text[from]);
        if ((first[byte / 8] >> (byte % 8) & 1) != 0) break;
        ++from;
      }
      if (from == text.size()) return;
    }
    const auto* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const Compiled& compiled = *state_->compiled;
    int n = compiled.is_machine_code
                ? pcre2_jit_match(compiled.code, subject, text.size(), from, 0, state_->data, state_->context)
                : PCRE2_ERROR_JIT_STACKLIMIT;
    if (n == PCRE2_ERROR_JIT_STACKLIMIT) {
      n = pcre2_match(compiled.code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                      state_->data, state_->context);
    }
    if (n == PCRE2_ERROR_NOMATCH) return;
    if (n < 0) {
      PCRE2_UCHAR reason[256];
      pcre2_get_error_message(n, reason, sizeof reason);
      throw Exhausted(cat("tokenizer pattern \"", shown(state_->compiled->pattern), "\" on ", text.size(),
                          " bytes: ", reinterpret_cast<const char*>(reason)));
    }
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(state_->data);
    const std::size_t begin = std::min(ends[0], ends[1]);  // \K can set the start behind the end
    out.push_back({base + begin, base + ends[1]});
    from = ends[1];
    if (begin == ends[1]) {
      if (from >= text.size()) return;
      next_code_point(text, from);
    }
  }
}

}  // namespace quintet
