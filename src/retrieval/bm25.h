#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quintet::retrieval {

struct Bm25Options {
  float k1 = 1.2f;  // how fast repeated words stop counting
  float b = 0.75f;  // how much longer texts are held back
};

struct Bm25Hit {
  std::size_t text = 0;  // in the order of add()
  float score = 0.0f;
};

/// Okapi BM25 over stems, in memory (S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework: BM25
/// and Beyond", 2009; idf as ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative). Not for more than a
/// few million words: postings are not compressed. add() first, then search(); searches may run concurrently.
class Bm25Index {
 public:
  explicit Bm25Index(const Bm25Options& options = {}) : options_(options) {}

  /// Adds a text and returns its number.
  std::size_t add(std::string_view text);

  /// Best `top_k` texts that share a word with the query, best first; equal scores in the order of add().
  std::vector<Bm25Hit> search(std::string_view query, std::size_t top_k) const;

  std::size_t size() const noexcept { return lengths_.size(); }

 private:
  struct Posting {
    std::uint32_t text;
    std::uint32_t count;
  };
  Bm25Options options_;
  std::unordered_map<std::string, std::vector<Posting>> postings_;
  std::vector<std::uint32_t> lengths_;  // words per text
  std::size_t n_words_ = 0;
};

}  // namespace quintet::retrieval
