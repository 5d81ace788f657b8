#pragma once

#include <cstddef>
#include <cstdint>

/// Blocks of the quantized types, byte for byte as GGUF files store them (ggml's type specification). `d` and
/// `m` are IEEE half precision kept as bits. x̂ is the weight that a block stands for; i counts weights within
/// the block.
namespace quintet {

/// x̂ = d · (q - 8); q[i] is the low nibble of qs[i] for i < 16, the high nibble of qs[i - 16] above.
struct BlockQ4_0 {
  std::uint16_t d;
  std::uint8_t qs[16];
};

/// x̂ = d · q + m; nibbles as in q4_0.
struct BlockQ4_1 {
  std::uint16_t d;
  std::uint16_t m;
  std::uint8_t qs[16];
};

/// x̂ = d · (q - 16); four low bits as in q4_0, bit 4 of weight i is bit i of qh (little endian).
struct BlockQ5_0 {
  std::uint16_t d;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};

/// x̂ = d · q + m; bits as in q5_0.
struct BlockQ5_1 {
  std::uint16_t d;
  std::uint16_t m;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};

/// x̂ = d · q.
struct BlockQ8_0 {
  std::uint16_t d;
  std::int8_t qs[32];
};

/// 16 groups of 16: x̂ = d · (scales[g] & 15) · q - dmin · (scales[g] >> 4), q of two bits. Weight 128·h +
/// 32·s + l sits in bits 2s..2s+1 of qs[32·h + l].
struct BlockQ2_K {
  std::uint8_t scales[16];
  std::uint8_t qs[64];
  std::uint16_t d;
  std::uint16_t dmin;
};

/// 16 groups of 16: x̂ = d · (scale[g] - 32) · q, q = two bits as in q2_k, minus 4 when the weight's bit in
/// hmask is clear (bit 4·h + s of hmask[l]). The six-bit scales: low nibbles in scales[0..7], high pairs in
/// scales[8..11].
struct BlockQ3_K {
  std::uint8_t hmask[32];
  std::uint8_t qs[64];
  std::uint8_t scales[12];
  std::uint16_t d;
};

/// 8 groups of 32: x̂ = d · scale[g] · q - dmin · min[g]; six-bit scales and mins packed into 12 bytes. Groups
/// 2j and 2j + 1 are the low and the high nibbles of qs[32·j .. 32·j + 31].
struct BlockQ4_K {
  std::uint16_t d;
  std::uint16_t dmin;
  std::uint8_t scales[12];
  std::uint8_t qs[128];
};

/// As q4_k with a fifth bit: bit g of qh[l] for weight l of group g.
struct BlockQ5_K {
  std::uint16_t d;
  std::uint16_t dmin;
  std::uint8_t scales[12];
  std::uint8_t qh[32];
  std::uint8_t qs[128];
};

/// 16 groups of 16: x̂ = d · scales[g] · (q - 32), q of six bits: four in ql, two in qh.
struct BlockQ6_K {
  std::uint8_t ql[128];
  std::uint8_t qh[64];
  std::int8_t scales[16];
  std::uint16_t d;
};

/// x̂ = d · kIq4Values[q]; nibbles as in q4_0.
struct BlockIQ4_NL {
  std::uint16_t d;
  std::uint8_t qs[16];
};

/// 8 groups of 32: x̂ = d · (scale[g] - 32) · kIq4Values[q]; six-bit scales: low nibbles in scales_l, high
/// pairs in scales_h.
struct BlockIQ4_XS {
  std::uint16_t d;
  std::uint16_t scales_h;
  std::uint8_t scales_l[4];
  std::uint8_t qs[128];
};

/// x̂ = 2^(e - 128) · kMxfp4Values[q] (OCP Microscaling Formats 1.0; the values are doubled, so the exponent
/// is one less). Nibbles as in q4_0.
struct BlockMXFP4 {
  std::uint8_t e;
  std::uint8_t qs[16];
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 &&
              sizeof(BlockQ5_1) == 24);
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 &&
              sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_NL) == 18);
static_assert(sizeof(BlockIQ4_XS) == 136 && sizeof(BlockMXFP4) == 17);

inline constexpr std::size_t kSuperBlock = 256;  // weights in a K-quant or IQ4_XS block

inline constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};
inline constexpr std::int8_t kMxfp4Values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace quintet
