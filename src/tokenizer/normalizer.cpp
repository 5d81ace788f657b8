#include "tokenizer/normalizer.h"

#include <cstdlib>
#include <utility>

#include <utf8proc.h>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/regex.h"
#include "tokenizer/unicode_classes.h"

namespace quintet {

class Normalizer::Step {
 public:
  virtual ~Step() = default;
  virtual std::string run(std::string_view text, bool starts_text) const = 0;
};

namespace {

using Step = Normalizer::Step;
using namespace unicode_class;

constexpr std::string_view kMark = "\u2581";

/// Appends what utf8proc makes of valid UTF-8.
void append_mapped(std::string& out, std::string_view valid, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto n = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                              static_cast<utf8proc_ssize_t>(valid.size()), &mapped,
                              static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(mapped, &std::free);
  if (n < 0) throw Exhausted(cat("tokenize: Unicode normalisation: ", utf8proc_errmsg(n)));
  out.append(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(n));
}

/// Characters that no normal form changes and that never join what stands before them. With `is_composed`,
/// those that the composed canonical form leaves alone: precomposed letters, syllables, ideographs.
bool is_inert(char32_t c, bool is_composed) {
  if (c < 0x80) return true;
  if (!is_composed) return false;
  return c < 0x300 || (c >= 0x400 && c <= 0x481) || (c >= 0x2010 && c <= 0x2027) ||
         (c >= 0x3041 && c <= 0x3096) || (c >= 0x30A1 && c <= 0x30FA) || (c >= 0x4E00 && c <= 0x9FFF) ||
         (c >= 0xAC00 && c <= 0xD7A3);
}

/// Canonical or compatibility mapping of the well-formed parts of `text`. utf8proc maps 40 MB/s; most text
/// needs none, so that only runs of other characters, each with the character before it, are given to it.
std::string normalize_unicode(std::string_view text, UnicodeForm form) {
  int options = UTF8PROC_STABLE;
  switch (form) {
    case UnicodeForm::nfc: options |= UTF8PROC_COMPOSE; break;
    case UnicodeForm::nfd: options |= UTF8PROC_DECOMPOSE; break;
    case UnicodeForm::nfkc: options |= UTF8PROC_COMPOSE | UTF8PROC_COMPAT; break;
    case UnicodeForm::nfkd: options |= UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT; break;
  }
  const bool is_composed = form == UnicodeForm::nfc;
  std::string out;
  out.reserve(text.size());
  std::size_t copied = 0;    // all before is in `out`
  std::size_t previous = 0;  // start of the character before `i`
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < text.size();) {
    const auto c = decode_character(text.data() + i, end);
    if (!c.is_valid || is_inert(c.code_point, is_composed)) {
      previous = i;
      i += c.length;
      continue;
    }
    std::size_t begin = i;
    if (i > copied && decode_character(text.data() + previous, end).is_valid) begin = previous;
    std::size_t last = i + c.length;
    while (last < text.size()) {
      const auto next = decode_character(text.data() + last, end);
      if (!next.is_valid || is_inert(next.code_point, is_composed)) break;
      last += next.length;
    }
    out += text.substr(copied, begin - copied);
    append_mapped(out, text.substr(begin, last - begin), options);
    copied = previous = i = last;
  }
  out += text.substr(copied);
  return out;
}

/// Calls `visit(bytes, character)` for each character.
template <typename Visit>
void for_each_character(std::string_view text, Visit visit) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = decode_character(text.data() + i, text.data() + text.size());
    visit(text.substr(i, c.length), c);
    i += c.length;
  }
}

void append_lower(std::string& out, char32_t c) {
  if (c == 0x130) {  // the one character whose lower case is two (SpecialCasing.txt)
    append_utf8(out, U'i');
    append_utf8(out, 0x307);
    return;
  }
  append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&out](std::string_view bytes, const DecodedCharacter& c) {
    if (c.is_valid) {
      append_lower(out, c.code_point);
    } else {
      out += bytes;
    }
  });
  return out;
}

std::string without(std::string_view text, ClassMask mask) {
  std::string out;
  out.reserve(text.size());
  const auto& classes = UnicodeClasses::get();
  for_each_character(text, [&](std::string_view bytes, const DecodedCharacter& c) {
    if (!c.is_valid || (classes.of(c.code_point) & mask) == 0) out += bytes;
  });
  return out;
}

class UnicodeStep final : public Step {
 public:
  explicit UnicodeStep(UnicodeForm form) : form_(form) {}
  std::string run(std::string_view text, bool) const override { return normalize_unicode(text, form_); }

 private:
  UnicodeForm form_;
};

class LowercaseStep final : public Step {
 public:
  std::string run(std::string_view text, bool) const override { return lowercase(text); }
};

class StripAccentsStep final : public Step {
 public:
  std::string run(std::string_view text, bool) const override { return without(text, kMn | kMcMe); }
};

