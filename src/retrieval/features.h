#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "retrieval/text_analysis.h"

namespace quintet::retrieval {

/// What a feature was made from; its block weight says how much that kind of evidence counts.
enum class FeatureKind : std::uint8_t { word, stem, sense, sense_bigram, sense_pair, opening, characters };

/// A feature of one text: a 64-bit hash of its kind and content, and how often it occurred, as 1 + ln(count).
struct RawFeature {
  std::uint64_t hash = 0;
  float weight = 0.0f;
};

struct FeatureOptions {
  bool senses_only = false;  // nothing but single words by their sense: for long texts
  bool with_pairs = true;    // unordered pairs of words anywhere in the text: quadratic, short texts only
  std::size_t max_paired_words = 40;  // first distinct words that form pairs
  std::size_t min_chars = 2;          // character n-grams inside a word, its boundaries included
  std::size_t max_chars = 4;
  float character_weight = 0.6f;
  float content_pair_weight = 1.0f;   // on pairs without a function word
  float function_word_weight = 1.0f;  // on everything made of function words only
};

/// Features of one text, sorted by hash, each once. `ends_with_question` tells requests from reports.
std::vector<RawFeature> extract_features(std::span<const Token> tokens, bool is_question,
                                         const FeatureOptions& options = {});

bool ends_with_question_mark(std::string_view text) noexcept;

/// A sparse vector over the features of a Vocabulary, sorted by index.
struct SparseEntry {
  std::uint32_t index = 0;
  float value = 0.0f;
};
using SparseVector = std::vector<SparseEntry>;

float dot(std::span<const SparseEntry> a, std::span<const SparseEntry> b) noexcept;

/// Maps feature hashes to dense indices with inverse document frequencies, learned from a set of texts.
/// const methods may run concurrently.
class Vocabulary {
 public:
  /// Keeps every feature of `texts`.
  static Vocabulary learn(std::span<const std::vector<RawFeature>* const> texts);

  /// tf · idf^0.5, L2-normalised; unknown features are left out of the vector and of its length. The softened
  /// idf was chosen by measurement on short questions, where common words still separate intents.
  SparseVector vectorise(std::span<const RawFeature> features) const;

  /// Raises the weight of features that occur under few labels: weight · (1 + ln n_labels - entropy)^0.4, the
  /// entropy that of the labels of the texts with the feature. `texts` are those of learn(), `labels` sorted.
  void focus(std::span<const std::vector<RawFeature>* const> texts, std::span<const std::uint32_t> labels,
             std::size_t n_labels);

  std::size_t size() const noexcept { return idf_.size(); }

 private:
  static constexpr std::uint32_t kAbsent = 0xFFFF'FFFF;
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t index = kAbsent;
  };
  std::uint32_t find(std::uint64_t hash) const noexcept;

  std::vector<Slot> slots_;  // open addressing, size a power of two, at most half full
  std::vector<float> idf_;
};

}  // namespace quintet::retrieval
