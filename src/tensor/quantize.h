#pragma once

#include <cstddef>
#include <span>

#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace quintet {

/// Whether quantize_row can write it: f32, f16, bf16 and all quantized types.
bool is_quantizable_type(DType type) noexcept;

/// `n` weights into blocks of `type`, so that Σ importance · (x - x̂)² is small: scales are found by search
/// and weighted least squares, not taken from the largest weight alone.
///   x           [n]  a multiple of the type's block
///   blocks      row_bytes(type, n) bytes, aligned as their elements
///   importance  [n], not negative: how much an error of this column costs (mean square of the activation
///   that it
///               multiplies), or empty: all the same
/// The result depends on nothing else, so it is the same on every run and for any number of threads. Throws
/// InvalidArgument naming the place of a weight that is not finite or too large for the type.
void quantize_row(DType type, std::span<const float> x, std::byte* blocks,
                  std::span<const float> importance = {});

/// An f32 tensor, row by row.
Tensor quantize(const Tensor& tensor, DType type, std::span<const float> importance = {});

}  // namespace quintet
