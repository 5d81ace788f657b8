#include "documents/sentences.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/text.h"

namespace quintet {
namespace {

using namespace std::string_view_literals;

// Lower case, without the last full stop, sorted. A name or a number follows these: never the end of a
// sentence.
constexpr std::array kOpenAbbreviations = {
    "abb"sv,    "abschn"sv, "adj"sv,  "adm"sv,  "anm"sv,  "app"sv,  "art"sv,  "aufl"sv, "bd"sv,   "brig"sv,
    "bsp"sv,    "bzgl"sv,   "bzw"sv,  "ca"sv,   "cap"sv,  "capt"sv, "cf"sv,   "ch"sv,   "chap"sv, "chs"sv,
    "cit"sv,    "cmdr"sv,   "col"sv,  "coll"sv, "cpl"sv,  "d.h"sv,  "dr"sv,   "e.g"sv,  "ed"sv,   "eds"sv,
    "eg"sv,     "eq"sv,     "eqs"sv,  "ex"sv,   "fig"sv,  "figs"sv, "fl"sv,   "fr"sv,   "gen"sv,  "ggf"sv,
    "gov"sv,    "hon"sv,    "hr"sv,   "hrn"sv,  "i.e"sv,  "ie"sv,   "inkl"sv, "kap"sv,  "lit"sv,  "lt"sv,
    "ltd.co"sv, "m.e"sv,    "maj"sv,  "mlle"sv, "mm"sv,   "mme"sv,  "mr"sv,   "mrs"sv,  "ms"sv,   "msgr"sv,
    "mt"sv,     "nos"sv,    "nr"sv,   "op"sv,   "p"sv,    "par"sv,  "pg"sv,   "pp"sv,   "pres"sv, "prof"sv,
    "pt"sv,     "ref"sv,    "refs"sv, "rep"sv,  "resp"sv, "rev"sv,  "s.a"sv,  "s.o"sv,  "sec"sv,  "sect"sv,
    "sen"sv,    "sgt"sv,    "sog"sv,  "sra"sv,  "srta"sv, "st"sv,   "str"sv,  "supt"sv, "tab"sv,  "u.a"sv,
    "usw.z"sv,  "v"sv,      "vgl"sv,  "viz"sv,  "vol"sv,  "vols"sv, "vs"sv,   "z.b"sv,  "zit"sv,  "zzgl"sv};

// These may end a sentence too: what follows decides.
constexpr std::array kClosingAbbreviations = {
    "a.d"sv,  "a.m"sv,  "al"sv,   "apr"sv,   "approx"sv, "assn"sv, "aug"sv,  "ave"sv,  "b.a"sv,   "b.c"sv,
    "b.sc"sv, "blvd"sv, "bros"sv, "co"sv,    "corp"sv,   "d.c"sv,  "dec"sv,  "dept"sv, "div"sv,   "etc"sv,
    "est"sv,  "feb"sv,  "fri"sv,  "ft"sv,    "gmbh"sv,   "ibid"sv, "in"sv,   "inc"sv,  "jan"sv,   "jr"sv,
    "jul"sv,  "jun"sv,  "l.p"sv,  "lb"sv,    "lbs"sv,    "llc"sv,  "ltd"sv,  "m.a"sv,  "m.d"sv,   "m.sc"sv,
    "mar"sv,  "max"sv,  "min"sv,  "mon"sv,   "n.v"sv,    "nov"sv,  "oct"sv,  "oz"sv,   "p.m"sv,   "ph.d"sv,
    "plc"sv,  "q.v"sv,  "rd"sv,   "s.a.s"sv, "sat"sv,    "sep"sv,  "sept"sv, "sp"sv,   "sq"sv,    "sr"sv,
    "ss"sv,   "sun"sv,  "thu"sv,  "thur"sv,  "tue"sv,    "u.k"sv,  "u.n"sv,  "u.s"sv,  "u.s.a"sv, "usw"sv,
    "var"sv,  "wed"sv,  "yr"sv,   "yrs"sv};

// A number follows: "No. 5", "Abs. 2". Before anything else they end a sentence ("He said no.").
constexpr std::array kNumberAbbreviations = {"abs"sv, "cl"sv,   "ff"sv, "fn"sv,  "lin"sv, "n"sv,
                                             "no"sv,  "para"sv, "r"sv,  "reg"sv, "rn"sv,  "rule"sv};

// Words that begin sentences and hardly ever names: after "et al." or "U.S." they say that a new one begins.
constexpr std::array kStarters = {
    "a"sv,         "after"sv,   "all"sv,  "also"sv,        "although"sv, "an"sv,    "and"sv,   "as"sv,
    "at"sv,        "because"sv, "both"sv, "but"sv,         "by"sv,       "das"sv,   "der"sv,   "die"sv,
    "during"sv,    "each"sv,    "ein"sv,  "eine"sv,        "el"sv,       "er"sv,    "es"sv,    "finally"sv,
    "first"sv,     "for"sv,     "from"sv, "furthermore"sv, "he"sv,       "her"sv,   "here"sv,  "his"sv,
    "how"sv,       "however"sv, "if"sv,   "il"sv,          "in"sv,       "it"sv,    "its"sv,   "la"sv,
    "le"sv,        "les"sv,     "los"sv,  "many"sv,        "moreover"sv, "most"sv,  "no"sv,    "not"sv,
    "on"sv,        "one"sv,     "or"sv,   "other"sv,       "our"sv,      "she"sv,   "since"sv, "sie"sv,
    "so"sv,        "some"sv,    "such"sv, "that"sv,        "the"sv,      "their"sv, "then"sv,  "there"sv,
    "therefore"sv, "these"sv,   "they"sv, "this"sv,        "those"sv,    "thus"sv,  "to"sv,    "under"sv,
    "we"sv,        "what"sv,    "when"sv, "where"sv,       "which"sv,    "while"sv, "who"sv,   "with"sv,
    "wir"sv,       "you"sv};

// A German date: "3. Oktober".
constexpr std::array kGermanMonths = {"april"sv,  "august"sv,   "dezember"sv, "februar"sv,
                                      "januar"sv, "juli"sv,     "juni"sv,     "mai"sv,
                                      "märz"sv,   "november"sv, "oktober"sv,  "september"sv};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::size_t kMaxAbbreviation = 12;  // bytes looked back from a full stop
constexpr std::size_t kMaxEnumerator = 10;    // "2.10.3." and "xviii." begin a sentence, they do not end one

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/// U+00A0, U+2002 to U+200A, U+202F, U+3000: white space beyond ASCII.
bool is_wide_blank(char32_t c) noexcept {
  return c == 0xA0 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x3000;
}

/// Ends a sentence whatever follows but a small letter: UAX #29's STerm, without those below.
bool is_strong_end(char32_t c) noexcept {
  switch (c) {
    case U'!':
    case U'?':
    case 0x203C:  // ‼ ‽ ⁇ ⁈ ⁉
    case 0x203D:
    case 0x2047:
    case 0x2048:
    case 0x2049:
    case 0x037E:  // Greek question mark
    case 0x0589:  // Armenian full stop
    case 0x061F:  // Arabic question mark
    case 0x06D4:  // Urdu full stop
    case 0x0964:  // Devanagari danda, double danda
    case 0x0965:
    case 0x1362:  // Ethiopic full stop
    case 0x1367:
    case 0x104A:  // Myanmar
    case 0x104B:
    case 0x17D4:  // Khmer
    case 0x17D5: return true;
    default: return false;
  }
}

/// Ends a sentence with nothing between it and the next one.
bool is_unspaced_end(char32_t c) noexcept {
  return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF61 || c == 0xFF0E;  // 。！？｡．
}

bool is_closer(char32_t c) noexcept {
  switch (c) {
    case U'"':
    case U'\'':
    case U')':
    case U']':
    case U'}':
    case 0x00BB:
    case 0x2019:
    case 0x201D:
    case 0x203A:
    case 0x3009:
    case 0x300B:
    case 0x300D:
    case 0x300F:
    case 0x3011:
    case 0x3015:
    case 0xFF02:
    case 0xFF07:
    case 0xFF09:
    case 0xFF3D:
    case 0xFF63: return true;
    default: return false;
  }
}

bool is_opener(char32_t c) noexcept {
  switch (c) {
    case U'"':
    case U'\'':
    case U'(':
    case U'[':
    case U'{':
    case 0x00A1:  // ¡ ¿
    case 0x00BF:
    case 0x00AB:
    case 0x2018:
    case 0x201C:
    case 0x201E:
    case 0x2039: return true;
    default: return false;
  }
}

bool is_digit(char32_t c) noexcept {
  return c >= U'0' && c <= U'9';
}
bool is_ascii_letter(char32_t c) noexcept {
  return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
}

/// Small letters of Latin, Greek, Cyrillic and Armenian: enough to see that a sentence goes on.
bool is_small(char32_t c) noexcept {
  if (c < 0x80) return c >= U'a' && c <= U'z';
  if (c <= 0xFF) return c >= 0xDF && c != 0xF7;
  if (c <= 0x17F) return c <= 0x137 || c >= 0x14A ? (c & 1U) != 0 : (c & 1U) == 0;
  if (c >= 0x3AC && c <= 0x3CE) return true;
  return (c >= 0x430 && c <= 0x45F) || (c >= 0x561 && c <= 0x587);
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<TextRange> split() {
    while (pos_ < text_.size()) {
      const std::size_t at = pos_;
      const auto byte = static_cast<unsigned char>(text_[pos_]);
      if (byte < 0x80) {
        ++pos_;
        step_ascii(static_cast<char>(byte), at);
      } else {
        step_wide(next_code_point(text_, pos_), at);
      }
    }
    end_sentence();
    return std::move(sentences_);
  }

 private:
  void step_ascii(char c, std::size_t at) {
    if (c == '\n') {
      end_sentence();
    } else if (!is_blank(c)) {
      take(at);
      if (c == '.') {
        after_full_stop(at);
      } else if (c == '!' || c == '?') {
        after_strong_end();
      }
    }
  }

  void step_wide(char32_t c, std::size_t at) {
    if (c == 0x2028 || c == 0x2029) {
      end_sentence();
    } else if (!is_wide_blank(c)) {
      take(at);
      if (is_unspaced_end(c)) {
        take_closers();
        // 「…。」と言った: a sentence that is quoted within another one goes on behind its quote.
        if (!closed_ || !goes_on_after_quote()) end_sentence();
      } else if (is_strong_end(c)) {
        after_strong_end();
      } else if (c == 0x2026) {  // …
        after_strong_end();
      }
    }
  }

  void take(std::size_t at) {
    if (!open_) begin_ = at;
    open_ = true;
    end_ = pos_;
  }

  void end_sentence() {
    if (open_)
      sentences_.push_back(TextRange{static_cast<std::uint32_t>(begin_), static_cast<std::uint32_t>(end_)});
    open_ = false;
  }

  char32_t peek(std::size_t at) const noexcept {
    if (at >= text_.size()) return U'\n';
    std::size_t next = at;
    return next_code_point(text_, next);
  }

  static bool is_space(char32_t c) noexcept {
    return c == U'\n' || (c < 0x80 && is_blank(static_cast<char>(c))) || is_wide_blank(c);
  }

  /// Closing quotes and brackets, further terminators, and marks of references: [4], [3, 7].
  void take_closers() {
    closed_ = false;
    while (pos_ < text_.size()) {
      std::size_t next = pos_;
      const char32_t c = next_code_point(text_, next);
      if (is_closer(c) || c == U'.' || is_strong_end(c) || is_unspaced_end(c)) {
        closed_ = closed_ || is_closer(c);
      } else if (c == U'[') {
        while (next < text_.size() && next - pos_ < 24 &&
               (is_digit(static_cast<unsigned char>(text_[next])) || text_[next] == ',' ||
                text_[next] == ' ' || text_[next] == '-'))
          ++next;
        if (next >= text_.size() || text_[next] != ']' || next == pos_ + 1) return;
        ++next;
      } else {
        return;
      }
      pos_ = next;
      end_ = pos_;
    }
  }

  bool goes_on_after_quote() const noexcept {
    const char32_t c = peek(pos_);
    // と って という: Japanese particles that quote; 、，,: the sentence around it is not over.
    return c == 0x3068 || c == 0x3063 || c == 0x3001 || c == 0xFF0C || c == U',';
  }

  /// The first character of what comes next, behind blanks and opening quotes; "\n" at a break or the end.
  struct Following {
    char32_t first = U'\n';
    std::size_t at = 0;
    bool was_opened = false;
  };
  Following following() const noexcept {
    Following next{U'\n', pos_, false};
    while (next.at < text_.size()) {
      std::size_t after = next.at;
      next.first = next_code_point(text_, after);
      const bool opens = is_opener(next.first);
      if (next.first == U'\n' || (!opens && !is_space(next.first))) return next;
      next.was_opened = next.was_opened || opens;
      // Blanks and quotes beyond any sense: not worth a look each time a full stop precedes them.
      if (next.at - pos_ > 16) return next;
      next.at = after;
    }
    next.first = U'\n';
    return next;
  }

  void after_strong_end() {
    take_closers();
    if (!is_space(peek(pos_)) && !is_unspaced_script(peek(pos_))) return;
    const Following next = following();
    if (is_small(next.first) && !next.was_opened) return;
    end_sentence();
  }

  void after_full_stop(std::size_t dot) {
    const std::size_t after_dot = pos_;
    take_closers();
    const bool has_more = pos_ != after_dot;  // "..." or a quote: not the full stop of an abbreviation alone
    if (!is_space(peek(pos_))) {
      take_glued_mark(dot);
      if (!is_space(peek(pos_))) return;
    }
    const Following next = following();
    if (next.first == U'\n') {
      if (next.at >= text_.size() || text_[next.at] == '\n') end_sentence();
      return;
    }
    if (is_small(next.first) || next.first == U',' || next.first == U';') return;
    if (is_enumerator(dot)) return;
    if (!has_more && goes_on(dot, next)) return;
    end_sentence();
  }

  /// "… was shown.12 The": the number of a note, set as a superscript and glued to the full stop by
  /// extraction.
  void take_glued_mark(std::size_t dot) {
    if (dot == 0 || !is_ascii_letter(static_cast<unsigned char>(text_[dot - 1]))) return;
    std::size_t next = pos_;
    while (next < text_.size() && next - pos_ < 3 && is_digit(static_cast<unsigned char>(text_[next])))
      ++next;
    if (next == pos_ || !is_space(peek(next))) return;
    pos_ = next;
    end_ = pos_;
  }

  /// All of the sentence so far is "4.", "2.1.", "iv.", "(b).".
  bool is_enumerator(std::size_t dot) const noexcept {
    if (dot - begin_ > kMaxEnumerator) return false;
    std::size_t n_letters = 0;
    bool is_roman = true;
    for (std::size_t i = begin_; i < dot; ++i) {
      const auto c = static_cast<unsigned char>(text_[i]);
      if (is_ascii_letter(c)) {
        ++n_letters;
        is_roman = is_roman && "ivxlcIVXLC"sv.find(static_cast<char>(c)) != std::string_view::npos;
      } else if (!is_digit(c) && c != '.' && c != '(' && c != ')' && c != '[' && c != ']') {
        return false;
      }
    }
    return n_letters <= 1 || (is_roman && n_letters == dot - begin_);
  }

  /// Whether the word before the full stop at `dot` is one that the full stop belongs to.
  bool goes_on(std::size_t dot, const Following& next) const {
    std::size_t from = dot;
    while (from > begin_ && dot - from <= kMaxAbbreviation) {
      const auto c = static_cast<unsigned char>(text_[from - 1]);
      if (!is_ascii_letter(c) && !is_digit(c) && c != '.' && c < 0x80) break;
      --from;
    }
    if (dot - from > kMaxAbbreviation || from == dot) return false;
    const std::string_view raw = text_.substr(from, dot - from);
    const std::string word = ascii_lower(raw);
    const std::string following_word = word_at(next.at);
    const bool starts = holds(kStarters, following_word);
    const bool number_follows = is_digit(next.first);
    if (std::all_of(word.begin(), word.end(), [](char c) { return is_digit(static_cast<unsigned char>(c)); }))
      return word.size() <= 2 && holds(kGermanMonths, following_word);
    const bool is_initial = raw.size() == 1 && raw[0] >= 'A' && raw[0] <= 'Z';
    if (is_initial) return !starts || (from >= 2 && text_[from - 2] == '.');
    if (holds(kOpenAbbreviations, word)) return true;
    if (holds(kNumberAbbreviations, word)) return number_follows;
    if (holds(kClosingAbbreviations, word)) {
      // "in. The", "sun. The" are words too; written small before a capital they mostly end a sentence.
      const bool is_word = word == "in" || word == "sun" || word == "sat" || word == "min" || word == "max" ||
                           word == "mar" || word == "co" || word == "wed";
      if (is_word && raw == word) return number_follows;
      return !starts;
    }
    // "B.C", "N.A.S.A": letters parted by full stops.
    if (raw.size() >= 3 && raw.size() % 2 == 1) {
      bool is_acronym = true;
      for (std::size_t i = 0; i < raw.size(); ++i)
        is_acronym =
            is_acronym && (i % 2 == 1 ? raw[i] == '.' : is_ascii_letter(static_cast<unsigned char>(raw[i])));
      if (is_acronym) return !starts;
    }
    return false;
  }

  std::string word_at(std::size_t at) const {
    std::size_t end = at;
    while (end < text_.size() && end - at < 16 &&
           (is_ascii_letter(static_cast<unsigned char>(text_[end])) ||
            static_cast<unsigned char>(text_[end]) >= 0x80))
      ++end;
    return ascii_lower(text_.substr(at, end - at));
  }

  std::string_view text_;
  std::vector<TextRange> sentences_;
  std::size_t pos_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool open_ = false;
  bool closed_ = false;
};

}  // namespace

std::vector<TextRange> split_sentences(std::string_view text) {
  return Splitter(text).split();
}

}  // namespace quintet