class PrependStep final : public Step {
 public:
  explicit PrependStep(std::string content) : content_(std::move(content)) {}
  std::string run(std::string_view text, bool) const override {
    return text.empty() ? std::string() : content_ + std::string(text);
  }

 private:
  std::string content_;
};

class ReplaceStep final : public Step {
 public:
  explicit ReplaceStep(const NormalizeReplace& options) : options_(options) {
    if (options.is_regex) regex_ = std::make_unique<Regex>(options.pattern);
  }
  std::string run(std::string_view text, bool) const override {
    if (regex_ == nullptr) {
      return options_.pattern.empty() ? std::string(text)
                                      : replace_all(std::string(text), options_.pattern, options_.content);
    }
    std::vector<Regex::Match> matches;
    Regex::Matcher(*regex_).find_all(text, 0, matches);
    std::string out;
    std::size_t open = 0;
    for (const Regex::Match& match : matches) {
      out += text.substr(open, match.begin - open);
      out += options_.content;
      open = match.end;
    }
    out += text.substr(open);
    return out;
  }

 private:
  NormalizeReplace options_;
  std::unique_ptr<Regex> regex_;
};

class StripStep final : public Step {
 public:
  explicit StripStep(const NormalizeStrip& options) : options_(options) {}
  std::string run(std::string_view text, bool) const override {
    const auto& classes = UnicodeClasses::get();
    std::size_t begin = text.size();
    std::size_t end = 0;
    std::size_t pos = 0;
    for_each_character(text, [&](std::string_view bytes, const DecodedCharacter& c) {
      if ((classes.of(c.code_point) & kWhiteSpace) == 0) {
        begin = std::min(begin, pos);
        end = pos + bytes.size();
      }
      pos += bytes.size();
    });
    if (begin == text.size()) return "";
    if (!options_.left) begin = 0;
    if (!options_.right) end = text.size();
    return std::string(text.substr(begin, end - begin));
  }

 private:
  NormalizeStrip options_;
};

/// BERT's BasicTokenizer (github.com/google-research/bert, tokenization.py).
class BertNormalizerStep final : public Step {
 public:
  explicit BertNormalizerStep(const NormalizeBert& options) : options_(options) {}
  std::string run(std::string_view text, bool) const override {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for_each_character(text, [&](std::string_view bytes, const DecodedCharacter& c) {
      const ClassMask mask = bert_class(c.code_point);
      if (options_.clean_text) {
        const bool is_format = (mask & kOther) != 0 && is_removed(c.code_point);
        if (c.code_point == 0 || (c.code_point == 0xFFFD && c.is_valid) || (mask & kControl) != 0 ||
            is_format)
          return;
        // U+0085 and some others are white space to Unicode but control characters to BERT.
        if ((mask & kWhiteSpace) != 0) {
          if (is_control_blank(c.code_point)) return;
          out += ' ';
          return;
        }
      }
      if (options_.space_cjk && is_cjk_ideograph(c.code_point)) {
        out.append(" ").append(bytes).append(" ");
      } else {
        out += bytes;
      }
    });
    if (options_.strip_accents) out = without_accents(normalize_unicode(out, UnicodeForm::nfd));
    if (options_.lowercase) out = lowercase(out);
    return out;
  }

 private:
  static std::string without_accents(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for_each_character(text, [&](std::string_view bytes, const DecodedCharacter& c) {
      if (!c.is_valid || (bert_class(c.code_point) & kMn) == 0) out += bytes;
    });
    return out;
  }
  static bool is_removed(char32_t c) {
    const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    return category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CO;
  }
  static bool is_control_blank(char32_t c) { return c == 0x0B || c == 0x0C || c == 0x85; }

  NormalizeBert options_;
};

/// As the library "tokenizers" applies a charsmap: a short grapheme cluster as a whole, else character by
/// character, each replaced when some prefix of it is in the map.
class CharsmapStep final : public Step {
 public:
  explicit CharsmapStep(const NormalizeCharsmap& options) : charsmap_(options.charsmap) {}
  std::string run(std::string_view text, bool) const override {
    std::string out;
    out.reserve(text.size());
    std::size_t begin = 0;
    utf8proc_int32_t state = 0;
    char32_t previous = 0;
    std::size_t pos = 0;
    for_each_character(text, [&](std::string_view bytes, const DecodedCharacter& c) {
      if (pos > 0 && utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous),
                                                      static_cast<utf8proc_int32_t>(c.code_point), &state)) {
        append_cluster(out, text.substr(begin, pos - begin));
        begin = pos;
      }
      previous = c.code_point;
      pos += bytes.size();
    });
    append_cluster(out, text.substr(begin));
    return out;
  }

 private:
  void append_cluster(std::string& out, std::string_view cluster) const {
    if (cluster.size() < 6) {
      if (const auto found = charsmap_.shortest_prefix(cluster); found.length > 0) {
        out += found.replacement;
        return;
      }
    }
    for_each_character(cluster, [&](std::string_view bytes, const DecodedCharacter&) {
      const auto found = charsmap_.shortest_prefix(bytes);
      out += found.length > 0 ? found.replacement : bytes;
    });
  }

  Charsmap charsmap_;
};

