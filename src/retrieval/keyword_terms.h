#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quintet::retrieval {

/// A word as the keyword index files it.
struct KeywordTerm {
  std::string word;   // folded
  std::string stem;   // what it is found by: Porter's stem of the base form; cut by length outside ASCII
  std::string sense;  // english_sense(): one name for a group of everyday synonyms
  bool is_function = false;
};

/// The words of `text` in order, all of them (up to a million). Scripts without spaces give pairs of
/// characters.
std::vector<KeywordTerm> keyword_terms(std::string_view text);

}  // namespace quintet::retrieval
