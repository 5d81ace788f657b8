#include <cmath>
#include <cstring>
#include <optional>

#include "tensor/block_scales.h"
#include "tensor/half.h"
#include "tensor/quantize_blocks.h"
#include "tensor/quantize_fit.h"

/// Blocks of 32 with one scale, or a scale and a base, in half precision.
namespace quintet {

namespace {

constexpr int kBlock = 32;

/// Levels of x for a scale that has been rounded to half precision.
template <typename Levels>
void assign_levels(const float* x, float scale, float (&q)[kBlock]) noexcept {
  const float inverse = scale == 0 ? 0 : 1 / scale;
  for (int i = 0; i < kBlock; ++i) q[i] = Levels::nearest(x[i] * inverse);
}

/// The scale in half precision under which x on a grid are all whole levels; nothing for other x.
template <typename Levels>
std::optional<std::uint16_t> find_grid_scale(const float* x, const float* w) noexcept {
  const float largest = largest_magnitude<kBlock>(x);
  if (largest < kTiny) return std::uint16_t{0};
  const float step = common_step<kBlock>(x, largest, Levels::kExactSteps);
  if (step == 0) return std::nullopt;
  for (int part = 1; part <= Levels::kExactSteps; ++part) {  // not every multiple of a half is a half
    for (const float scale : {step / static_cast<float>(part), -step / static_cast<float>(part)}) {
      const std::uint16_t half = to_half_scale(scale);
      if (scale_error<Levels, kBlock>(x, w, f16_to_f32(half)) <= 1e-12f * step * step) return half;
    }
  }
  return std::nullopt;
}

template <typename Levels>
std::uint16_t fit_half_scale(const float* x, const float* w) noexcept {
  if constexpr (Levels::kExactSteps > 0)
    if (const auto half = find_grid_scale<Levels>(x, w)) return *half;
  return to_half_scale(fit_scale<Levels, kBlock>(x, w).scale);
}

template <int MaxQ>
void assign_line_levels(const float* x, float scale, float base, float (&q)[kBlock]) noexcept {
  const float inverse = scale == 0 ? 0 : 1 / scale;
  for (int i = 0; i < kBlock; ++i)
    q[i] = round_nearest(clamp_to((x[i] - base) * inverse, 0.0f, static_cast<float>(MaxQ)));
}

void pack_nibbles(const float (&q)[kBlock], float offset, std::uint8_t (&qs)[16]) noexcept {
  for (int i = 0; i < 16; ++i) {
    const int low = static_cast<int>(q[i] + offset);
    const int high = static_cast<int>(q[i + 16] + offset);
    qs[i] = static_cast<std::uint8_t>((low & 15) | (high & 15) << 4);
  }
}

void pack_fifth_bits(const float (&q)[kBlock], float offset, std::uint8_t (&qh)[4]) noexcept {
  std::uint32_t bits = 0;
  for (int i = 0; i < kBlock; ++i) bits |= (static_cast<std::uint32_t>(q[i] + offset) >> 4) << i;
  std::memcpy(qh, &bits, sizeof bits);
}

/// A scale and a base in half precision. The base's rounding is made up for by the scale that suits it.
struct HalfLine {
  std::uint16_t scale;
  std::uint16_t base;
};

template <int MaxQ>
HalfLine fit_half_line(const float* x, const float* w) noexcept {
  HalfLine best{};
  float best_error = -1;
  const auto consider = [&](float scale, float base) {
    const HalfLine line{to_half_scale(scale), to_half_scale(base)};
    const float error = line_error<MaxQ, kBlock>(x, w, f16_to_f32(line.scale), f16_to_f32(line.base));
    if (best_error < 0 || error < best_error) {
      best = line;
      best_error = error;
    }
  };
  const LineFit fit = fit_line<MaxQ, kBlock>(x, w, false);
  consider(fit.scale, fit.base);
  // x on a grid: with a span of fewer steps than MaxQ the base may lie below all of x.
  const auto [lowest, highest] = std::minmax_element(x, x + kBlock);
  const float range = *highest - *lowest;
  if (range > kTiny && best_error > 0) {
    float above[kBlock];
    for (int i = 0; i < kBlock; ++i) above[i] = x[i] - *lowest;
    if (const float step = common_step<kBlock>(above, range, MaxQ); step != 0) {
      const int free_steps = MaxQ - static_cast<int>(std::lround(range / step));
      for (int k = 0; k <= free_steps; ++k) consider(step, *lowest - step * static_cast<float>(k));
    }
  }
  return best;
}

}  // namespace

void quantize_block(const float* x, const float* w, BlockQ4_0& block) noexcept {
  using Levels = IntegerLevels<-8, 7>;
  block.d = fit_half_scale<Levels>(x, w);
  float q[kBlock];
  assign_levels<Levels>(x, f16_to_f32(block.d), q);
  pack_nibbles(q, 8, block.qs);
}

void quantize_block(const float* x, const float* w, BlockQ4_1& block) noexcept {
  const HalfLine line = fit_half_line<15>(x, w);
  block.d = line.scale;
  block.m = line.base;
  float q[kBlock];
  assign_line_levels<15>(x, f16_to_f32(block.d), f16_to_f32(block.m), q);
  pack_nibbles(q, 0, block.qs);
}

void quantize_block(const float* x, const float* w, BlockQ5_0& block) noexcept {
  using Levels = IntegerLevels<-16, 15>;
  block.d = fit_half_scale<Levels>(x, w);
  float q[kBlock];
  assign_levels<Levels>(x, f16_to_f32(block.d), q);
  pack_nibbles(q, 16, block.qs);
  pack_fifth_bits(q, 16, block.qh);
}

void quantize_block(const float* x, const float* w, BlockQ5_1& block) noexcept {
  const HalfLine line = fit_half_line<31>(x, w);
  block.d = line.scale;
  block.m = line.base;
  float q[kBlock];
  assign_line_levels<31>(x, f16_to_f32(block.d), f16_to_f32(block.m), q);
  pack_nibbles(q, 0, block.qs);
  pack_fifth_bits(q, 0, block.qh);
}

void quantize_block(const float* x, const float* w, BlockQ8_0& block) noexcept {
  using Levels = IntegerLevels<-127, 127>;
  // So many levels that cutting off the largest never pays; what is searched is how the others fall.
  if (const auto half = find_grid_scale<Levels>(x, w)) {
    block.d = *half;
  } else {
    const float largest = largest_magnitude<kBlock>(x);
    float scale = 0;
    float best_error = -1;
    for (int k = 0; k <= 12; ++k) {
      const float tried = largest / (124.5f + 0.25f * static_cast<float>(k));
      const float error = scale_error<Levels, kBlock>(x, w, tried);
      if (best_error >= 0 && error >= best_error) continue;
      best_error = error;
      scale = tried;
    }
    block.d = to_half_scale(try_scale<Levels, kBlock>(x, w, 1 / scale).scale);
  }
  float q[kBlock];
  assign_levels<Levels>(x, f16_to_f32(block.d), q);
  for (int i = 0; i < kBlock; ++i) block.qs[i] = static_cast<std::int8_t>(q[i]);
}

void quantize_block(const float* x, const float* w, BlockIQ4_NL& block) noexcept {
  block.d = fit_half_scale<Iq4Levels>(x, w);
  float q[kBlock];
  assign_levels<Iq4Levels>(x, f16_to_f32(block.d), q);
  float index[kBlock];
  for (int i = 0; i < kBlock; ++i) index[i] = static_cast<float>(Iq4Levels::index_of(q[i]));
  pack_nibbles(index, 0, block.qs);
}

void quantize_block(const float* x, const float* w, BlockMXFP4& block) noexcept {
  constexpr float kMagnitudes[8] = {0, 1, 2, 3, 4, 6, 8, 12};
  const auto nearest = [&](float v) {
    const float m = std::abs(v);
    float level = 0;
    for (int k = 0; k < 7; ++k)
      level += m > 0.5f * (kMagnitudes[k] + kMagnitudes[k + 1]) ? kMagnitudes[k + 1] - kMagnitudes[k] : 0;
    return std::copysign(level, v);
  };
  const float largest = largest_magnitude<kBlock>(x);
  int exponent = 0;
  if (largest > 0) std::frexp(largest, &exponent);  // largest = f · 2^exponent, f from 0.5 up to 1
  // Scales of 2^(exponent - 4) map it to 8..16, half of that to 16..32: searched are three around these. The
  // errors are taken of x / 2^exponent, so that no square overflows.
  int best = 0;
  double best_error = -1;
  for (int e = exponent - 4; e <= exponent - 2; ++e) {
    const int stored = e + 128;
    if (stored < 0 || stored > 254) continue;  // 255 is NaN
    double error = 0;
    for (int i = 0; i < kBlock; ++i) {
      const float v = std::ldexp(x[i], -e);
      const double difference = std::ldexp(static_cast<double>(v - nearest(v)), e - exponent);
      error += static_cast<double>(w[i]) * difference * difference;
    }
    if (best_error >= 0 && error >= best_error) continue;
    best = stored;
    best_error = error;
  }
  block.e = static_cast<std::uint8_t>(best);
  float index[kBlock];
  for (int i = 0; i < kBlock; ++i) {
    const float level = nearest(std::ldexp(x[i], 128 - best));
    int k = 0;
    while (kMagnitudes[k] != std::abs(level)) ++k;
    index[i] = static_cast<float>(std::signbit(level) && k != 0 ? k + 8 : k);
  }
  pack_nibbles(index, 0, block.qs);
}

}  // namespace quintet
