#pragma once

#include "kernels/byte_vectors.h"
#include "kernels/packed_format.h"
#include "tensor/block_scales.h"
#include "tensor/blocks.h"

/// What packing takes out of a file's blocks, 32 columns of a row at a time; `s` is their place within a
/// super-block.
///   low_codes    the codes of columns 0–15 and 16–31, without the bits that lie in planes
///   high_bits    bit 4 + plane of the codes, one bit for each column
///   pair_of      scale and min of a block, d and dmin of a super-block, as bits
///   super_scales scales and mins of 8 bits of a super-block, in the packed order
namespace quintet::kernels {

struct LowCodes {
  Bytes first, second;
};
struct ScalePair {
  std::uint16_t scale = 0, min = 0;
};

template <DType>
struct FileBlock;
template <>
struct FileBlock<DType::q4_0> {
  using Type = BlockQ4_0;
};
template <>
struct FileBlock<DType::q4_1> {
  using Type = BlockQ4_1;
};
template <>
struct FileBlock<DType::q5_0> {
  using Type = BlockQ5_0;
};
template <>
struct FileBlock<DType::q5_1> {
  using Type = BlockQ5_1;
};
template <>
struct FileBlock<DType::q8_0> {
  using Type = BlockQ8_0;
};
template <>
struct FileBlock<DType::q2_k> {
  using Type = BlockQ2_K;
};
template <>
struct FileBlock<DType::q3_k> {
  using Type = BlockQ3_K;
};
template <>
struct FileBlock<DType::q4_k> {
  using Type = BlockQ4_K;
};
template <>
struct FileBlock<DType::q5_k> {
  using Type = BlockQ5_K;
};
template <>
struct FileBlock<DType::q6_k> {
  using Type = BlockQ6_K;
};
template <>
struct FileBlock<DType::iq4_nl> {
  using Type = BlockIQ4_NL;
};
template <>
struct FileBlock<DType::iq4_xs> {
  using Type = BlockIQ4_XS;
};
template <>
struct FileBlock<DType::mxfp4> {
  using Type = BlockMXFP4;
};

inline LowCodes nibbles(const std::uint8_t* qs) noexcept {
  const Bytes both = load_vector(qs);
  return {both & 15, both >> 4};
}
/// The low or the high nibbles of 32 bytes.
inline LowCodes half_bytes(const std::uint8_t* qs, bool is_high) noexcept {
  const Bytes a = load_vector(qs), b = load_vector(qs + 16);
  return is_high ? LowCodes{a >> 4, b >> 4} : LowCodes{a & 15, b & 15};
}
/// Pair `at` of bits of 32 bytes.
inline LowCodes bit_pairs(const std::uint8_t* qs, std::size_t at) noexcept {
  const auto shift = static_cast<std::uint8_t>(2 * at);
  return {load_vector(qs) >> shift & 3, load_vector(qs + 16) >> shift & 3};
}
/// Bit `at` of 32 bytes.
inline std::uint32_t bits_at(const std::uint8_t* bytes, std::size_t at) noexcept {
  const auto shift = static_cast<std::uint8_t>(7 - at);
  return top_bits(load_vector(bytes) << shift) | top_bits(load_vector(bytes + 16) << shift) << 16;
}

template <typename Block>
LowCodes low_codes(const Block& block, std::size_t) noexcept {
  return nibbles(block.qs);
}
inline LowCodes low_codes(const BlockQ8_0& block, std::size_t) noexcept {
  return {load_vector(block.qs) ^ 0x80, load_vector(block.qs + 16) ^ 0x80};
}
inline LowCodes low_codes(const BlockQ2_K& block, std::size_t s) noexcept {
  return bit_pairs(block.qs + s / 4 * 32, s % 4);
}
inline LowCodes low_codes(const BlockQ3_K& block, std::size_t s) noexcept {
  const LowCodes low = bit_pairs(block.qs + s / 4 * 32, s % 4);
  const auto shift = static_cast<std::uint8_t>(s);
  return {low.first | (load_vector(block.hmask) >> shift & 1) << 2,
          low.second | (load_vector(block.hmask + 16) >> shift & 1) << 2};
}
inline LowCodes low_codes(const BlockQ4_K& block, std::size_t s) noexcept {
  return half_bytes(block.qs + s / 2 * 32, s % 2 != 0);
}
inline LowCodes low_codes(const BlockQ5_K& block, std::size_t s) noexcept {
  return half_bytes(block.qs + s / 2 * 32, s % 2 != 0);
}
inline LowCodes low_codes(const BlockQ6_K& block, std::size_t s) noexcept {
  return half_bytes(block.ql + s / 4 * 64 + s % 2 * 32, s % 4 / 2 != 0);
}
inline LowCodes low_codes(const BlockIQ4_XS& block, std::size_t s) noexcept {
  return nibbles(block.qs + s * 16);
}

template <typename Block>
std::uint32_t high_bits(const Block& block, std::size_t, std::size_t) noexcept {  // q5_0, q5_1
  std::uint32_t bits;
  std::memcpy(&bits, block.qh, sizeof bits);
  return bits;
}
inline std::uint32_t high_bits(const BlockQ5_K& block, std::size_t s, std::size_t) noexcept {
  return bits_at(block.qh, s);
}
inline std::uint32_t high_bits(const BlockQ6_K& block, std::size_t s, std::size_t plane) noexcept {
  return bits_at(block.qh + s / 4 * 32, 2 * (s % 4) + plane);
}

template <typename Block>
ScalePair pair_of(const Block& block) noexcept {
  if constexpr (requires { block.m; }) {
    return {block.d, block.m};
  } else if constexpr (requires { block.dmin; }) {
    return {block.d, block.dmin};
  } else {
    return {block.d};
  }
}
inline ScalePair pair_of(const BlockMXFP4& block) noexcept {
  // A power of two from 2^-128 on: as exact in bfloat16.
  return {static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(mxfp4_scale(block.e)) >> 16)};
}

