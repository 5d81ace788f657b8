#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/blocks.h"
#include "tensor/dtype.h"

/// How matrices lie in memory when kernels read them: "packed", in panels of 16 rows, so that one vector
/// register holds the same few columns of 16 rows and a dot product needs no sum across lanes. The same bytes
/// serve every instruction set; byte for byte:
///
/// f32   [k][16 rows]                      f16   [k][16 rows]
/// bf16  [k / 2][16 rows][2]               (the order of vdpbf16ps and of an AMX tile)
///
/// Quantized types keep their exact values. Columns come in blocks of 32; a panel is all its blocks' codes,
/// then all its scales. A code is an unsigned number c of 4, 5, 6 or 8 bits; the weight is  scale · (c -
/// 2^kOffsetLog2) + min, or with a table scale · (table[c] - 128) + min.
///
/// codes, 8 bits   [8 quads][16 rows][4]   a quad is four consecutive columns (the order of vpdpbusd and of
/// AMX) codes, 4 bits   [4 quads][16 rows][4]   low nibble: quad j, high nibble: quad j + 4
///   + 1 bit more  [8 quads] of 64 bits: bit 4 · row + i is bit 4 of that code;  + 2 bits: then bit 5 the
///   same way
/// scales          of each block: 16 scales (f16; bf16 for mxfp4), then 16 mins (f16) where there are any
/// K-quants        of each 8 blocks: d [16] f16, dmin [16] f16 where there are mins; then of each of the 8
/// blocks,
///                 [32 / kGroup][16] scales of 8 bits, then as many mins. scale = d · s, min = -dmin · m.
namespace quintet::kernels {

inline constexpr std::size_t kPanelRows = 16;
inline constexpr std::size_t kBlock = 32;          // columns in a block of codes
inline constexpr std::size_t kBlocksPerSuper = 8;  // blocks that share d and dmin

/// A block of activations whose largest magnitude is below this is taken as zeros: 127 / maximum would
/// overflow.
inline constexpr float kSmallestMaximum = 1e-30f;

/// Bits of f32 infinity. Magnitudes are ordered as their bits are, so a block's largest magnitude is found
/// among integers: there every NaN is larger than this, while comparisons of floats lose it.
inline constexpr std::uint32_t kInfinityBits = 0x7F80'0000;

/// What the kernels need to know of a quantized type. `kGroup` columns share a scale.
template <int Bits, int OffsetLog2, bool IsSuper, std::size_t Group, bool HasMin>
struct PackedTraits {
  static constexpr int kBits = Bits;
  static constexpr int kOffsetLog2 = OffsetLog2;  // -1: no offset
  static constexpr bool kIsSuper = IsSuper;
  static constexpr std::size_t kGroup = Group;
  static constexpr bool kHasMin = HasMin;
  static constexpr bool kHasBf16Scales = false;
  static constexpr const std::int8_t* kTable = nullptr;

  static constexpr std::size_t kCodeBytes =
      Bits == 8 ? kBlock * kPanelRows
                : kBlock * kPanelRows / 2 + static_cast<std::size_t>(Bits - 4) * kBlock * kPanelRows / 8;
  static constexpr std::size_t kGroups = kBlock / Group;  // in a block
  static constexpr std::size_t kScaleBytes =              // of one block
      (IsSuper ? kGroups * kPanelRows : 2 * kPanelRows) * (HasMin ? 2 : 1);
  static constexpr std::size_t kSuperBytes = IsSuper ? 2 * kPanelRows * (HasMin ? 2 : 1) : 0;
};

template <DType>
struct PackedFormat;
template <>
struct PackedFormat<DType::q4_0> : PackedTraits<4, 3, false, 32, false> {};
template <>
struct PackedFormat<DType::q4_1> : PackedTraits<4, -1, false, 32, true> {};
template <>
struct PackedFormat<DType::q5_0> : PackedTraits<5, 4, false, 32, false> {};
template <>
struct PackedFormat<DType::q5_1> : PackedTraits<5, -1, false, 32, true> {};
template <>
struct PackedFormat<DType::q8_0> : PackedTraits<8, 7, false, 32, false> {};
template <>
struct PackedFormat<DType::q2_k> : PackedTraits<4, -1, true, 16, true> {};
template <>
struct PackedFormat<DType::q3_k> : PackedTraits<4, 2, true, 16, false> {};
template <>
struct PackedFormat<DType::q4_k> : PackedTraits<4, -1, true, 32, true> {};
template <>
struct PackedFormat<DType::q5_k> : PackedTraits<5, -1, true, 32, true> {};
template <>
struct PackedFormat<DType::q6_k> : PackedTraits<6, 5, true, 16, false> {};
template <>
struct PackedFormat<DType::iq4_nl> : PackedTraits<4, 7, false, 32, false> {
  static constexpr const std::int8_t* kTable = kIq4Values;
};
template <>
struct PackedFormat<DType::iq4_xs> : PackedTraits<4, 7, true, 32, false> {
  static constexpr const std::int8_t* kTable = kIq4Values;
};
template <>
struct PackedFormat<DType::mxfp4> : PackedTraits<4, 7, false, 32, false> {
  static constexpr bool kHasBf16Scales = true;
  static constexpr const std::int8_t* kTable = kMxfp4Values;
};

/// Calls `f.template operator()<D>()` with the quantized type `type`; false for any other type.
template <typename F>
constexpr bool with_packed_format(DType type, F&& f) {
  switch (type) {
#define QN_CASE(name) \
  case DType::name: f.template operator()<DType::name>(); return true;
    QN_CASE(q4_0)
    QN_CASE(q4_1)
    QN_CASE(q5_0)
    QN_CASE(q5_1)
    QN_CASE(q8_0)
    QN_CASE(q2_k)
    QN_CASE(q3_k)
    QN_CASE(q4_k)
    QN_CASE(q5_k)
    QN_CASE(q6_k)
    QN_CASE(iq4_nl)
    QN_CASE(iq4_xs)
    QN_CASE(mxfp4)
#undef QN_CASE
    default: return false;
  }
}

/// Offsets of the scales of block `b` within a panel's scales.
template <typename Format>
constexpr std::size_t scale_offset(std::size_t b) {
  if constexpr (Format::kIsSuper) {
    constexpr std::size_t kBytes = Format::kSuperBytes + kBlocksPerSuper * Format::kScaleBytes;
    return b / kBlocksPerSuper * kBytes + Format::kSuperBytes + b % kBlocksPerSuper * Format::kScaleBytes;
  } else {
    return b * Format::kScaleBytes;
  }
}
template <typename Format>
constexpr std::size_t super_offset(std::size_t b) {
  constexpr std::size_t kBytes = Format::kSuperBytes + kBlocksPerSuper * Format::kScaleBytes;
  return b / kBlocksPerSuper * kBytes;
}

}  // namespace quintet::kernels
