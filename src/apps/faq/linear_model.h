#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "retrieval/features.h"

namespace quintet::faq {

struct LinearOptions {
  float c = 1.5f;               // cost of a margin violation; larger fits the training texts harder
  std::size_t max_epochs = 10;  // passes over the training texts
  float tolerance = 0.1f;       // stop when no dual variable is further than this from its optimum
  float bayes_alpha = 0.03f;    // smoothing of the complement naive Bayes part
  float bayes_weight = 0.05f;   // its share of the score, in units of the margin part
};

/// One linear score per class: one-against-rest support vector machines plus complement naive Bayes over the
/// same features, added into a single matrix, so that scoring costs one gather per feature of the question.
///
/// Sources: C.-J. Hsieh et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM", ICML 2008
/// (squared hinge loss); J. Rennie et al., "Tackling the Poor Assumptions of Naive Bayes Text Classifiers",
/// ICML 2003; that the two together are stronger on short texts: S. Wang, C. Manning, "Baselines and
/// Bigrams", ACL 2012.
///
/// const methods may run concurrently.
class LinearModel {
 public:
  LinearModel() = default;

  /// `texts[i]` belongs to class `labels[i]` < n_classes; feature indices are < n_features. Deterministic.
  static LinearModel train(std::span<const retrieval::SparseVector> texts,
                           std::span<const std::uint32_t> labels, std::size_t n_classes,
                           std::size_t n_features, const LinearOptions& options = {});

  /// Writes one score per class to `scores` [n_classes].
  void score(std::span<const retrieval::SparseEntry> text, std::span<float> scores) const;

  std::size_t n_classes() const noexcept { return n_classes_; }

 private:
  std::size_t n_classes_ = 0;
  std::size_t stride_ = 0;      // n_classes rounded up to whole vectors
  std::vector<float> weights_;  // [n_features + 1, stride]; the last row is the bias
};

}  // namespace quintet::faq
