#pragma once

#include <variant>

#include "kernels/packed_matrix.h"
#include "nn/batch.h"
#include "ops/compute.h"
#include "tensor/tensor.h"

namespace quintet {

/// What enters the first block: scale · tokens[id] + positions[position].
struct TokenInput {
  /// [vocab_size, dim]: as stored, or the output's packed matrix where both are one.
  std::variant<Tensor, kernels::PackedMatrix> tokens;
  float scale = 1.0f;  // of the token's row: sqrt(dim) in Gemma
  Tensor positions;    // [max_seq_len, dim] learned positions, or empty: rotations do it

  ///   x  [n_tokens, dim]
  /// Throws InvalidArgument for a token outside the vocabulary or a position beyond the learned ones.
  void forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> x) const;
};

}  // namespace quintet
