#include "retrieval/keyword_terms.h"

#include <utility>

#include "retrieval/english.h"
#include "retrieval/keyword_stem.h"
#include "retrieval/text_analysis.h"

namespace quintet::retrieval {

std::vector<KeywordTerm> keyword_terms(std::string_view text) {
  constexpr AnalysisLimits kLimits = {.max_bytes = std::size_t{16} << 20, .max_tokens = 1'000'000};
  std::vector<KeywordTerm> terms;
  for (Token& token : analyse(text, kLimits)) {
    std::string stem = porter_stem(english_base_form(token.word));
    // Words outside a-z come back unchanged; analyse() has its own rule for those outside ASCII.
    if (stem == token.word) stem = std::move(token.stem);
    terms.push_back({std::move(token.word), std::move(stem), token.is_function});
  }
  return terms;
}

}  // namespace quintet::retrieval
