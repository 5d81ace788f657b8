#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "retrieval/spelling.h"
#include "retrieval/text_analysis.h"

namespace quintet::faq {

/// How much of a question's meaning the knowledge base knows: words weigh by their inverse document
/// frequency, words that no entry uses weigh most. Also repairs misspelt words. const methods may run
/// concurrently after finish().
class Coverage {
 public:
  /// Entries are added in order. Words of the answer alone count less than words of its questions.
  void add_entry(std::span<const std::span<const retrieval::Token>> phrasings,
                 std::span<const retrieval::Token> answer);

  /// To be called once, after the last entry.
  void finish() { spelling_.finish(); }

  /// Replaces each word unknown to the knowledge base by the known word it misspells, if there is one.
  void repair(std::vector<retrieval::Token>& question) const;

  /// Share in [0, 1] of the question's weight that `entry` uses; 0 when they share no content word. With
  /// `is_own` the question is itself one of the entry's phrasings, and what only that phrasing says does not
  /// count.
  double of_entry(std::span<const retrieval::Token> question, std::size_t entry, bool is_own = false) const;
  /// The same for all entries together.
  double of_knowledge_base(std::span<const retrieval::Token> question) const;

 private:
  struct Term {
    std::uint64_t sense = 0;
    float credit = 0.0f;
    std::uint32_t n_phrasings = 0;  // that use it; the answer counts as one
  };
  double weight_of(const retrieval::Token& token, std::uint64_t sense) const;

  retrieval::SpellingIndex spelling_;
  std::unordered_map<std::uint64_t, std::uint32_t> entries_with_;  // sense -> number of entries
  std::vector<Term> terms_;  // of all entries, each entry's sorted by sense
  std::vector<std::size_t> begin_ = {0};
};

}  // namespace quintet::faq
