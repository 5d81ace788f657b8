#include "retrieval/text_analysis.h"

#include <algorithm>

#include "core/text.h"
#include "retrieval/english.h"

namespace quintet::retrieval {

namespace {

constexpr std::size_t kMaxWordBytes =
    64;  // longer runs are keys, hashes or noise; their beginning identifies them

bool is_apostrophe(char32_t c) noexcept {
  return c == U'\'' || c == 0x2019 || c == 0x02BC;
}

/// Longest prefix of `text` up to `max_bytes` that does not end inside a character, valid or not.
std::string_view prefix_of(std::string_view text, std::size_t max_bytes) noexcept {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && max_bytes - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

/// Endings and particles of languages nobody wrote rules for here, cut by length: "карту" and "карты" agree,
/// and so do "비밀번호를" and "비밀번호". The Arabic article goes from the front. Words in ASCII have the
/// English rules instead.
std::string stem_by_length(std::string_view word) {
  constexpr std::string_view kArabicArticle = "ال";
  std::size_t n_letters = count_code_points(word);
  if (n_letters >= 5 && word.starts_with(kArabicArticle)) {
    word.remove_prefix(kArabicArticle.size());
    n_letters -= 2;
  }
  for (std::size_t n_cut = n_letters >= 6 ? 2 : (n_letters == 5 ? 1 : 0); n_cut > 0; --n_cut) {
    std::size_t end = word.size() - 1;
    while ((static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) --end;
    word.remove_suffix(word.size() - end);
  }
  return std::string(word);
}

bool is_ascii(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

class TokenBuilder {
 public:
  explicit TokenBuilder(std::size_t max_tokens) : max_tokens_(max_tokens) {}

  bool full() const noexcept { return tokens_.size() >= max_tokens_; }

  void add_word(std::string& word) {
    while (!word.empty() && word.back() == '\'') word.pop_back();
    if (!word.empty() && !full()) {
      if (const auto expansion = expand_english_contraction(word); !expansion.empty()) {
        for (const std::string_view part : split(expansion, ' ')) tokens_.push_back(make_token(part));
      } else {
        const std::size_t quote = word.find('\'');
        const std::string_view base = std::string_view(word).substr(0, quote);
        if (quote != std::string::npos && std::string_view(word).substr(quote) != "'s") {
          tokens_.push_back(make_token(base));
          tokens_.push_back(make_token(std::string_view(word).substr(quote + 1)));
        } else {
          tokens_.push_back(make_token(base));
        }
      }
    }
    word.clear();
  }

  void add_unspaced_run(std::u32string& run) {
    for (std::size_t i = 0; i < run.size() && !full(); ++i) {
      if (i + 1 == run.size() && run.size() > 1) break;
      std::string pair;
      append_utf8(pair, run[i]);
      if (i + 1 < run.size()) append_utf8(pair, run[i + 1]);
      tokens_.push_back(Token{.word = pair, .stem = pair, .sense = pair, .is_function = false});
    }
    run.clear();
  }

  std::vector<Token> take() {
    if (tokens_.size() > max_tokens_) tokens_.resize(max_tokens_);
    return std::move(tokens_);
  }

 private:
  std::size_t max_tokens_;
  std::vector<Token> tokens_;
};

}  // namespace

Token make_token(std::string_view word) {
  Token token;
  token.word = std::string(word);
  token.stem = is_ascii(word) ? english_stem(word) : stem_by_length(word);
  token.sense = std::string(english_sense(word, token.stem));
  token.is_function = is_english_function_word(word);
  return token;
}

std::vector<Token> analyse(std::string_view text, const AnalysisLimits& limits) {
  const std::string folded = fold_for_search(prefix_of(text, limits.max_bytes));
  TokenBuilder builder(limits.max_tokens);
  std::string word;
  std::u32string run;
  for (std::size_t pos = 0; pos < folded.size() && !builder.full();) {
    const char32_t c = next_code_point(folded, pos);
    if (is_word_code_point(c) && is_unspaced_script(c)) {
      builder.add_word(word);
      run.push_back(c);
      continue;
    }
    builder.add_unspaced_run(run);
    if (is_word_code_point(c)) {
      if (word.size() < kMaxWordBytes) append_utf8(word, c);
    } else if (is_apostrophe(c) && !word.empty()) {
      if (word.size() < kMaxWordBytes && word.back() != '\'') word.push_back('\'');
    } else {
      builder.add_word(word);
    }
  }
  builder.add_word(word);
  builder.add_unspaced_run(run);
  return builder.take();
}

}  // namespace quintet::retrieval
