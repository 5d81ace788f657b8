#include "retrieval/cosine_index.h"

#include <algorithm>

namespace quintet::retrieval {

CosineIndex::CosineIndex(std::span<const SparseVector> texts, std::size_t n_features)
    : n_texts_(texts.size()) {
  begin_.assign(n_features + 1, 0);
  for (const SparseVector& text : texts)
    for (const SparseEntry& entry : text) ++begin_[entry.index + 1];
  for (std::size_t f = 0; f < n_features; ++f) begin_[f + 1] += begin_[f];
  postings_.resize(begin_.back());
  std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
  for (std::uint32_t t = 0; t < texts.size(); ++t) {
    for (const SparseEntry& entry : texts[t]) postings_[next[entry.index]++] = {t, entry.value};
  }
}

void CosineIndex::score(std::span<const SparseEntry> query, std::size_t max_postings,
                        std::vector<float>& scores) const {
  scores.assign(n_texts_, 0.0f);
  if (n_texts_ == 0) return;
  thread_local std::vector<SparseEntry> order;
  order.assign(query.begin(), query.end());
  const auto length = [this](std::uint32_t f) -> std::size_t { return begin_[f + 1] - begin_[f]; };
  std::size_t total = 0;
  for (const SparseEntry& entry : order) total += length(entry.index);
  if (total > max_postings) {
    // Weight per posting read: long lists come last even where the feature is heavy.
    std::sort(order.begin(), order.end(), [&](const SparseEntry& a, const SparseEntry& b) {
      const float gain_a = a.value * static_cast<float>(length(b.index));
      const float gain_b = b.value * static_cast<float>(length(a.index));
      return gain_a != gain_b ? gain_a > gain_b : a.index < b.index;
    });
  }
  std::size_t n_read = 0;
  for (const SparseEntry& entry : order) {
    const std::size_t n = length(entry.index);
    if (n_read + n > max_postings) break;
    n_read += n;
    for (const Posting& posting : std::span(postings_).subspan(begin_[entry.index], n)) {
      scores[posting.text] += entry.value * posting.value;
    }
  }
}

}  // namespace quintet::retrieval
