#pragma once

#include "nn/linear.h"
#include "ops/rows.h"

namespace quintet {

/// down(activation(gate(x)) · up(x))  (arXiv:2002.05202)
struct GatedMlp {
  Linear gate, up, down;
  Activation activation = Activation::silu;

  ///   x, out  [n_tokens, dim]
  void forward(Compute& compute, MatrixView<const float> x, MatrixView<float> out) const;
};

/// down(activation(up(x)))  (arXiv:1706.03762, section 3.3)
struct PlainMlp {
  Linear up, down;
  Activation activation = Activation::gelu_tanh;

  ///   x, out  [n_tokens, dim]
  void forward(Compute& compute, MatrixView<const float> x, MatrixView<float> out) const;
};

}  // namespace quintet
