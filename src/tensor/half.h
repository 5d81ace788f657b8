#pragma once

#include <bit>
#include <cstdint>

namespace quintet {

/// IEEE 754 binary16 and bfloat16, kept as their bits. Conversions from f32 round to nearest, ties to even;
/// infinities stay, a NaN stays a NaN.

inline float bf16_to_f32(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

inline std::uint16_t f32_to_bf16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFF'FFFF) > 0x7F80'0000)
    return static_cast<std::uint16_t>(bits >> 16 | 0x40);  // a quiet NaN
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

inline float f16_to_f32(std::uint16_t bits) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t rest = static_cast<std::uint32_t>(bits & 0x7FFF);
  if (rest >= 0x7C00) return std::bit_cast<float>(sign | 0x7F80'0000 | (rest & 0x3FF) << 13);
  if (rest < 0x0400) {  // subnormal: rest · 2^-24, exact in f32
    const float magnitude = static_cast<float>(rest) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | ((rest << 13) + (112u << 23)));
}

inline std::uint16_t f32_to_f16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const std::uint32_t rest = bits & 0x7FFF'FFFF;
  if (rest > 0x7F80'0000) return static_cast<std::uint16_t>(sign | 0x7E00);
  if (rest >= 0x4780'0000) return static_cast<std::uint16_t>(sign | 0x7C00);  // 65536 and above
  if (rest < 0x3880'0000) {  // below 2^-14: adding 0.5 aligns the units of 2^-24 with the end of the mantissa
    const float aligned = std::bit_cast<float>(rest) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(aligned) - 0x3F00'0000));
  }
  const std::uint32_t rounded = rest - (112u << 23) + 0xFFF + (rest >> 13 & 1);  // may carry up to infinity
  return static_cast<std::uint16_t>(sign | rounded >> 13);
}

}  // namespace quintet
