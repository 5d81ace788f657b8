#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "retrieval/features.h"

namespace quintet::faq {

struct LinearOptions {
  float c = 1.5f;                // cost of a margin violation; larger fits the training texts harder
  float logistic_c = 10.0f;      // cost of a unit of log loss
  float logistic_weight = 0.3f;  // the logistic part's share of the score, in units of the margin part
  float bayes_alpha = 0.03f;     // smoothing of the complement naive Bayes part
  float bayes_weight = 0.1f;     // its share of the score, in units of the margin part
  std::size_t max_epochs = 10;   // passes over the training texts
  float tolerance = 1.0f;        // scales when training stops early; smaller is nearer the optimum
};

/// One linear score per class: one-against-rest support vector machines, multinomial logistic regression and
/// complement naive Bayes over the same features, added into a single matrix, so that scoring costs one
/// gather per feature of the question. The machines say whether a text belongs to any class at all, the
/// regression tells near classes apart, naive Bayes steadies both where texts are few.
///
/// Sources: C.-J. Hsieh et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM", ICML 2008
/// (squared hinge loss); H.-F. Yu, F.-L. Huang, C.-J. Lin, "Dual Coordinate Descent Methods for Logistic
/// Regression and Maximum Entropy Models", Machine Learning 2011; J. Rennie et al., "Tackling the Poor
/// Assumptions of Naive Bayes Text Classifiers", ICML 2003; that the two together are stronger on short
/// texts: S. Wang, C. Manning, "Baselines and Bigrams", ACL 2012.
///
/// const methods may run concurrently.
class LinearModel {
 public:
  LinearModel() = default;

  /// `texts[i]`, of length 1, belongs to class `labels[i]` < n_classes and counts `importance[i]` times;
  /// feature indices are < n_features. Deterministic.
  static LinearModel train(std::span<const retrieval::SparseVector> texts,
                           std::span<const std::uint32_t> labels, std::span<const float> importance,
                           std::size_t n_classes, std::size_t n_features, const LinearOptions& options = {});

  /// Writes one score per class to `scores` [n_classes].
  void score(std::span<const retrieval::SparseEntry> text, std::span<float> scores) const;

  std::size_t n_classes() const noexcept { return n_classes_; }

 private:
  std::size_t n_classes_ = 0;
  std::size_t stride_ = 0;      // n_classes rounded up to whole vectors
  std::vector<float> weights_;  // [n_features + 1, stride]; the last row is the bias
};

}  // namespace quintet::faq
