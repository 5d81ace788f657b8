#pragma once

#include <cstddef>

#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace quintet {

/// Whether dequantize_row reads it: f32, f16, bf16, f64 and all quantized types.
bool is_weight_type(DType type) noexcept;

/// The `n` weights that `blocks` stand for, by the formulas in blocks.h, bit for bit as ggml's specification
/// has them; the truth that faster kernels are tested against.
///   blocks  row_bytes(type, n) bytes, aligned as their elements
///   out     [n]
/// f64 is rounded to f32. Throws InvalidArgument for integer types and when `n` is no multiple of the block.
void dequantize_row(DType type, const std::byte* blocks, float* out, std::size_t n);

/// The whole tensor as f32 (a copy, also of an f32 tensor).
Tensor dequantize(const Tensor& tensor);

}  // namespace quintet
