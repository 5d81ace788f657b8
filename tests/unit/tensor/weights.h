#pragma once

#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "tensor/dequantize.h"
#include "tensor/dtype.h"
#include "tensor/quantize.h"

namespace quintet {

inline constexpr DType kQuantizedTypes[] = {
    DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1,   DType::q8_0,   DType::q2_k, DType::q3_k,
    DType::q4_k, DType::q5_k, DType::q6_k, DType::iq4_nl, DType::iq4_xs, DType::mxfp4};

inline std::vector<float> gaussian(std::size_t n, unsigned seed, float deviation = 0.02f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

/// Student's t with four degrees of freedom: outliers as trained weights have them.
inline std::vector<float> heavy_tailed(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::student_t_distribution<float> student(4);
  std::vector<float> x(n);
  for (float& v : x) v = 0.02f * student(random);
  return x;
}

inline std::vector<std::byte> quantized(DType type, std::span<const float> x,
                                        std::span<const float> importance = {}) {
  std::vector<std::byte> blocks(row_bytes(type, x.size()));
  quantize_row(type, x, blocks.data(), importance);
  return blocks;
}

inline std::vector<float> dequantized(DType type, std::span<const std::byte> blocks, std::size_t n) {
  std::vector<float> x(n);
  dequantize_row(type, blocks.data(), x.data(), n);
  return x;
}

/// Root of Σ w (x - y)² / Σ w x².
inline double relative_error(std::span<const float> x, std::span<const float> y,
                             std::span<const float> w = {}) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = w.empty() ? 1.0 : static_cast<double>(w[i]);
    const double difference = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    error += weight * difference * difference;
    norm += weight * static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  return std::sqrt(error / norm);
}

}  // namespace quintet
