#pragma once

#include <bit>
#include <cstdint>

#include "tensor/blocks.h"

/// The scales that quantized blocks pack into odd bits, unpacked; what dequantize.cpp, the quantizers and the
/// kernels share.
namespace quintet {

/// 2^(e - 128), the scale of mxfp4's doubled values; e of 0 and 1 give subnormals.
inline float mxfp4_scale(std::uint8_t e) noexcept {
  return std::bit_cast<float>(e < 2 ? 0x0020'0000u << e : (std::uint32_t{e} - 1) << 23);
}

/// Eight six-bit scales and mins, as q4_k and q5_k pack them: the first four in the low six bits of bytes 0-3
/// and 4-7; of the last four, low nibbles in bytes 8-11 (scale below, min above), high pairs in the top bits
/// of bytes 0-7.
struct ScalesAndMins {
  std::uint8_t scale[8];
  std::uint8_t min[8];
};

inline ScalesAndMins unpack_scales_k4(const std::uint8_t (&packed)[12]) noexcept {
  ScalesAndMins result;
  for (int j = 0; j < 4; ++j) {
    result.scale[j] = packed[j] & 63;
    result.min[j] = packed[j + 4] & 63;
    result.scale[j + 4] = static_cast<std::uint8_t>((packed[j + 8] & 15) | ((packed[j] >> 6) << 4));
    result.min[j + 4] = static_cast<std::uint8_t>((packed[j + 8] >> 4) | ((packed[j + 4] >> 6) << 4));
  }
  return result;
}

inline void pack_scales_k4(const ScalesAndMins& from, std::uint8_t (&packed)[12]) noexcept {
  for (int j = 0; j < 4; ++j) {
    packed[j] = static_cast<std::uint8_t>(from.scale[j] | ((from.scale[j + 4] >> 4) << 6));
    packed[j + 4] = static_cast<std::uint8_t>(from.min[j] | ((from.min[j + 4] >> 4) << 6));
    packed[j + 8] = static_cast<std::uint8_t>((from.scale[j + 4] & 15) | ((from.min[j + 4] & 15) << 4));
  }
}

/// Sixteen six-bit scales of q3_k, from which 32 is still to be taken: low nibbles of 0-7 and 8-15 in the low
/// and the high nibbles of bytes 0-7; the high pair of scale g in bits 2·(g / 4) of byte 8 + g % 4.
struct ScalesQ3 {
  std::uint8_t scale[16];
};

inline ScalesQ3 unpack_scales_q3(const std::uint8_t (&packed)[12]) noexcept {
  ScalesQ3 result;
  for (int g = 0; g < 16; ++g) {
    const int low = g < 8 ? packed[g] & 15 : packed[g - 8] >> 4;
    const int high = (packed[8 + g % 4] >> (2 * (g / 4))) & 3;
    result.scale[g] = static_cast<std::uint8_t>(low | (high << 4));
  }
  return result;
}

inline void pack_scales_q3(const ScalesQ3& from, std::uint8_t (&packed)[12]) noexcept {
  for (int g = 0; g < 8; ++g)
    packed[g] = static_cast<std::uint8_t>((from.scale[g] & 15) | ((from.scale[g + 8] & 15) << 4));
  for (int k = 0; k < 4; ++k) {
    int byte = 0;
    for (int j = 0; j < 4; ++j) byte |= (from.scale[4 * j + k] >> 4) << (2 * j);
    packed[8 + k] = static_cast<std::uint8_t>(byte);
  }
}

/// The six-bit scale of group g of an iq4_xs block, from which 32 is still to be taken.
inline int iq4_xs_scale(const BlockIQ4_XS& block, int g) noexcept {
  const int low = (block.scales_l[g / 2] >> (4 * (g % 2))) & 15;
  const int high = (block.scales_h >> (2 * g)) & 3;
  return low | (high << 4);
}

}  // namespace quintet
