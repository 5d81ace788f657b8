#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "tensor/blocks.h"
#include "tensor/half.h"

/// Weighted least squares over scales, shared by the quantizers. x are weights of a group, w their importance
/// (> 0), Levels the numbers that a scale multiplies. Rounding to levels is done in floats without branches,
/// so that the loops become vector code.
namespace quintet {

/// To the nearest whole number, ties to even, for |v| < 2^22.
inline float round_nearest(float v) noexcept {
  constexpr float kShift = 12'582'912.0f;  // 1.5 · 2^23: the last place of the sum is 1
  return (v + kShift) - kShift;
}

inline float clamp_to(float v, float low, float high) noexcept {
  v = v < low ? low : v;
  return v > high ? high : v;
}

/// Whole numbers from Low to High.
template <int Low, int High>
struct IntegerLevels {
  static constexpr float kLargest = static_cast<float>(-Low > High ? -Low : High);
  static constexpr int kExactSteps = -Low > High ? -Low : High;
  static constexpr bool kIsSymmetric = -Low == High || Low == 0;  // then the scale needs no second sign
  static float nearest(float v) noexcept {
    return round_nearest(clamp_to(v, static_cast<float>(Low), static_cast<float>(High)));
  }
};

/// A table of 16 ascending numbers.
template <const std::int8_t (&Values)[16]>
struct TableLevels {
  static constexpr float kLargest = static_cast<float>(-Values[0] > Values[15] ? -Values[0] : Values[15]);
  static constexpr int kExactSteps = 0;
  static constexpr bool kIsSymmetric = false;
  static float nearest(float v) noexcept { return nearest(v, std::make_index_sequence<15>()); }
  static int index_of(float level) noexcept {
    return static_cast<int>(std::ranges::lower_bound(Values, static_cast<std::int8_t>(level)) - Values);
  }

