#pragma once

#include <vector>

#include "nn/mlp.h"

namespace quintet {

/// A router that sends each token through the few experts it finds best (arXiv:2401.04088, section 2.1).
struct MixtureOfExperts {
  Linear router;  // [n_experts, dim]
  std::vector<GatedMlp> experts;
  std::size_t n_used = 0;          // experts for each token, at most experts.size()
  bool normalises_weights = true;  // the chosen experts' weights sum to 1
  float weight_scale = 1.0f;

  /// out = sum over a token's experts of weight · expert(x). A token's result does not depend on the tokens
  /// beside it: experts add in the order of their numbers.
  ///   x, out  [n_tokens, dim]
  void forward(Compute& compute, MatrixView<const float> x, MatrixView<float> out) const;
};

}  // namespace quintet
