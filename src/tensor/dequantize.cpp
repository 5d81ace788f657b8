#include "tensor/dequantize.h"

#include <cstdint>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "tensor/block_scales.h"
#include "tensor/blocks.h"
#include "tensor/half.h"

// The products below fit into 24 bits, so that only the last addition rounds, fused or not; off all the same.
#pragma STDC FP_CONTRACT OFF

namespace quintet {

namespace {

void dequantize_block(const BlockQ4_0& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((block.qs[i] & 15) - 8);
    out[i + 16] = d * static_cast<float>((block.qs[i] >> 4) - 8);
  }
}

void dequantize_block(const BlockQ4_1& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  const float m = f16_to_f32(block.m);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(block.qs[i] & 15) + m;
    out[i + 16] = d * static_cast<float>(block.qs[i] >> 4) + m;
  }
}

/// Five-bit numbers of q5_0 and q5_1.
template <typename Block>
void unpack_5_bits(const Block& block, std::int8_t (&q)[32]) noexcept {
  std::uint32_t high = 0;
  std::memcpy(&high, block.qh, sizeof high);
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<std::int8_t>((block.qs[i] & 15) | (((high >> i) & 1) << 4));
    q[i + 16] = static_cast<std::int8_t>((block.qs[i] >> 4) | (((high >> (i + 16)) & 1) << 4));
  }
}

void dequantize_block(const BlockQ5_0& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  std::int8_t q[32];
  unpack_5_bits(block, q);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(q[i] - 16);
}

void dequantize_block(const BlockQ5_1& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  const float m = f16_to_f32(block.m);
  std::int8_t q[32];
  unpack_5_bits(block, q);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(q[i]) + m;
}

void dequantize_block(const BlockQ8_0& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.qs[i]);
}

void dequantize_block(const BlockQ2_K& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (int g = 0; g < 16; ++g) {
    const float scale = d * static_cast<float>(block.scales[g] & 15);
    const float min = dmin * static_cast<float>(block.scales[g] >> 4);
    const std::uint8_t* qs = block.qs + 32 * (g / 8) + 16 * (g % 2);
    const int shift = 2 * ((g / 2) % 4);
    for (int l = 0; l < 16; ++l) out[16 * g + l] = scale * static_cast<float>((qs[l] >> shift) & 3) - min;
  }
}

void dequantize_block(const BlockQ3_K& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  const ScalesQ3 scales = unpack_scales_q3(block.scales);
  for (int g = 0; g < 16; ++g) {
    const float scale = d * static_cast<float>(scales.scale[g] - 32);
    const std::uint8_t* qs = block.qs + 32 * (g / 8) + 16 * (g % 2);
    const std::uint8_t* hmask = block.hmask + 16 * (g % 2);
    const int shift = 2 * ((g / 2) % 4);
    for (int l = 0; l < 16; ++l) {
      const int q = ((qs[l] >> shift) & 3) + 4 * ((hmask[l] >> (g / 2)) & 1) - 4;
      out[16 * g + l] = scale * static_cast<float>(q);
    }
  }
}

void dequantize_block(const BlockQ4_K& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  const ScalesAndMins packed = unpack_scales_k4(block.scales);
  for (int g = 0; g < 8; ++g) {
    const float scale = d * static_cast<float>(packed.scale[g]);
    const float min = dmin * static_cast<float>(packed.min[g]);
    const std::uint8_t* qs = block.qs + 32 * (g / 2);
    const int shift = 4 * (g % 2);
    for (int l = 0; l < 32; ++l) out[32 * g + l] = scale * static_cast<float>((qs[l] >> shift) & 15) - min;
  }
}

void dequantize_block(const BlockQ5_K& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  const ScalesAndMins packed = unpack_scales_k4(block.scales);
  for (int g = 0; g < 8; ++g) {
    const float scale = d * static_cast<float>(packed.scale[g]);
    const float min = dmin * static_cast<float>(packed.min[g]);
    const std::uint8_t* qs = block.qs + 32 * (g / 2);
    const int shift = 4 * (g % 2);
    for (int l = 0; l < 32; ++l) {
      const int q = ((qs[l] >> shift) & 15) + 16 * ((block.qh[l] >> g) & 1);
      out[32 * g + l] = scale * static_cast<float>(q) - min;
    }
  }
}

void dequantize_block(const BlockQ6_K& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  for (int g = 0; g < 16; ++g) {
    const float scale = d * static_cast<float>(block.scales[g]);
    const int half = g / 8;           // of the block: 128 weights
    const int quarter = (g % 8) / 2;  // of that half: 32 weights
    const int first = 16 * (g % 2);
    const std::uint8_t* ql = block.ql + 64 * half + 32 * (quarter % 2) + first;
    const std::uint8_t* qh = block.qh + 32 * half + first;
    const int low_shift = 4 * (quarter / 2);
    const int high_shift = 2 * quarter;
    for (int l = 0; l < 16; ++l) {
      const int q = ((ql[l] >> low_shift) & 15) + 16 * ((qh[l] >> high_shift) & 3) - 32;
      out[16 * g + l] = scale * static_cast<float>(q);
    }
  }
}

