#pragma once

#include <cstdint>
#include <vector>

#include "ops/compute.h"

namespace quintet {

enum class NormKind : std::uint8_t {
  rms,   // x / sqrt(mean(x²) + eps) · weight  (arXiv:1910.07467)
  layer  // (x - mean) / sqrt(variance + eps) · weight + bias  (arXiv:1607.06450)
};

/// A norm over hidden states with its weights.
struct Norm {
  NormKind kind = NormKind::rms;
  float eps = 1e-5f;
  std::vector<float> weight;  // [dim]
  std::vector<float> bias;    // [dim] or empty; of NormKind::layer

  ///   x, y  [n_tokens, dim]; y may be x
  void forward(Compute& compute, MatrixView<const float> x, MatrixView<float> y) const;
};

}  // namespace quintet