inline void super_scales(const BlockQ2_K& block, Bytes* out) noexcept {
  // Of each block two scales, then two mins.
  const Bytes packed = load_vector(block.scales);
  const auto scales = reinterpret_cast<Words>(packed & 15), mins = reinterpret_cast<Words>(packed >> 4);
  out[0] = reinterpret_cast<Bytes>(low_halves(scales, mins));
  out[1] = reinterpret_cast<Bytes>(high_halves(scales, mins));
}
inline void super_scales(const BlockQ3_K& block, Bytes* out) noexcept {
  const ScalesQ3 scales = unpack_scales_q3(block.scales);
  *out = load_vector(scales.scale) - 32;
}
inline Bytes interleaved(const ScalesAndMins& from) noexcept {
  Bytes mins = {};
  std::memcpy(&mins, from.min, sizeof from.min);
  Bytes scales = {};
  std::memcpy(&scales, from.scale, sizeof from.scale);
  return low_halves(scales, mins);
}
inline void super_scales(const BlockQ4_K& block, Bytes* out) noexcept {
  *out = interleaved(unpack_scales_k4(block.scales));
}
inline void super_scales(const BlockQ5_K& block, Bytes* out) noexcept {
  *out = interleaved(unpack_scales_k4(block.scales));
}
inline void super_scales(const BlockQ6_K& block, Bytes* out) noexcept {
  *out = load_vector(block.scales);
}
inline void super_scales(const BlockIQ4_XS& block, Bytes* out) noexcept {
  std::uint8_t scales[16] = {};
  for (int g = 0; g < 8; ++g) scales[g] = static_cast<std::uint8_t>(iq4_xs_scale(block, g) - 32);
  *out = load_vector(scales);
}

}  // namespace quintet::kernels
