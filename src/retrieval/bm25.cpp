#include "retrieval/bm25.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "retrieval/text_analysis.h"

namespace quintet::retrieval {

namespace {

std::map<std::string, std::uint32_t> count_stems(std::string_view text) {
  std::map<std::string, std::uint32_t> counts;
  for (const Token& token : analyse(text)) ++counts[token.stem];
  return counts;
}

}  // namespace

std::size_t Bm25Index::add(std::string_view text) {
  const auto number = static_cast<std::uint32_t>(lengths_.size());
  std::uint32_t length = 0;
  for (const auto& [stem, count] : count_stems(text)) {
    postings_[stem].push_back({number, count});
    length += count;
  }
  lengths_.push_back(length);
  n_words_ += length;
  return number;
}

std::vector<Bm25Hit> Bm25Index::search(std::string_view query, std::size_t top_k) const {
  std::vector<float> scores(lengths_.size(), 0.0f);
  const auto n_texts = static_cast<float>(lengths_.size());
  const float mean_length = lengths_.empty() ? 1.0f : std::max(1.0f, static_cast<float>(n_words_) / n_texts);
  for (const auto& [stem, count] : count_stems(query)) {
    const auto found = postings_.find(stem);
    if (found == postings_.end()) continue;
    const auto df = static_cast<float>(found->second.size());
    const float idf = std::log(1.0f + (n_texts - df + 0.5f) / (df + 0.5f));
    for (const Posting& posting : found->second) {
      const auto tf = static_cast<float>(posting.count);
      const float length = static_cast<float>(lengths_[posting.text]) / mean_length;
      const float norm = options_.k1 * (1.0f - options_.b + options_.b * length);
      scores[posting.text] += static_cast<float>(count) * idf * tf * (options_.k1 + 1.0f) / (tf + norm);
    }
  }
  std::vector<Bm25Hit> hits;
  for (std::size_t t = 0; t < scores.size(); ++t)
    if (scores[t] > 0.0f) hits.push_back({t, scores[t]});
  const auto better = [](const Bm25Hit& a, const Bm25Hit& b) {
    return a.score != b.score ? a.score > b.score : a.text < b.text;
  };
  const std::size_t n = std::min(top_k, hits.size());
  std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(n), hits.end(), better);
  hits.resize(n);
  return hits;
}

}  // namespace quintet::retrieval