void dequantize_block(const BlockIQ4_NL& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(kIq4Values[block.qs[i] & 15]);
    out[i + 16] = d * static_cast<float>(kIq4Values[block.qs[i] >> 4]);
  }
}

void dequantize_block(const BlockIQ4_XS& block, float* out) noexcept {
  const float d = f16_to_f32(block.d);
  for (int g = 0; g < 8; ++g) {
    const float scale = d * static_cast<float>(iq4_xs_scale(block, g) - 32);
    const std::uint8_t* qs = block.qs + 16 * g;
    for (int i = 0; i < 16; ++i) {
      out[32 * g + i] = scale * static_cast<float>(kIq4Values[qs[i] & 15]);
      out[32 * g + i + 16] = scale * static_cast<float>(kIq4Values[qs[i] >> 4]);
    }
  }
}

void dequantize_block(const BlockMXFP4& block, float* out) noexcept {
  const float d = mxfp4_scale(block.e);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(kMxfp4Values[block.qs[i] & 15]);
    out[i + 16] = d * static_cast<float>(kMxfp4Values[block.qs[i] >> 4]);
  }
}

template <typename Block, std::size_t BlockSize>
void dequantize_blocks(const std::byte* bytes, float* out, std::size_t n) noexcept {
  const auto* blocks = reinterpret_cast<const Block*>(bytes);
  for (std::size_t b = 0; b < n / BlockSize; ++b) dequantize_block(blocks[b], out + b * BlockSize);
}

}  // namespace

bool is_weight_type(DType type) noexcept {
  return type != DType::i8 && type != DType::i16 && type != DType::i32 && type != DType::i64;
}

void dequantize_row(DType type, const std::byte* blocks, float* out, std::size_t n) {
  row_bytes(type, n);  // for its check
  if (n == 0 && is_weight_type(type)) return;
  const auto* halves = reinterpret_cast<const std::uint16_t*>(blocks);
  switch (type) {
    case DType::f32: std::memcpy(out, blocks, n * sizeof(float)); return;
    case DType::f16:
      for (std::size_t i = 0; i < n; ++i) out[i] = f16_to_f32(halves[i]);
      return;
    case DType::bf16:
      for (std::size_t i = 0; i < n; ++i) out[i] = bf16_to_f32(halves[i]);
      return;
    case DType::f64:
      for (std::size_t i = 0; i < n; ++i)
        out[i] = static_cast<float>(reinterpret_cast<const double*>(blocks)[i]);
      return;
    case DType::q4_0: return dequantize_blocks<BlockQ4_0, 32>(blocks, out, n);
    case DType::q4_1: return dequantize_blocks<BlockQ4_1, 32>(blocks, out, n);
    case DType::q5_0: return dequantize_blocks<BlockQ5_0, 32>(blocks, out, n);
    case DType::q5_1: return dequantize_blocks<BlockQ5_1, 32>(blocks, out, n);
    case DType::q8_0: return dequantize_blocks<BlockQ8_0, 32>(blocks, out, n);
    case DType::q2_k: return dequantize_blocks<BlockQ2_K, kSuperBlock>(blocks, out, n);
    case DType::q3_k: return dequantize_blocks<BlockQ3_K, kSuperBlock>(blocks, out, n);
    case DType::q4_k: return dequantize_blocks<BlockQ4_K, kSuperBlock>(blocks, out, n);
    case DType::q5_k: return dequantize_blocks<BlockQ5_K, kSuperBlock>(blocks, out, n);
    case DType::q6_k: return dequantize_blocks<BlockQ6_K, kSuperBlock>(blocks, out, n);
    case DType::iq4_nl: return dequantize_blocks<BlockIQ4_NL, 32>(blocks, out, n);
    case DType::iq4_xs: return dequantize_blocks<BlockIQ4_XS, kSuperBlock>(blocks, out, n);
    case DType::mxfp4: return dequantize_blocks<BlockMXFP4, 32>(blocks, out, n);
    case DType::i8:
    case DType::i16:
    case DType::i32:
    case DType::i64: break;
  }
  throw InvalidArgument(cat("can't dequantize ", dtype_name(type), ": it is no type of weights"));
}

Tensor dequantize(const Tensor& tensor) {
  Tensor result = Tensor::zeros(DType::f32, tensor.shape());
  if (tensor.shape().n_elements() != 0)  // rows are whole blocks, so all of them are one long row
    dequantize_row(tensor.dtype(), tensor.bytes().data(), result.mutable_f32().data(),
                   tensor.shape().n_elements());
  return result;
}

}  // namespace quintet
