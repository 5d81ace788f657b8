#pragma once

#include <bit>
#include <cstdint>

/// The two 16-bit float formats, kept as bits. Widening is exact; narrowing rounds to nearest, ties to even,
/// past the largest finite value to infinity. NaN stays NaN (made quiet, upper payload bits kept), as the
/// processor's own instructions do. Written without branches that vector code could not take.
namespace quintet {

/// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
inline float f16_to_f32(std::uint16_t half) noexcept {
  constexpr std::uint32_t kExponentShift = std::uint32_t{127 - 15} << 23;  // between the two biases
  const std::uint32_t magnitude = half & 0x7FFFu;
  std::uint32_t bits = (magnitude << 13) + kExponentShift;
  bits += magnitude >= 0x7C00u ? kExponentShift : 0;  // infinity and NaN: exponent 31 becomes 255
  bits |= magnitude > 0x7C00u ? 0x0040'0000u : 0;
  // Subnormals count units of 2^-24, which is the last place of 0.5f.
  const float small = std::bit_cast<float>(magnitude | 0x3F00'0000u) - 0.5f;
  bits = magnitude < 0x0400u ? std::bit_cast<std::uint32_t>(small) : bits;
  return std::bit_cast<float>(bits | (std::uint32_t{half} & 0x8000u) << 16);
}

inline std::uint16_t f32_to_f16(float value) noexcept {
  constexpr std::uint32_t kExponentShift = std::uint32_t{127 - 15} << 23;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFF'FFFFu;
  // A carry out of the fraction moves into the exponent, as it should, up to infinity.
  const std::uint32_t rounded = magnitude + 0x0FFFu + ((magnitude >> 13) & 1u);
  std::uint32_t half = (rounded - kExponentShift) >> 13;
  // Below 2^-14: adding 0.5f leaves units of 2^-24, rounded by the addition itself.
  const float small = std::bit_cast<float>(magnitude) + 0.5f;
  half = magnitude < 0x3880'0000u ? std::bit_cast<std::uint32_t>(small) - 0x3F00'0000u : half;
  half = magnitude >= 0x4780'0000u ? 0x7C00u : half;  // from 65,536 on
  half = magnitude > 0x7F80'0000u ? (0x7E00u | ((magnitude >> 13) & 0x03FFu)) : half;
  return static_cast<std::uint16_t>(half | ((bits >> 16) & 0x8000u));
}

/// bfloat16: the upper half of a binary32.
inline float bf16_to_f32(std::uint16_t half) noexcept {
  return std::bit_cast<float>(std::uint32_t{half} << 16);
}

inline std::uint16_t f32_to_bf16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const std::uint32_t quiet = (bits >> 16) | 0x40u;
  return static_cast<std::uint16_t>((bits & 0x7FFF'FFFFu) > 0x7F80'0000u ? quiet : rounded);
}

}  // namespace quintet
