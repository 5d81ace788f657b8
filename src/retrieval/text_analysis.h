#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quintet::retrieval {

/// One word as the indexes see it.
struct Token {
  std::string word;          // folded: no case, no accents, compatibility forms merged
  std::string stem;          // without inflection: english_stem(word), or cut by length in other scripts
  std::string sense;         // english_sense(word, stem)
  bool is_function = false;  // form rather than topic; low weight
};

struct AnalysisLimits {
  std::size_t max_bytes = 16'384;  // the rest of a longer text is not read
  std::size_t max_tokens = 512;
};

/// The words of `text` in order. Contractions become their words; scripts written without spaces become
/// overlapping pairs of characters (Han, Kana, Thai ...), since a pair is about a word there. Ill-formed
/// UTF-8 separates words.
std::vector<Token> analyse(std::string_view text, const AnalysisLimits& limits = {});

/// A token for a word that is already folded.
Token make_token(std::string_view word);

}  // namespace quintet::retrieval
