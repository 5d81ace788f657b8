#include "tensor/half.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace quintet {
namespace {

/// The value of binary16 bits by the definition of the format.
double f16_by_definition(std::uint32_t bits) {
  const int exponent = (bits >> 10) & 31;
  const double fraction = bits & 0x3FF;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(Half, WidensEveryF16Exactly) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = f16_to_f32(static_cast<std::uint16_t>(bits));
    if ((bits & 0x7C00) != 0x7C00) {
      ASSERT_EQ(value, f16_by_definition(bits)) << bits;
      ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
    } else if ((bits & 0x3FF) == 0) {
      ASSERT_EQ(value, (bits & 0x8000) != 0 ? -INFINITY : INFINITY);
    } else {
      ASSERT_TRUE(std::isnan(value)) << bits;
    }
  }
}

TEST(Half, NarrowsEveryF16ToItself) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if ((bits & 0x7C00) == 0x7C00 && (bits & 0x3FF) != 0)
      ASSERT_TRUE(std::isnan(f16_to_f32(f32_to_f16(f16_to_f32(half))))) << bits;
    else
      ASSERT_EQ(f32_to_f16(f16_to_f32(half)), half) << bits;
  }
}

TEST(Half, RoundsToTheNearestF16AndTiesToEven) {
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {  // all neighbours, subnormal ones too
    const double below = f16_by_definition(bits);
    const double above = f16_by_definition(bits + 1);
    const auto middle = static_cast<float>((below + above) / 2);  // exact: one bit more
    ASSERT_EQ(f32_to_f16(middle), bits + (bits & 1)) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), bits) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, INFINITY)), bits + 1) << bits;
    ASSERT_EQ(f32_to_f16(-middle), (bits + (bits & 1)) | 0x8000) << bits;
  }
}

TEST(Half, BecomesInfiniteAboveTheLargestF16) {
  EXPECT_EQ(f32_to_f16(65'504.0f), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65'519.9f), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65'520.0f), 0x7C00);
  EXPECT_EQ(f32_to_f16(1e30f), 0x7C00);
  EXPECT_EQ(f32_to_f16(-INFINITY), 0xFC00);
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(NAN))));
  EXPECT_EQ(f32_to_f16(1e-30f), 0);
  EXPECT_EQ(f32_to_f16(-std::numeric_limits<float>::denorm_min()), 0x8000);
}

TEST(Half, KeepsTheUpperHalfAsBf16) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = bf16_to_f32(half);
    if (std::isnan(value))
      ASSERT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(value))));
    else
      ASSERT_EQ(f32_to_bf16(value), half);
  }
  EXPECT_EQ(f32_to_bf16(1.0f + 0x1p-8f), 0x3F80);  // a tie, to even
  EXPECT_EQ(f32_to_bf16(1.0f + 3 * 0x1p-8f), 0x3F82);
  EXPECT_EQ(f32_to_bf16(1.0f + 0x1.1p-8f), 0x3F81);
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
}

}  // namespace
}  // namespace quintet
