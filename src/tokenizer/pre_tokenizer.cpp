#include "tokenizer/pre_tokenizer.h"

#include <optional>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/regex.h"
#include "tokenizer/unicode_classes.h"

namespace quintet {

class PreTokenizer::Step {
 public:
  virtual ~Step() = default;
  virtual void run(PreTokenizedText& text, bool is_first) const = 0;
};

namespace {

using Step = PreTokenizer::Step;

/// A part of a stretch, and whether the pattern matched it.
struct Segment {
  Stretch part;
  bool is_match = false;
};

void add(std::vector<Stretch>& out, Stretch part) {
  if (part.begin < part.end) out.push_back(part);
}

/// What `behavior` makes of segments that cover a stretch from left to right.
void apply(SplitBehavior behavior, const std::vector<Segment>& segments, std::vector<Stretch>& out) {
  switch (behavior) {
    case SplitBehavior::removed:
      for (const Segment& segment : segments) {
        if (!segment.is_match) add(out, segment.part);
      }
      return;
    case SplitBehavior::isolated:
      for (const Segment& segment : segments) add(out, segment.part);
      return;
    case SplitBehavior::merged_with_previous: {
      std::optional<Stretch> open;
      bool previous_is_match = false;
      for (const Segment& segment : segments) {
        if (segment.is_match && !previous_is_match && open) {
          open->end = segment.part.end;
        } else {
          if (open) add(out, *open);
          open = segment.part;
        }
        previous_is_match = segment.is_match;
      }
      if (open) add(out, *open);
      return;
    }
    case SplitBehavior::merged_with_next: {
      // Seen from the right: a match joins what follows it unless that is a match too.
      std::vector<Stretch> reversed;
      bool previous_is_match = false;
      for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
        if (segment->is_match && !previous_is_match && !reversed.empty()) {
          reversed.back().begin = segment->part.begin;
        } else {
          reversed.push_back(segment->part);
        }
        previous_is_match = segment->is_match;
      }
      for (auto part = reversed.rbegin(); part != reversed.rend(); ++part) add(out, *part);
      return;
    }
    case SplitBehavior::contiguous: {
      std::optional<Stretch> open;
      bool previous_is_match = false;
      for (const Segment& segment : segments) {
        if (open && segment.is_match == previous_is_match) {
          open->end = segment.part.end;
        } else {
          if (open) add(out, *open);
          open = segment.part;
        }
        previous_is_match = segment.is_match;
      }
      if (open) add(out, *open);
      return;
    }
  }
}

/// Splits every stretch; `segments_of` says where the pattern matches inside one.
template <typename SegmentsOf>
void split_all(PreTokenizedText& text, SplitBehavior behavior, SegmentsOf segments_of) {
  text.previous.swap(text.stretches);
  text.stretches.clear();
  std::vector<Segment> segments;
  for (const Stretch stretch : text.previous) {
    segments.clear();
    segments_of(stretch, segments);
    apply(behavior, segments, text.stretches);
  }
}

/// Calls `visit(begin, end, code_point)` for each character of a stretch.
template <typename Visit>
void for_each_character(std::string_view text, Stretch stretch, Visit visit) {
  const char* const base = text.data();
  for (std::uint32_t i = stretch.begin; i < stretch.end;) {
    const auto c = decode_character(base + i, base + stretch.end);
    visit(i, i + c.length, c.code_point);
    i += c.length;
  }
}

/// Characters for which `is_match` holds are matches of their own.
template <typename IsMatch>
void split_by_character(PreTokenizedText& text, SplitBehavior behavior, IsMatch is_match) {
  split_all(text, behavior, [&](Stretch stretch, std::vector<Segment>& segments) {
    std::uint32_t open = stretch.begin;
    for_each_character(text.text, stretch, [&](std::uint32_t begin, std::uint32_t end, char32_t c) {
      if (!is_match(c)) return;
      if (open < begin) segments.push_back({{open, begin}, false});
      segments.push_back({{begin, end}, true});
      open = end;
    });
    if (open < stretch.end) segments.push_back({{open, stretch.end}, false});
  });
}

class ScannerStep final : public Step {
 public:
  explicit ScannerStep(std::unique_ptr<Scanner> scanner) : scanner_(std::move(scanner)) {}
  void run(PreTokenizedText& text, bool) const override {
    text.previous.swap(text.stretches);
    text.stretches.clear();
    for (const Stretch stretch : text.previous) scanner_->scan(text.text, stretch, text.stretches);
  }

