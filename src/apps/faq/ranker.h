#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apps/faq/confidence.h"
#include "apps/faq/linear_model.h"
#include "retrieval/cosine_index.h"
#include "retrieval/features.h"

namespace quintet::faq {

struct RankedEntry {
  std::size_t entry = 0;
  double score = 0.0;
  double share = 0.0;  // its part of a softmax over all entries
};

struct Ranking {
  std::vector<RankedEntry> top;  // best first; empty when no feature is shared
  Signals signals;               // all but those about words, which Coverage knows
};

/// Phrasings to learn from; `features[i]` asks for entry `labels[i]`, labels in ascending order. Answers may
/// be added, one per entry in order.
struct PhrasingSet {
  std::vector<const std::vector<retrieval::RawFeature>*> features;
  std::vector<std::uint32_t> labels;
  std::vector<float> importance;  // how often each counts for a linear model
  std::vector<const std::vector<retrieval::RawFeature>*> answers;
  void add(const std::vector<retrieval::RawFeature>& f, std::size_t label, float times = 1.0f) {
    features.push_back(&f);
    importance.push_back(times);
    labels.push_back(static_cast<std::uint32_t>(label));
  }
};

/// Hides part of a trained ranker from one query, to see how it does without.
struct Hidden {
  static constexpr std::uint32_t kNothing = 0xFFFF'FFFF;
  std::uint32_t entry = kNothing;
  std::uint32_t phrasing = kNothing;  // index into the PhrasingSet
};

/// Orders entries by how well they fit a question. const methods may run concurrently.
class Ranker {
 public:
  /// With `linear`, trains a LinearModel; without, the nearest phrasing decides,
  /// and the likeness of the answer adds to it.
  static Ranker train(const PhrasingSet& phrasings, std::size_t n_entries, bool linear,
                      const LinearOptions& options);

  /// `hidden` works for neighbours only: a linear model cannot forget.
  Ranking rank(std::span<const retrieval::RawFeature> question, std::size_t top_k,
               const Hidden& hidden = {}) const;

 private:
  retrieval::Vocabulary vocabulary_;
  retrieval::CosineIndex neighbours_;
  retrieval::CosineIndex answers_;  // one text per entry, or none
  LinearModel linear_;
  std::vector<std::uint32_t> labels_;  // entry of each phrasing, ascending
  std::size_t n_entries_ = 0;
  bool is_linear_ = false;
};

}  // namespace quintet::faq
