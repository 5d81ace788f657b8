#include "retrieval/keyword_terms.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/text.h"
#include "retrieval/english.h"
#include "retrieval/keyword_stem.h"
#include "retrieval/text_analysis.h"

namespace quintet::retrieval {

namespace {

/// Little words of written English that are rare in short questions, for which english.cpp's list was made.
bool is_written_function_word(std::string_view word) {
  static constexpr std::string_view kWords =
      "about above according across after against along already also although among amongst another around "
      "became "
      "become becomes before behind below beneath beside besides between beyond both called came during each "
      "either "
      "else etc ever every few given having hence however including instead itself himself herself "
      "themselves ie eg "
      "less like made making might near neither never nevertheless none nor often onto other others "
      "otherwise per "
      "perhaps quite rather same several since so some sometimes such through throughout thus therefore "
      "though till "
      "toward towards under unless until upon use used uses using usually various versus via whatever "
      "whenever whereas "
      "whereby wherein whether whichever whoever within without";
  static const std::unordered_set<std::string_view> words = [] {
    const auto parts = split(kWords, ' ');
    return std::unordered_set<std::string_view>(parts.begin(), parts.end());
  }();
  return words.contains(word);
}

}  // namespace

std::vector<KeywordTerm> keyword_terms(std::string_view text) {
  constexpr AnalysisLimits kLimits = {.max_bytes = std::size_t{16} << 20, .max_tokens = 1'000'000};
  std::vector<KeywordTerm> terms;
  for (Token& token : analyse(text, kLimits)) {
    const bool is_ascii = std::all_of(token.word.begin(), token.word.end(),
                                      [](char c) { return static_cast<signed char>(c) >= 0; });
    std::string stem = is_ascii ? porter_stem(english_base_form(token.word)) : std::move(token.stem);
    const bool is_function = token.is_function || is_written_function_word(token.word);
    terms.push_back({std::move(token.word), std::move(stem), std::move(token.sense), is_function});
  }
  return terms;
}

}  // namespace quintet::retrieval