 private:
  std::unique_ptr<Scanner> scanner_;
};

class RegexStep final : public Step {
 public:
  explicit RegexStep(const SplitPattern& options) : options_(options), regex_(options.pattern) {}
  void run(PreTokenizedText& text, bool) const override {
    Regex::Matcher matcher(regex_);
    std::vector<Regex::Match> matches;
    split_all(text, options_.behavior, [&](Stretch stretch, std::vector<Segment>& segments) {
      matches.clear();
      matcher.find_all(text.text.substr(stretch.begin, stretch.end - stretch.begin), stretch.begin, matches);
      std::uint32_t open = stretch.begin;
      for (const Regex::Match& match : matches) {
        const auto begin = static_cast<std::uint32_t>(match.begin);
        const auto end = static_cast<std::uint32_t>(match.end);
        if (open < begin) segments.push_back({{open, begin}, options_.invert});
        segments.push_back({{begin, end}, !options_.invert});
        open = end;
      }
      if (open < stretch.end) segments.push_back({{open, stretch.end}, options_.invert});
    });
  }

 private:
  SplitPattern options_;
  Regex regex_;
};

class LiteralStep final : public Step {
 public:
  explicit LiteralStep(SplitPattern options) : options_(std::move(options)) {}
  void run(PreTokenizedText& text, bool) const override {
    split_all(text, options_.behavior, [&](Stretch stretch, std::vector<Segment>& segments) {
      const std::string_view part = text.text.substr(0, stretch.end);
      std::uint32_t open = stretch.begin;
      while (!options_.pattern.empty()) {
        const std::size_t at = part.find(options_.pattern, open);
        if (at == std::string_view::npos) break;
        const auto begin = static_cast<std::uint32_t>(at);
        const auto end = static_cast<std::uint32_t>(at + options_.pattern.size());
        if (open < begin) segments.push_back({{open, begin}, options_.invert});
        segments.push_back({{begin, end}, !options_.invert});
        open = end;
      }
      if (open < stretch.end) segments.push_back({{open, stretch.end}, options_.invert});
    });
  }

 private:
  SplitPattern options_;
};

/// Runs of numbers apart from all else, cut after every `max` of them.
class DigitsStep final : public Step {
 public:
  explicit DigitsStep(std::uint32_t max) : max_(max) {}
  void run(PreTokenizedText& text, bool) const override {
    const auto& classes = UnicodeClasses::get();
    text.previous.swap(text.stretches);
    text.stretches.clear();
    const char* const base = text.text.data();
    for (const Stretch stretch : text.previous) {
      std::uint32_t open = stretch.begin;
      std::uint32_t n_open = 0;  // numbers in the open part; 0 when it is something else
      for (std::uint32_t i = stretch.begin; i < stretch.end;) {
        const auto c = decode_character(base + i, base + stretch.end);
        const bool is_number = (classes.of(c.code_point) & unicode_class::kNumber) != 0;
        if (is_number != (n_open > 0) || n_open == max_) {
          add(text.stretches, {open, i});
          open = i;
          n_open = 0;
        }
        if (is_number) ++n_open;
        i += c.length;
      }
      add(text.stretches, {open, stretch.end});
    }
  }

 private:
  std::uint32_t max_;
};
constexpr std::uint32_t kNoMaximum = 0xFFFFFFFF;

class PunctuationStep final : public Step {
 public:
  explicit PunctuationStep(SplitBehavior behavior) : behavior_(behavior) {}
  void run(PreTokenizedText& text, bool) const override {
    split_by_character(text, behavior_, is_bert_punctuation);
  }