/// SentencePiece's normaliser (arXiv:1808.06226, section 3.2; behaviour of the library's release 0.2).
class SentencePieceStep final : public Step {
 public:
  SentencePieceStep(const NormalizeSentencePiece& options, const std::vector<std::string_view>& user_defined)
      : options_(options), charsmap_(options.charsmap) {
    std::vector<std::pair<std::string_view, std::uint32_t>> entries;
    for (const std::string_view piece : user_defined) entries.emplace_back(piece, 0);
    user_defined_ = ByteTrie(std::move(entries));
  }

  std::string run(std::string_view text, bool starts_text) const override {
    std::string out;
    const std::string_view space = options_.escape_whitespaces ? kMark : std::string_view(" ");
    if (options_.remove_extra_whitespaces) {
      while (!text.empty()) {
        const auto [replacement, length] = prefix(text);
        if (replacement != " ") break;
        text.remove_prefix(length);
      }
    }
    if (text.empty()) return out;
    out.reserve(text.size() + text.size() / 4);
    const bool has_prefix = options_.add_dummy_prefix && starts_text;
    if (has_prefix && !options_.treat_whitespace_as_suffix) out += space;
    bool previous_is_space = options_.remove_extra_whitespaces;
    while (!text.empty()) {
      auto [replacement, length] = prefix(text);
      while (previous_is_space && replacement.starts_with(' ')) replacement.remove_prefix(1);
      if (!replacement.empty()) {
        for (const char c : replacement) {
          if (c == ' ') {
            out += space;
          } else {
            out += c;
          }
        }
        previous_is_space = replacement.ends_with(' ');
      }
      text.remove_prefix(length);
      if (!options_.remove_extra_whitespaces) previous_is_space = false;
    }
    if (options_.remove_extra_whitespaces) {
      while (std::string_view(out).ends_with(space)) out.resize(out.size() - space.size());
    }
    if (has_prefix && options_.treat_whitespace_as_suffix) out += space;
    return out;
  }

 private:
  /// What the start of `text` becomes and how many bytes it took.
  std::pair<std::string_view, std::size_t> prefix(std::string_view text) const {
    if (user_defined_.may_start_with(text[0])) {
      if (const auto found = user_defined_.longest_prefix(text); found.length > 0) {
        return {text.substr(0, found.length), found.length};
      }
    }
    if (const auto found = charsmap_.longest_prefix(text); found.length > 0) {
      return {found.replacement, found.length};
    }
    const auto c = decode_character(text.data(), text.data() + text.size());
    if (!c.is_valid && !charsmap_.is_empty()) return {"\uFFFD", 1};
    return {text.substr(0, c.length), c.length};
  }

  NormalizeSentencePiece options_;
  Charsmap charsmap_;
  ByteTrie user_defined_;
};

}  // namespace

Normalizer::Normalizer(const std::vector<NormalizerStep>& steps,
                       const std::vector<std::string_view>& user_defined) {
  for (const NormalizerStep& step : steps) {
    if (const auto* unicode = std::get_if<NormalizeUnicode>(&step)) {
      steps_.push_back(std::make_unique<UnicodeStep>(unicode->form));
    } else if (std::holds_alternative<NormalizeLowercase>(step)) {
      steps_.push_back(std::make_unique<LowercaseStep>());
    } else if (std::holds_alternative<NormalizeStripAccents>(step)) {
      steps_.push_back(std::make_unique<StripAccentsStep>());
    } else if (const auto* prepend = std::get_if<NormalizePrepend>(&step)) {
      steps_.push_back(std::make_unique<PrependStep>(prepend->content));
    } else if (const auto* replace = std::get_if<NormalizeReplace>(&step)) {
      steps_.push_back(std::make_unique<ReplaceStep>(*replace));
    } else if (const auto* strip = std::get_if<NormalizeStrip>(&step)) {
      steps_.push_back(std::make_unique<StripStep>(*strip));
    } else if (const auto* bert = std::get_if<NormalizeBert>(&step)) {
      steps_.push_back(std::make_unique<BertNormalizerStep>(*bert));
    } else if (const auto* charsmap = std::get_if<NormalizeCharsmap>(&step)) {
      steps_.push_back(std::make_unique<CharsmapStep>(*charsmap));
    } else if (const auto* sentencepiece = std::get_if<NormalizeSentencePiece>(&step)) {
      steps_.push_back(std::make_unique<SentencePieceStep>(*sentencepiece, user_defined));
    }
  }
}

Normalizer::~Normalizer() = default;

std::string Normalizer::run(std::string_view text, bool starts_text) const {
  std::string out(text);
  for (const auto& step : steps_) out = step->run(out, starts_text);
  return out;
}

}  // namespace quintet
