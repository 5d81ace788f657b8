#include "tensor/dequantize.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tensor/blocks.h"
#include "tensor/half.h"
#include "weights.h"

namespace quintet {
namespace {

/// Bits [from, from + n) of bytes read as one little-endian number.
int bits(const std::uint8_t* bytes, int from, int n) {
  int value = 0;
  for (int k = 0; k < n; ++k) value |= ((bytes[(from + k) / 8] >> ((from + k) % 8)) & 1) << k;
  return value;
}

int nibble(const std::uint8_t* qs, int i) {
  return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
}

/// Weight i of a block, one at a time and in double, as the format's text says it: the second opinion on the
/// loops of dequantize_row.
double weight(const BlockQ4_0& b, int i) {
  return double{f16_to_f32(b.d)} * (nibble(b.qs, i) - 8);
}
double weight(const BlockQ4_1& b, int i) {
  return double{f16_to_f32(b.d)} * nibble(b.qs, i) + double{f16_to_f32(b.m)};
}
double weight(const BlockQ5_0& b, int i) {
  return double{f16_to_f32(b.d)} * (nibble(b.qs, i) + 16 * bits(b.qh, i, 1) - 16);
}
double weight(const BlockQ5_1& b, int i) {
  return double{f16_to_f32(b.d)} * (nibble(b.qs, i) + 16 * bits(b.qh, i, 1)) + double{f16_to_f32(b.m)};
}
double weight(const BlockQ8_0& b, int i) {
  return double{f16_to_f32(b.d)} * b.qs[i];
}
/// Two bits of weight i: byte 32·(i / 128) + i % 32, pair (i / 32) % 4.
int pair_of(const std::uint8_t* qs, int i) {
  return bits(qs, 8 * (32 * (i / 128) + i % 32) + 2 * (i / 32 % 4), 2);
}
double weight(const BlockQ2_K& b, int i) {
  const int scale = b.scales[i / 16] & 15;
  const int min = b.scales[i / 16] >> 4;
  return double{f16_to_f32(b.d)} * scale * pair_of(b.qs, i) - double{f16_to_f32(b.dmin)} * min;
}
double weight(const BlockQ3_K& b, int i) {
  const int g = i / 16;
  const int low = bits(b.scales, 8 * (g % 8) + 4 * (g / 8), 4);
  const int high = bits(b.scales, 8 * (8 + g % 4) + 2 * (g / 4), 2);
  const int q = pair_of(b.qs, i) + (bits(b.hmask, 8 * (i % 32) + i / 32, 1) != 0 ? 0 : -4);
  return double{f16_to_f32(b.d)} * (low + 16 * high - 32) * q;
}
int k4_scale(const std::uint8_t* s, int g) {
  return g < 4 ? bits(s, 8 * g, 6) : bits(s, 8 * (g + 4), 4) + 16 * bits(s, 8 * (g - 4) + 6, 2);
}
int k4_min(const std::uint8_t* s, int g) {
  return g < 4 ? bits(s, 8 * (g + 4), 6) : bits(s, 8 * (g + 4) + 4, 4) + 16 * bits(s, 8 * g + 6, 2);
}
double weight(const BlockQ4_K& b, int i) {
  const int g = i / 32;
  const int q = bits(b.qs, 8 * (32 * (g / 2) + i % 32) + 4 * (g % 2), 4);
  return double{f16_to_f32(b.d)} * k4_scale(b.scales, g) * q -
         double{f16_to_f32(b.dmin)} * k4_min(b.scales, g);
}
double weight(const BlockQ5_K& b, int i) {
  const int g = i / 32;
  const int q =
      bits(b.qs, 8 * (32 * (g / 2) + i % 32) + 4 * (g % 2), 4) + 16 * bits(b.qh, 8 * (i % 32) + g, 1);
  return double{f16_to_f32(b.d)} * k4_scale(b.scales, g) * q -
         double{f16_to_f32(b.dmin)} * k4_min(b.scales, g);
}
double weight(const BlockQ6_K& b, int i) {
  const int half = i / 128;
  const int quarter = i / 32 % 4;
  const int low = bits(b.ql, 8 * (64 * half + 32 * (quarter % 2) + i % 32) + 4 * (quarter / 2), 4);
  const int high = bits(b.qh, 8 * (32 * half + i % 32) + 2 * quarter, 2);
  return double{f16_to_f32(b.d)} * b.scales[i / 16] * (low + 16 * high - 32);
}
double weight(const BlockIQ4_NL& b, int i) {
  return double{f16_to_f32(b.d)} * kIq4Values[nibble(b.qs, i)];
}
double weight(const BlockIQ4_XS& b, int i) {
  const int g = i / 32;
  const int scale = bits(b.scales_l, 4 * g, 4) + 16 * ((b.scales_h >> (2 * g)) & 3);
  return double{f16_to_f32(b.d)} * (scale - 32) * kIq4Values[nibble(b.qs + 16 * g, i % 32)];
}
double weight(const BlockMXFP4& b, int i) {
  return std::ldexp(static_cast<double>(kMxfp4Values[nibble(b.qs, i)]), b.e - 128);
}

template <typename Block>
void expect_as_specified(DType type) {
  SCOPED_TRACE(dtype_name(type));
  constexpr int kBlocks = 200;
  const auto block_size = static_cast<int>(dtype_info(type).block_size);
  std::mt19937 random(7);
  std::vector<std::byte> bytes(kBlocks * sizeof(Block));
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  const auto out = dequantized(type, bytes, static_cast<std::size_t>(kBlocks * block_size));
  int n_finite = 0;
  for (int b = 0; b < kBlocks; ++b) {
    Block block;
    std::memcpy(&block, bytes.data() + static_cast<std::size_t>(b) * sizeof(Block), sizeof(Block));
    for (int i = 0; i < block_size; ++i) {
      const auto expected = static_cast<float>(weight(block, i));  // one rounding, as in the loops
      const float got = out[static_cast<std::size_t>(b * block_size + i)];
      if (!std::isfinite(expected)) continue;
      ++n_finite;
      // 0 · -x is -0 in floats and 0 after a subtraction: equal is what counts there.
      ASSERT_TRUE(std::bit_cast<std::uint32_t>(got) == std::bit_cast<std::uint32_t>(expected) ||
                  (got == 0 && expected == 0))
          << "block " << b << " weight " << i << ": " << got << " is not " << expected;
    }
  }
  EXPECT_GT(n_finite, kBlocks * block_size / 2);
}

TEST(Dequantize, GivesEveryBlockTypeBitForBitAsSpecified) {
  expect_as_specified<BlockQ4_0>(DType::q4_0);
  expect_as_specified<BlockQ4_1>(DType::q4_1);
  expect_as_specified<BlockQ5_0>(DType::q5_0);
  expect_as_specified<BlockQ5_1>(DType::q5_1);
  expect_as_specified<BlockQ8_0>(DType::q8_0);
  expect_as_specified<BlockQ2_K>(DType::q2_k);
  expect_as_specified<BlockQ3_K>(DType::q3_k);
  expect_as_specified<BlockQ4_K>(DType::q4_k);
  expect_as_specified<BlockQ5_K>(DType::q5_k);
  expect_as_specified<BlockQ6_K>(DType::q6_k);
  expect_as_specified<BlockIQ4_NL>(DType::iq4_nl);
  expect_as_specified<BlockIQ4_XS>(DType::iq4_xs);
  expect_as_specified<BlockMXFP4>(DType::mxfp4);
}

/// A block of q4_0 worked out by hand: d = 0.5, first byte 0x3F gives 15 and 3.
TEST(Dequantize, ReadsAKnownBlock) {
  BlockQ4_0 block{f32_to_f16(0.5f), {}};
  std::fill_n(block.qs, 16, std::uint8_t{0x88});
  block.qs[0] = 0x3F;
  float out[32];
  dequantize_row(DType::q4_0, reinterpret_cast<const std::byte*>(&block), out, 32);
  EXPECT_EQ(out[0], 3.5f);
  EXPECT_EQ(out[16], -2.5f);
  EXPECT_EQ(out[1], 0.0f);
}

TEST(Dequantize, WidensFloats) {
  const std::vector<float> x = {1.5f, -2.25f, 0.0f, 1e4f};
  for (const DType type : {DType::f32, DType::f16, DType::bf16})
    EXPECT_NEAR(relative_error(x, dequantized(type, quantized(type, x), x.size())), 0, 2e-3);
  const double wide[] = {0.1, -3.0};
  float out[2];
  dequantize_row(DType::f64, reinterpret_cast<const std::byte*>(wide), out, 2);
  EXPECT_EQ(out[0], 0.1f);
  EXPECT_EQ(out[1], -3.0f);
}

TEST(Dequantize, RefusesIntegersAndPartsOfBlocks) {
  std::byte bytes[64] = {};
  float out[64];
  EXPECT_THROW(dequantize_row(DType::i32, bytes, out, 4), InvalidArgument);
  EXPECT_THROW(dequantize_row(DType::q4_0, bytes, out, 31), InvalidArgument);
  dequantize_row(DType::q4_0, nullptr, nullptr, 0);
}

TEST(Dequantize, TakesWholeTensors) {
  const Tensor tensor = Tensor::from(gaussian(4 * 64, 1), Shape{4, 64});
  const Tensor back = dequantize(quantize(tensor, DType::q8_0));
  EXPECT_EQ(back.shape(), tensor.shape());
  EXPECT_LT(relative_error(tensor.f32(), back.f32()), 0.006);
  EXPECT_EQ(dequantize(Tensor::zeros(DType::f16, Shape{0, 5})).shape(), Shape({0, 5}));
}

}  // namespace
}  // namespace quintet