 private:
  SplitBehavior behavior_;
};

bool is_blank(char32_t c) {
  return (UnicodeClasses::get().of(c) & unicode_class::kWhiteSpace) != 0;
}

class WhitespaceStep final : public Step {
 public:
  void run(PreTokenizedText& text, bool) const override {
    split_by_character(text, SplitBehavior::removed, is_blank);
  }
};

class BertStep final : public Step {
 public:
  void run(PreTokenizedText& text, bool) const override {
    split_by_character(text, SplitBehavior::removed, is_blank);
    split_by_character(text, SplitBehavior::isolated, is_bert_punctuation);
  }
};

class WordsAndSymbolsStep final : public Step {
 public:
  void run(PreTokenizedText& text, bool) const override {
    text.previous.swap(text.stretches);
    text.stretches.clear();
    enum class Kind : std::uint8_t { blank, word, symbol };
    for (const Stretch stretch : text.previous) {
      Kind open_kind = Kind::blank;
      std::uint32_t open = stretch.begin;
      const auto close = [&](std::uint32_t end) {
        if (open_kind != Kind::blank) add(text.stretches, {open, end});
      };
      for_each_character(text.text, stretch, [&](std::uint32_t begin, std::uint32_t, char32_t c) {
        const Kind kind = is_word_character(c) ? Kind::word : is_blank(c) ? Kind::blank : Kind::symbol;
        if (kind == open_kind) return;
        close(begin);
        open = begin;
        open_kind = kind;
      });
      close(stretch.end);
    }
  }
};

/// Builds the changed text beside the old one and makes it the current one.
class Rewriter {
 public:
  explicit Rewriter(PreTokenizedText& text) : text_(text) {
    text_.previous.swap(text_.stretches);
    text_.stretches.clear();
    fresh_.reserve(text.text.size() + text.text.size() / 4);
  }
  std::string& out() { return fresh_; }
  std::uint32_t pos() const { return static_cast<std::uint32_t>(fresh_.size()); }
  std::string_view part(Stretch stretch) const {
    return text_.text.substr(stretch.begin, stretch.end - stretch.begin);
  }
  void finish() {
    if (fresh_.size() > 0xFFFFFFFFU) throw Exhausted("tokenize: a text of more than 4 GiB");
    text_.storage = std::move(fresh_);
    text_.text = text_.storage;
  }

 private:
  PreTokenizedText& text_;
  std::string fresh_;
};

class MetaspaceStep final : public Step {
 public:
  explicit MetaspaceStep(SplitMetaspace options) : options_(std::move(options)) {}
  void run(PreTokenizedText& text, bool is_first) const override {
    Rewriter rewriter(text);
    const std::string& mark = options_.replacement;
    for (const Stretch stretch : text.previous) {
      const std::string_view part = rewriter.part(stretch);
      std::string& out = rewriter.out();
      std::uint32_t open = rewriter.pos();
      const bool wants_prefix = options_.prepend == PrependScheme::always ||
                                (options_.prepend == PrependScheme::first && is_first && stretch.begin == 0);
      if (wants_prefix && !part.starts_with(' ') && !part.starts_with(mark)) out += mark;
      const auto cut = [&] {
        if (options_.split && rewriter.pos() > open) {
          text.stretches.push_back({open, rewriter.pos()});
          open = rewriter.pos();
        }
      };
      for (std::size_t i = 0; i < part.size();) {
        if (part[i] == ' ') {
          cut();
          out += mark;
          ++i;
        } else if (part.compare(i, mark.size(), mark) == 0) {
          cut();
          out += mark;
          i += mark.size();
        } else {
          out += part[i++];
        }
      }
      if (rewriter.pos() > open) text.stretches.push_back({open, rewriter.pos()});
    }
    rewriter.finish();
  }

 private:
  SplitMetaspace options_;
};

/// A blank before each stretch that starts without white space.
class PrefixSpaceStep final : public Step {
 public:
  void run(PreTokenizedText& text, bool) const override {
    Rewriter rewriter(text);
    for (const Stretch stretch : text.previous) {
      const std::string_view part = rewriter.part(stretch);
      const std::uint32_t begin = rewriter.pos();
      if (!part.starts_with(' ')) rewriter.out() += ' ';
      rewriter.out() += part;
      text.stretches.push_back({begin, rewriter.pos()});
    }
    rewriter.finish();
  }
};

/// To GPT-2's alphabet or back: only where steps follow that look at its characters.
class AlphabetStep final : public Step {
 public:
  explicit AlphabetStep(bool to_bytes) : to_bytes_(to_bytes) {}
  void run(PreTokenizedText& text, bool) const override {
    Rewriter rewriter(text);
    for (const Stretch stretch : text.previous) {
      const std::string_view part = rewriter.part(stretch);
      const std::uint32_t begin = rewriter.pos();
      if (to_bytes_) {
        const auto bytes = byte_alphabet_decode(part);
        rewriter.out() += bytes ? std::string_view(*bytes) : part;  // a later step may have added other text
      } else {
        rewriter.out() += byte_alphabet_encode(part);
      }
      text.stretches.push_back({begin, rewriter.pos()});
    }
    rewriter.finish();
  }

