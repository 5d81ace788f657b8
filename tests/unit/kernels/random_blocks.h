#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "tensor/half.h"
#include "tensor/tensor.h"

namespace quintet::kernels {

/// Weights [n_rows, n_cols] of any type out of random bits: every code and scale a file could hold, with
/// finite scales of ordinary size.
inline Tensor random_weights(DType type, std::size_t n_rows, std::size_t n_cols, unsigned seed) {
  Tensor tensor = Tensor::zeros(type, Shape{n_rows, n_cols});
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  const auto bytes = tensor.mutable_bytes();
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xFF);
  const DTypeInfo& info = dtype_info(type);
  if (!info.is_quantized) {
    for (std::size_t i = 0; i < n_rows * n_cols; ++i) {
      const float value = normal(random);
      if (type == DType::f32) std::memcpy(bytes.data() + 4 * i, &value, 4);
      const std::uint16_t half = type == DType::f16 ? f32_to_f16(value) : f32_to_bf16(value);
      if (type != DType::f32) std::memcpy(bytes.data() + 2 * i, &half, 2);
    }
    return tensor;
  }
  // Where the halves d and, if there is one, m or dmin lie in a block.
  std::vector<std::size_t> halves;
  switch (type) {
    case DType::q4_1:
    case DType::q5_1:
    case DType::q4_k:
    case DType::q5_k: halves = {0, 2}; break;
    case DType::q2_k: halves = {80, 82}; break;
    case DType::q3_k: halves = {108}; break;
    case DType::q6_k: halves = {208}; break;
    case DType::mxfp4: break;
    default: halves = {0};
  }
  for (std::size_t block = 0; block < bytes.size() / info.block_bytes; ++block) {
    std::byte* begin = bytes.data() + block * info.block_bytes;
    for (const std::size_t at : halves) {
      const std::uint16_t half = f32_to_f16(normal(random) * 0.01f);
      std::memcpy(begin + at, &half, sizeof half);
    }
    if (type == DType::mxfp4) begin[0] = static_cast<std::byte>(118 + random() % 16);
  }
  return tensor;
}

inline std::vector<float> random_floats(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace quintet::kernels
