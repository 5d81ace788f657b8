#pragma once

#include <vector>

#include "ops/linear.h"

namespace quintet {

/// y = x · Wᵀ + bias with packed weights.
struct Linear {
  kernels::PackedMatrix weight;  // [out, in]
  std::vector<float> bias;       // [out] or empty

  std::size_t n_out() const noexcept { return weight.n_rows(); }
  std::size_t n_in() const noexcept { return weight.n_cols(); }
  LinearPart into(MatrixView<float> y) const { return {&weight, bias, y}; }
};

}  // namespace quintet
