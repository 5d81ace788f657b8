#pragma once

#include <span>

#include "kernels/packed_matrix.h"
#include "ops/compute.h"

namespace quintet {

/// One product y = x · Wᵀ + bias of several that share x.
///   weight  [out, in], packed
///   bias    [out] f32, or empty
///   y       [n_rows, out] f32
struct LinearPart {
  const kernels::PackedMatrix* weight = nullptr;
  std::span<const float> bias;
  MatrixView<float> y;
};

/// Products of the same rows with one or several matrices, in one pass: q, k and v of attention, gate and up
/// of an MLP.
///   x  [n_rows, in] f32
/// With quantized weights x is rounded to 8 bits in blocks of 32, with bf16 weights to bf16; sums are f32. A
/// row's result does not depend on the rows beside it nor on the number of threads. Throws InvalidArgument
/// when sizes disagree.
void linear(Compute& compute, MatrixView<const float> x, std::span<const LinearPart> parts);

inline void linear(Compute& compute, MatrixView<const float> x, const LinearPart& part) {
  linear(compute, x, std::span(&part, 1));
}

/// Repacks weights [out, in] for the kernels, on all threads, into memory of `arena`. The pages of a mapped
/// file are given back as they are done with.
kernels::PackedMatrix pack_matrix(Compute& compute, const Tensor& weights, StorageArena& arena);

}  // namespace quintet
