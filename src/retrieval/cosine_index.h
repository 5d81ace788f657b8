#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "retrieval/features.h"

namespace quintet::retrieval {

/// Inverted lists of unit vectors: the cosine of a query with every text that shares a feature with it.
/// const methods may run concurrently.
class CosineIndex {
 public:
  CosineIndex() = default;
  CosineIndex(std::span<const SparseVector> texts, std::size_t n_features);

  /// Writes cosines to `scores`, one per text. Lists are read in order of the query's weights until
  /// `max_postings` have been read, which bounds the time whatever the size of the index; what is left out
  /// then are the commonest features. Without a bound the scores are exact.
  void score(std::span<const SparseEntry> query, std::size_t max_postings, std::vector<float>& scores) const;

  std::size_t n_texts() const noexcept { return n_texts_; }

 private:
  struct Posting {
    std::uint32_t text;
    float value;
  };
  std::size_t n_texts_ = 0;
  std::vector<std::uint32_t> begin_;  // [n_features + 1], into postings_
  std::vector<Posting> postings_;
};

}  // namespace quintet::retrieval
