#include "tensor/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "tensor/half.h"
#include "tensor/quantize_blocks.h"

namespace quintet {

namespace {

constexpr float kLargestHalf = 65'504.0f;

/// The largest magnitude that the type can stand for whatever its neighbours are.
float largest_weight(DType type) noexcept {
  switch (type) {
    case DType::f16:
    case DType::q4_1:
    case DType::q5_1: return kLargestHalf;
    case DType::q4_0: return kLargestHalf * 7;
    case DType::q5_0: return kLargestHalf * 15;
    case DType::q8_0: return kLargestHalf * 127;
    case DType::iq4_nl: return kLargestHalf * 113;
    case DType::q2_k: return kLargestHalf * 15;
    case DType::q4_k:
    case DType::q5_k: return kLargestHalf * 63;
    case DType::q3_k: return kLargestHalf * 31 * 3;
    case DType::q6_k: return kLargestHalf * 127 * 31;
    case DType::iq4_xs: return kLargestHalf * 31 * 113;
    case DType::mxfp4: return 0x1.8p127f;  // 12 · 2^124; the next level is no float
    case DType::bf16: return 3.3895e38f;   // what rounds to its largest finite value
    default: return std::numeric_limits<float>::max();
  }
}

void check_weights(DType type, std::span<const float> x) {
  const float limit = largest_weight(type);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::abs(x[i]) <= limit) continue;
    throw InvalidArgument(cat("weight ", i, " is ", x[i], ", which ", dtype_name(type), " can't hold: ",
                              std::isfinite(x[i]) ? cat("at most ", limit) : std::string("not finite")));
  }
}

/// Importance with a mean of 1 and nothing at 0, so that no group is without a measure of error.
std::vector<float> balanced(std::span<const float> importance) {
  double sum = 0;
  for (std::size_t i = 0; i < importance.size(); ++i) {
    if (!(importance[i] >= 0) || !std::isfinite(importance[i]))
      throw InvalidArgument(cat("importance ", i, " is ", importance[i], "; expected a number from 0 up"));
    sum += static_cast<double>(importance[i]);
  }
  std::vector<float> result(importance.size(), 1.0f);
  const double mean = sum / static_cast<double>(importance.size());
  if (mean <= 0) return result;
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<float>(std::max(1e-4, static_cast<double>(importance[i]) / mean));
  return result;
}

template <typename Block, std::size_t BlockSize>
void quantize_blocks(std::span<const float> x, std::span<const float> importance, std::byte* bytes) {
  auto* blocks = reinterpret_cast<Block*>(bytes);
  std::vector<float> weights;
  if (!importance.empty()) weights = balanced(importance);
  const std::vector<float> ones(weights.empty() ? BlockSize : 0, 1.0f);
  for (std::size_t b = 0; b < x.size() / BlockSize; ++b) {
    const float* w = weights.empty() ? ones.data() : weights.data() + b * BlockSize;
    quantize_block(x.data() + b * BlockSize, w, blocks[b]);
  }
}

}  // namespace

bool is_quantizable_type(DType type) noexcept {
  return dtype_info(type).is_quantized || type == DType::f32 || type == DType::f16 || type == DType::bf16;
}

void quantize_row(DType type, std::span<const float> x, std::byte* blocks,
                  std::span<const float> importance) {
  row_bytes(type, x.size());  // for its check
  if (!importance.empty() && importance.size() != x.size()) {
    throw InvalidArgument(
        cat("there are ", importance.size(), " numbers of importance for a row of ", x.size(), " weights"));
  }
  if (!is_quantizable_type(type))
    throw InvalidArgument(cat("can't quantize to ", dtype_name(type), ": it is no type of weights"));
  if (x.empty()) return;
  check_weights(type, x);
  auto* halves = reinterpret_cast<std::uint16_t*>(blocks);
  switch (type) {
    case DType::f32: std::memcpy(blocks, x.data(), x.size_bytes()); return;
    case DType::f16:
      for (std::size_t i = 0; i < x.size(); ++i) halves[i] = f32_to_f16(x[i]);
      return;
    case DType::bf16:
      for (std::size_t i = 0; i < x.size(); ++i) halves[i] = f32_to_bf16(x[i]);
      return;
    case DType::q4_0: return quantize_blocks<BlockQ4_0, 32>(x, importance, blocks);
    case DType::q4_1: return quantize_blocks<BlockQ4_1, 32>(x, importance, blocks);
    case DType::q5_0: return quantize_blocks<BlockQ5_0, 32>(x, importance, blocks);
    case DType::q5_1: return quantize_blocks<BlockQ5_1, 32>(x, importance, blocks);
    case DType::q8_0: return quantize_blocks<BlockQ8_0, 32>(x, importance, blocks);
    case DType::q2_k: return quantize_blocks<BlockQ2_K, kSuperBlock>(x, importance, blocks);
    case DType::q3_k: return quantize_blocks<BlockQ3_K, kSuperBlock>(x, importance, blocks);
    case DType::q4_k: return quantize_blocks<BlockQ4_K, kSuperBlock>(x, importance, blocks);
    case DType::q5_k: return quantize_blocks<BlockQ5_K, kSuperBlock>(x, importance, blocks);
    case DType::q6_k: return quantize_blocks<BlockQ6_K, kSuperBlock>(x, importance, blocks);
    case DType::iq4_nl: return quantize_blocks<BlockIQ4_NL, 32>(x, importance, blocks);
    case DType::iq4_xs: return quantize_blocks<BlockIQ4_XS, kSuperBlock>(x, importance, blocks);
    case DType::mxfp4: return quantize_blocks<BlockMXFP4, 32>(x, importance, blocks);
    case DType::i8:
    case DType::i16:
    case DType::i32:
    case DType::i64:
    case DType::f64: return;  // refused above
  }
}

Tensor quantize(const Tensor& tensor, DType type, std::span<const float> importance) {
  Tensor result = Tensor::zeros(type, tensor.shape());
  const MatrixView<const float> rows = tensor.matrix();
  const std::size_t row_size = result.row_size_bytes();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    try {
      quantize_row(type, rows.row(r), result.mutable_bytes().data() + r * row_size, importance);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(cat("row ", r, ": ", error.what()));
    }
  }
  return result;
}

}  // namespace quintet