 private:
  /// Starts at the lowest and steps up past every middle that lies below v. Unrolled by hand: as a loop it
  /// would not become vector code.
  template <std::size_t... K>
  static float nearest(float v, std::index_sequence<K...>) noexcept {
    constexpr float kMiddles[] = {0.5f * static_cast<float>(Values[K] + Values[K + 1])...};
    constexpr float kSteps[] = {static_cast<float>(Values[K + 1] - Values[K])...};
    float level = static_cast<float>(Values[0]);
    ((level += v > kMiddles[K] ? kSteps[K] : 0.0f), ...);
    return level;
  }
};

using Iq4Levels = TableLevels<kIq4Values>;

/// Below this a scale is 0 in half precision whatever multiplies it.
inline constexpr float kTiny = 1e-12f;

/// In half precision, never infinite.
inline std::uint16_t to_half_scale(float scale) noexcept {
  return f32_to_f16(clamp_to(scale, -65'504.0f, 65'504.0f));
}

template <int N>
float largest_magnitude(const float* x) noexcept {
  float largest = 0;
  for (int i = 0; i < N; ++i) largest = std::max(largest, std::abs(x[i]));
  return largest;
}

/// Σ w (x - scale · nearest(x / scale))²
template <typename Levels, int N>
float scale_error(const float* x, const float* w, float scale) noexcept {
#pragma clang fp reassociate(on)
  const float inverse = scale == 0 ? 0 : 1 / scale;
  float sum = 0;
  for (int i = 0; i < N; ++i) {
    const float e = x[i] - scale * Levels::nearest(x[i] * inverse);
    sum += w[i] * e * e;
  }
  return sum;
}

/// A scale and what it is worth: with the levels q nearest to x / scale fixed, the best scale is wxq / wqq
/// and leaves the error Σ w x² - wxq² / wqq.
struct ScaleFit {
  float scale = 0;
  float gain = -1;  // wxq² / wqq
  float wqq = 0;
};

template <typename Levels, int N>
ScaleFit try_scale(const float* x, const float* w, float inverse) noexcept {
#pragma clang fp reassociate(on)
  float wxq = 0;
  float wqq = 0;
  for (int i = 0; i < N; ++i) {
    const float q = Levels::nearest(x[i] * inverse);
    wxq += w[i] * x[i] * q;
    wqq += w[i] * q * q;
  }
  if (wqq <= 0) return {};
  return {wxq / wqq, wxq / wqq * wxq, wqq};
}

/// The largest scale that all x are whole multiples of, if there is one with multiples up to `steps`; else 0.
/// Ends at the first x that doesn't fit, so it costs little.
template <int N>
float common_step(const float* x, float largest, int steps) noexcept {
  for (int j = 1; j <= steps; ++j) {
    const float step = largest / static_cast<float>(j);
    const float inverse = static_cast<float>(j) / largest;
    int i = 0;
    while (i < N && std::abs(x[i] * inverse - round_nearest(x[i] * inverse)) < 1e-4f) ++i;
    if (i == N) return step;
  }
  return 0;
}

/// The scale that minimises Σ w (x - scale · q)² over scale and q, nearly: tries scales around the one that
/// maps the largest |x| to the largest level (both signs where levels aren't symmetric), then improves the
/// best by turns (Lloyd): levels for the scale, scale for the levels.
template <typename Levels, int N>
ScaleFit fit_scale(const float* x, const float* w) noexcept {
  const float largest = largest_magnitude<N>(x);
  if (largest < kTiny) return {0, 0, 0};
  ScaleFit best;
  const auto consider = [&](float inverse) {
    const ScaleFit fit = try_scale<Levels, N>(x, w, inverse);
    if (fit.gain > best.gain) best = fit;
  };
  if constexpr (Levels::kExactSteps > 0) {
    if (const float step = common_step<N>(x, largest, Levels::kExactSteps); step != 0) {
      for (const float scale : {step, -step}) {
        if (scale_error<Levels, N>(x, w, scale) <= 1e-9f * largest * largest) {
          const ScaleFit fit = try_scale<Levels, N>(x, w, 1 / scale);
          return {scale, fit.gain, fit.wqq};
        }
      }
    }
  }
  constexpr int kTries = Levels::kExactSteps > 0 ? 16 : 8;
  for (int k = 0; k <= kTries; ++k) {
    const float level = Levels::kLargest * (0.70f + 0.45f / kTries * static_cast<float>(k));
    consider(level / largest);
    if constexpr (!Levels::kIsSymmetric) consider(-level / largest);
  }
  for (int turn = 0; turn < 6 && best.scale != 0; ++turn) {
    const ScaleFit better = try_scale<Levels, N>(x, w, 1 / best.scale);
    if (better.gain <= best.gain) break;
    best = better;
  }
  return best;
}

/// x ≈ scale · q + base, q from 0 to MaxQ.
struct LineFit {
  float scale = 0;
  float base = 0;
  float error = -1;  // Σ w (x - scale · q - base)²; negative: no fit
};

/// Levels for the given line, then the best line for these levels. A base above 0 is refused when
/// `base_at_most_zero`: the K-quants store its negative without a sign.
template <int MaxQ, int N>
LineFit try_line(const float* x, const float* w, float inverse, float base, bool base_at_most_zero) noexcept {
#pragma clang fp reassociate(on)
  float sw = 0;
  float sq = 0;
  float sqq = 0;
  float sy = 0;
  float syq = 0;
  float syy = 0;
  for (int i = 0; i < N; ++i) {
    const float y = x[i] - base;  // sums of y cancel less than sums of x
    const float q = round_nearest(clamp_to(y * inverse, 0.0f, static_cast<float>(MaxQ)));
    sw += w[i];
    sq += w[i] * q;
    sqq += w[i] * q * q;
    sy += w[i] * y;
    syq += w[i] * y * q;
    syy += w[i] * y * y;
  }
  const float determinant = sw * sqq - sq * sq;
  const bool all_equal = determinant <= 1e-6f * sw * sqq;  // then no line is better than others
  if (sqq <= 0 || (all_equal && !(base_at_most_zero && base == 0))) return {};
  float scale = all_equal ? 0 : (sw * syq - sq * sy) / determinant;
  float shift = all_equal ? 0 : (sqq * sy - sq * syq) / determinant;
  if (all_equal || (base_at_most_zero && base + shift > 0)) {
    shift = -base;
    scale = (syq - shift * sq) / sqq;
  }
  if (scale <= 0) return {};
  const float error = syy - 2 * (scale * syq + shift * sy) + scale * scale * sqq + 2 * scale * shift * sq +
                      shift * shift * sw;
  return {scale, base + shift, std::max(0.0f, error)};
}

/// Σ w (x - scale · q - base)² with the nearest q.
template <int MaxQ, int N>
float line_error(const float* x, const float* w, float scale, float base) noexcept {
#pragma clang fp reassociate(on)
  const float inverse = scale == 0 ? 0 : 1 / scale;
  float sum = 0;
  for (int i = 0; i < N; ++i) {
    const float y = x[i] - base;
    const float e = y - scale * round_nearest(clamp_to(y * inverse, 0.0f, static_cast<float>(MaxQ)));
    sum += w[i] * e * e;
  }
  return sum;
}

/// The line that minimises Σ w (x - scale · q - base)², nearly: tries spans around the whole range of x, then
/// improves the best by turns.
template <int MaxQ, int N>
LineFit fit_line(const float* x, const float* w, bool base_at_most_zero) noexcept {
  const auto [lowest, highest] = std::minmax_element(x, x + N);
  const float low = base_at_most_zero ? std::min(0.0f, *lowest) : *lowest;
  const float range = *highest - low;
  if (range < kTiny || *highest - *lowest < 1e-6f * std::abs(low)) {
    const float middle = base_at_most_zero && *highest > 0 ? 0.0f : *highest;
    if (middle != 0 || range < kTiny) return {0, middle, line_error<MaxQ, N>(x, w, 0, middle)};
  }
  LineFit best;
  const auto consider = [&](float inverse, float base) {
    const LineFit fit = try_line<MaxQ, N>(x, w, inverse, base, base_at_most_zero);
    if (fit.error >= 0 && (best.error < 0 || fit.error < best.error)) best = fit;
  };
  constexpr int kTries = 14;
  for (int k = 0; k <= kTries; ++k) {
    const float span = static_cast<float>(MaxQ) - 0.6f + 0.1f * static_cast<float>(k);
    consider(span / range, low);
    consider(span / range, low + 0.3f * range / span);  // cutting off the ends may pay
    if constexpr (MaxQ <= 3) {
      consider(1.3f * span / range, low + 0.3f * range / MaxQ);
      consider(1.3f * span / range, low + 0.5f * range / MaxQ);
    }
  }
  for (int turn = 0; turn < 6 && best.scale > 0; ++turn) {
    const LineFit better = try_line<MaxQ, N>(x, w, 1 / best.scale, best.base, base_at_most_zero);
    if (better.error < 0 || better.error >= best.error) break;
    best = better;
  }
  return best;
}

}  // namespace quintet