 private:
  bool to_bytes_;
};

std::unique_ptr<Step> pattern_step(const SplitPattern& options) {
  if (!options.is_regex) return std::make_unique<LiteralStep>(options);
  // These patterns match every character, so that only `removed` differs from the others.
  const bool keeps_matches = options.behavior == SplitBehavior::isolated ||
                             (options.behavior == SplitBehavior::removed && options.invert);
  if (keeps_matches) {
    if (auto scanner = make_scanner(options.pattern))
      return std::make_unique<ScannerStep>(std::move(scanner));
  }
  if (options.behavior == SplitBehavior::isolated && !options.invert) {
    if (options.pattern == R"(\p{N})") return std::make_unique<DigitsStep>(1);
    if (options.pattern == R"(\p{N}{1,3})") return std::make_unique<DigitsStep>(3);
    if (options.pattern == R"(\p{N}+)") return std::make_unique<DigitsStep>(kNoMaximum);
  }
  return std::make_unique<RegexStep>(options);
}

}  // namespace

void PreTokenizedText::reset(std::string_view input) {
  if (input.size() > 0xFFFFFFFFU) throw Exhausted("tokenize: a text of more than 4 GiB");
  text = input;
  stretches.clear();
  if (!input.empty()) stretches.push_back({0, static_cast<std::uint32_t>(input.size())});
}

PreTokenizer::PreTokenizer(const std::vector<PreTokenizerStep>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (const auto* byte_level = std::get_if<SplitByteLevel>(&steps[i])) {
      if (byte_level->add_prefix_space) steps_.push_back(std::make_unique<PrefixSpaceStep>());
      if (byte_level->use_regex) steps_.push_back(std::make_unique<ScannerStep>(make_scanner(kGpt2Pattern)));
      if (is_byte_level_) throw Unsupported("tokenizer: two byte-level pre-tokenizers");
      is_byte_level_ = true;
      if (i + 1 < steps.size()) steps_.push_back(std::make_unique<AlphabetStep>(false));
    } else if (const auto* pattern = std::get_if<SplitPattern>(&steps[i])) {
      steps_.push_back(pattern_step(*pattern));
    } else if (const auto* digits = std::get_if<SplitDigits>(&steps[i])) {
      steps_.push_back(std::make_unique<DigitsStep>(digits->individual ? 1 : kNoMaximum));
    } else if (const auto* punctuation = std::get_if<SplitPunctuation>(&steps[i])) {
      steps_.push_back(std::make_unique<PunctuationStep>(punctuation->behavior));
    } else if (std::holds_alternative<SplitWordsAndSymbols>(steps[i])) {
      steps_.push_back(std::make_unique<WordsAndSymbolsStep>());
    } else if (std::holds_alternative<SplitWhitespace>(steps[i])) {
      steps_.push_back(std::make_unique<WhitespaceStep>());
    } else if (std::holds_alternative<SplitBert>(steps[i])) {
      steps_.push_back(std::make_unique<BertStep>());
    } else if (const auto* metaspace = std::get_if<SplitMetaspace>(&steps[i])) {
      steps_.push_back(std::make_unique<MetaspaceStep>(*metaspace));
    }
  }
  if (is_byte_level_ && !std::holds_alternative<SplitByteLevel>(steps.back())) {
    steps_.push_back(std::make_unique<AlphabetStep>(true));
  }
}

PreTokenizer::~PreTokenizer() = default;

void PreTokenizer::run(PreTokenizedText& text, bool is_first) const {
  for (const auto& step : steps_) step->run(text, is_first);
}

}  // namespace quintet
