#pragma once

#include <cstring>

#include "kernels/packed_format.h"
#include "tensor/half.h"

/// Single weights of a packed block, in plain code: what the layout means.
namespace quintet::kernels {

inline std::uint16_t load_u16(const std::uint8_t* p) noexcept {
  std::uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// Code of column `k` (0..31 of the block) of row `r` of the panel. Of types with a table: its value plus
/// 128.
template <typename Format>
int packed_code(const std::uint8_t* codes, std::size_t k, std::size_t r) noexcept {
  const std::size_t quad = k / 4;
  const std::size_t lane = r * 4 + k % 4;
  if constexpr (Format::kBits == 8) {
    return codes[quad * 64 + lane];
  } else {
    const std::uint8_t byte = codes[quad % 4 * 64 + lane];
    int code = quad < 4 ? byte & 15 : byte >> 4;
    for (int plane = 0; plane < Format::kBits - 4; ++plane) {
      const std::uint8_t* bits = codes + 256 + static_cast<std::size_t>(plane) * 64 + quad * 8;
      code |= (bits[lane / 8] >> (lane % 8) & 1) << (4 + plane);
    }
    if constexpr (Format::kTable != nullptr) code = Format::kTable[code] + 128;
    return code;
  }
}

/// A weight is scale · (code - 2^kOffsetLog2) + min.
struct PackedScale {
  float scale = 0.0f;
  float min = 0.0f;
};

/// Of group `g` of block `b` of row `r`; `scales` are the panel's.
template <typename Format>
PackedScale packed_scale(const std::uint8_t* scales, std::size_t b, std::size_t g, std::size_t r) noexcept {
  const std::uint8_t* of_block = scales + scale_offset<Format>(b);
  PackedScale result;
  if constexpr (Format::kIsSuper) {
    const std::uint8_t* super = scales + super_offset<Format>(b);
    const std::size_t at = g * kPanelRows + r;
    // Scales without mins are signed (q3_k, q6_k, iq4_xs), those with mins are not.
    const int s = Format::kHasMin ? of_block[at] : static_cast<std::int8_t>(of_block[at]);
    result.scale = f16_to_f32(load_u16(super + 2 * r)) * static_cast<float>(s);
    if constexpr (Format::kHasMin) {
      const float dmin = f16_to_f32(load_u16(super + 2 * (kPanelRows + r)));
      result.min = -dmin * static_cast<float>(of_block[Format::kGroups * kPanelRows + at]);
    }
  } else {
    const std::uint16_t bits = load_u16(of_block + 2 * r);
    result.scale = Format::kHasBf16Scales ? bf16_to_f32(bits) : f16_to_f32(bits);
    if constexpr (Format::kHasMin) result.min = f16_to_f32(load_u16(of_block + 2 * (kPanelRows + r)));
  }
  return result;
}

}  // namespace quintet::kernels
