#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tensor/block_scales.h"
#include "tensor/half.h"
#include "tensor/quantize_blocks.h"
#include "tensor/quantize_fit.h"

/// Blocks of 256 in groups of 16 or 32: each group has a small whole scale (and min) that multiplies one
/// scale of the block in half precision. Both levels are searched together: first the best real scales of the
/// groups, then whole ones, then by turns the block's scale for the groups', the groups' for the block's.
namespace quintet {

namespace {

constexpr int kN = static_cast<int>(kSuperBlock);
constexpr int kTurns = 4;

/// x ≈ d · scale[g] · q
template <typename Levels, int NGroups, int LowScale, int HighScale>
struct ScaledGroups {
  static constexpr int kGroup = kN / NGroups;

  std::uint16_t d_half = 0;
  int scale[NGroups] = {};
  float q[kN] = {};

  void fit(const float* x, const float* w) noexcept {
    if (fit_grid(x, w)) return;
    float wanted[NGroups];
    float weight[NGroups];
    for (int g = 0; g < NGroups; ++g) {
      const ScaleFit group = fit_scale<Levels, kGroup>(x + g * kGroup, w + g * kGroup);
      wanted[g] = group.scale;
      weight[g] = std::max(group.wqq, 1e-3f);
    }
    using Scales = IntegerLevels<LowScale, HighScale>;
    d_half = to_half_scale(fit_scale<Scales, NGroups>(wanted, weight).scale);
    const float d = f16_to_f32(d_half);
    for (int g = 0; g < NGroups; ++g)
      scale[g] = d == 0 ? 0 : static_cast<int>(Scales::nearest(wanted[g] / d));
    float error = improve_groups(x, w);
    for (int turn = 0; turn < kTurns && error > 0; ++turn) {
      ScaledGroups next = *this;
      next.d_half = to_half_scale(best_d(x, w));
      if (next.d_half == d_half) break;
      const float next_error = next.improve_groups(x, w);
      if (next_error >= error) break;
      *this = next;
      error = next_error;
    }
    assign(x);
  }

 private:
  /// As LinedGroups::fit_grid: x that come from such a block give it again. Tables need no help.
  bool fit_grid(const float* x, const float* w) noexcept {
    if constexpr (Levels::kExactSteps == 0) return false;
    float steps[NGroups] = {};
    for (int g = 0; g < NGroups; ++g) {
      const float* group = x + g * kGroup;
      const float largest = largest_magnitude<kGroup>(group);
      if (largest < kTiny) continue;
      steps[g] = common_step<kGroup>(group, largest, Levels::kExactSteps);
      if (steps[g] == 0) return false;
    }
    const float largest_step = largest_magnitude<NGroups>(steps);
    if (largest_step < kTiny) return false;
    const float step = common_step<NGroups>(steps, largest_step, -LowScale * Levels::kExactSteps);
    if (step == 0) return false;
    for (const float d : {step, -step}) {
      d_half = to_half_scale(d);
      if (set_grid(x, w, steps)) {
        assign(x);
        return true;
      }
    }
    return false;
  }

  /// Whole scales for the steps of the groups, if d allows them.
  bool set_grid(const float* x, const float* w, const float* steps) noexcept {
    const float d = f16_to_f32(d_half);
    if (d == 0) return false;
    for (int g = 0; g < NGroups; ++g) {
      bool is_found = false;
      // A group whose levels are all even has a step of twice its scale, and so on.
      for (int part = 1; part <= Levels::kExactSteps && !is_found; ++part) {
        for (const int sign : {1, -1}) {
          const float wanted = static_cast<float>(sign) * steps[g] / (d * static_cast<float>(part));
          scale[g] = static_cast<int>(round_nearest(clamp_to(wanted, LowScale, HighScale)));
          if (std::abs(wanted - static_cast<float>(scale[g])) > 0.05f) continue;
          is_found = group_error(x, w, g, scale[g]) <= 1e-9f * steps[g] * steps[g];
          if (is_found) break;
        }
      }
      if (!is_found) return false;
    }
    return true;
  }

  float group_error(const float* x, const float* w, int g, int tried) const noexcept {
    const float effective = f16_to_f32(d_half) * static_cast<float>(tried);
    return scale_error<Levels, kGroup>(x + g * kGroup, w + g * kGroup, effective);
  }

  /// Moves each group's scale to the best near it; the sum of the errors.
  float improve_groups(const float* x, const float* w) noexcept {
    float total = 0;
    for (int g = 0; g < NGroups; ++g) {
      float error = group_error(x, w, g, scale[g]);
      for (const int step : {1, -1}) {
        for (int tried = scale[g] + step; tried >= LowScale && tried <= HighScale; tried += step) {
          const float tried_error = group_error(x, w, g, tried);
          if (tried_error >= error) break;
          error = tried_error;
          scale[g] = tried;
        }
      }
      total += error;
    }
    return total;
  }

  void assign(const float* x) noexcept {
    const float d = f16_to_f32(d_half);
    for (int g = 0; g < NGroups; ++g) {
      const float effective = d * static_cast<float>(scale[g]);
      const float inverse = effective == 0 ? 0 : 1 / effective;
      for (int i = g * kGroup; i < (g + 1) * kGroup; ++i) q[i] = Levels::nearest(x[i] * inverse);
    }
  }

  /// The block's scale by least squares for the groups' scales and the levels that they give.
  float best_d(const float* x, const float* w) noexcept {
    assign(x);
    float wxa = 0;
    float waa = 0;
    for (int i = 0; i < kN; ++i) {
      const float a = static_cast<float>(scale[i / kGroup]) * q[i];
      wxa += w[i] * x[i] * a;
      waa += w[i] * a * a;
    }
    return waa == 0 ? 0 : wxa / waa;
  }
};

/// x ≈ d · scale[g] · q - dmin · min[g], q from 0 to MaxQ.
template <int MaxQ, int NGroups, int MaxScale>
struct LinedGroups {
  static constexpr int kGroup = kN / NGroups;

  std::uint16_t d_half = 0;
  std::uint16_t dmin_half = 0;
  int scale[NGroups] = {};
  int min[NGroups] = {};
  float q[kN] = {};

  void fit(const float* x, const float* w) noexcept {
    if (fit_grid(x, w)) return;
    float scales[NGroups];
    float mins[NGroups];
    float weights[NGroups];
    for (int g = 0; g < NGroups; ++g) {
      const LineFit line = fit_line<MaxQ, kGroup>(x + g * kGroup, w + g * kGroup, true);
      scales[g] = line.scale;
      mins[g] = -line.base;
      weights[g] = 0;
      for (int i = g * kGroup; i < (g + 1) * kGroup; ++i) weights[g] += w[i];
    }
    using Scales = IntegerLevels<0, MaxScale>;
    d_half = to_half_scale(fit_scale<Scales, NGroups>(scales, weights).scale);
    dmin_half = to_half_scale(fit_scale<Scales, NGroups>(mins, weights).scale);
    const float d = f16_to_f32(d_half);
    const float dmin = f16_to_f32(dmin_half);
    for (int g = 0; g < NGroups; ++g) {
      scale[g] = d == 0 ? 0 : static_cast<int>(Scales::nearest(scales[g] / d));
      min[g] = dmin == 0 ? 0 : static_cast<int>(Scales::nearest(mins[g] / dmin));
    }
    float error = improve_groups(x, w);
    for (int turn = 0; turn < kTurns && error > 0; ++turn) {
      LinedGroups next = *this;
      next.refit(x, w);
      if (next.d_half == d_half && next.dmin_half == dmin_half) break;
      const float next_error = next.improve_groups(x, w);
      if (next_error >= error) break;
      *this = next;
      error = next_error;
    }
    assign(x);
  }

 private:
  /// For x that are exactly what such a block stands for (a model that was quantized before): finds the
  /// numbers of that block again, which a search would nearly always miss by a little.
  bool fit_grid(const float* x, const float* w) noexcept {
    float steps[NGroups];
    float lowest[NGroups];
    float range[NGroups];
    float known_mins[NGroups] = {};
    for (int g = 0; g < NGroups; ++g) {
      const auto [low, high] = std::minmax_element(x + g * kGroup, x + (g + 1) * kGroup);
      lowest[g] = *low;
      range[g] = *high - *low;
      steps[g] = 0;
      if (range[g] >= kTiny) {
        float above[kGroup];
        for (int i = 0; i < kGroup; ++i) above[i] = x[g * kGroup + i] - *low;
        steps[g] = common_step<kGroup>(above, range[g], MaxQ);
        if (steps[g] == 0) return false;
      }
      // All levels are used, so the lowest is 0.
      if (range[g] > steps[g] * (static_cast<float>(MaxQ) - 0.5f)) known_mins[g] = -*low;
    }
    const float largest_step = largest_magnitude<NGroups>(steps);
    const float largest_min = largest_magnitude<NGroups>(known_mins);
    if (largest_step < kTiny || largest_min < kTiny) return false;
    // A group whose levels are all even has a step of twice its scale, and so on.
    const float step = common_step<NGroups>(steps, largest_step, MaxScale * MaxQ);
    if (step == 0) return false;
    d_half = to_half_scale(step);
    for (int j = 1; j <= MaxScale; ++j) {
      dmin_half = to_half_scale(largest_min / static_cast<float>(j));
      if (!set_grid(steps, lowest, range)) continue;
      if (total_error(x, w) > 1e-10f * largest_min * largest_min) continue;
      assign(x);
      return true;
    }
    return false;
  }

  /// Whole scales and mins for the steps and the lowest x of the groups, if d and dmin allow them.
  bool set_grid(const float* steps, const float* lowest, const float* range) noexcept {
    constexpr float kNear = 2e-3f;
    const float d = f16_to_f32(d_half);
    const float dmin = f16_to_f32(dmin_half);
    if (d == 0 || dmin == 0) return false;
    for (int g = 0; g < NGroups; ++g) {
      min[g] = -1;
      for (int part = 1; part <= MaxQ && min[g] < 0; ++part) {
        const float step = steps[g] / static_cast<float>(part);
        const int used = step == 0 ? 0 : static_cast<int>(round_nearest(range[g] / step));
        scale[g] = static_cast<int>(round_nearest(step / d));
        if (used > MaxQ) break;
        if (scale[g] > MaxScale || std::abs(step / d - static_cast<float>(scale[g])) > 0.05f) continue;
        for (int lowest_level = 0; lowest_level <= MaxQ - used && min[g] < 0; ++lowest_level) {
          const float wanted = (step * static_cast<float>(lowest_level) - lowest[g]) / dmin;
          const float whole = round_nearest(wanted);
          if (std::abs(wanted - whole) < kNear && whole >= 0 && whole <= MaxScale)
            min[g] = static_cast<int>(whole);
        }
      }
      if (min[g] < 0) return false;
    }
    return true;
  }

  float total_error(const float* x, const float* w) const noexcept {
    float total = 0;
    for (int g = 0; g < NGroups; ++g) total += group_error(x, w, g, scale[g], min[g]);
    return total;
  }

  float group_error(const float* x, const float* w, int g, int tried_scale, int tried_min) const noexcept {
    const float effective = f16_to_f32(d_half) * static_cast<float>(tried_scale);
    const float base = -(f16_to_f32(dmin_half) * static_cast<float>(tried_min));
    return line_error<MaxQ, kGroup>(x + g * kGroup, w + g * kGroup, effective, base);
  }

  /// Moves each group's scale and min to the best near them; the sum of the errors.
  float improve_groups(const float* x, const float* w) noexcept {
    constexpr int kSteps[][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}};
    float total = 0;
    for (int g = 0; g < NGroups; ++g) {
      float error = group_error(x, w, g, scale[g], min[g]);
      for (bool has_moved = true; has_moved && error > 0;) {
        has_moved = false;
        int best_scale = scale[g];
        int best_min = min[g];
        for (const auto& step : kSteps) {
          const int tried_scale = scale[g] + step[0];
          const int tried_min = min[g] + step[1];
          if (tried_scale < 0 || tried_scale > MaxScale || tried_min < 0 || tried_min > MaxScale) continue;
          const float tried_error = group_error(x, w, g, tried_scale, tried_min);
          if (tried_error >= error) continue;
          error = tried_error;
          best_scale = tried_scale;
          best_min = tried_min;
          has_moved = true;
        }
        scale[g] = best_scale;
        min[g] = best_min;
      }
      total += error;
    }
    return total;
  }

  void assign(const float* x) noexcept {
    for (int g = 0; g < NGroups; ++g) {
      const float effective = f16_to_f32(d_half) * static_cast<float>(scale[g]);
      const float base = -(f16_to_f32(dmin_half) * static_cast<float>(min[g]));
      const float inverse = effective == 0 ? 0 : 1 / effective;
      for (int i = g * kGroup; i < (g + 1) * kGroup; ++i)
        q[i] = round_nearest(clamp_to((x[i] - base) * inverse, 0.0f, static_cast<float>(MaxQ)));
    }
  }

  /// d and dmin by least squares for the groups' numbers and the levels that they give.
  void refit(const float* x, const float* w) noexcept {
    assign(x);
    float aa = 0;
    float ab = 0;
    float bb = 0;
    float ax = 0;
    float bx = 0;
    for (int i = 0; i < kN; ++i) {
      const float a = static_cast<float>(scale[i / kGroup]) * q[i];
      const auto b = static_cast<float>(-min[i / kGroup]);
      aa += w[i] * a * a;
      ab += w[i] * a * b;
      bb += w[i] * b * b;
      ax += w[i] * a * x[i];
      bx += w[i] * b * x[i];
    }
    const float determinant = aa * bb - ab * ab;
    if (determinant > 1e-6f * aa * bb) {
      const float d = (ax * bb - bx * ab) / determinant;
      const float dmin = (bx * aa - ax * ab) / determinant;
      if (d > 0 && dmin >= 0) {
        d_half = to_half_scale(d);
        dmin_half = to_half_scale(dmin);
      }
    } else if (aa > 0 && bb == 0 && ax > 0) {
      d_half = to_half_scale(ax / aa);
    }
  }
};

/// Two bits of each level, as q2_k and q3_k lay them out.
void pack_2_bits(const std::uint8_t (&q)[kN], std::uint8_t (&qs)[64]) noexcept {
  for (int half = 0; half < 2; ++half) {
    for (int l = 0; l < 32; ++l) {
      int byte = 0;
      for (int s = 0; s < 4; ++s) byte |= (q[128 * half + 32 * s + l] & 3) << (2 * s);
      qs[32 * half + l] = static_cast<std::uint8_t>(byte);
    }
  }
}

/// Four bits of each level, as q4_k and q5_k lay them out.
void pack_4_bits(const float (&q)[kN], std::uint8_t (&qs)[128]) noexcept {
  for (int pair = 0; pair < 4; ++pair) {
    for (int l = 0; l < 32; ++l) {
      const int low = static_cast<int>(q[64 * pair + l]) & 15;
      const int high = static_cast<int>(q[64 * pair + 32 + l]) & 15;
      qs[32 * pair + l] = static_cast<std::uint8_t>(low | high << 4);
    }
  }
}

template <int MaxQ>
ScalesAndMins to_packed(const LinedGroups<MaxQ, 8, 63>& groups) noexcept {
  ScalesAndMins result;
  for (int g = 0; g < 8; ++g) {
    result.scale[g] = static_cast<std::uint8_t>(groups.scale[g]);
    result.min[g] = static_cast<std::uint8_t>(groups.min[g]);
  }
  return result;
}

}  // namespace

void quantize_block(const float* x, const float* w, BlockQ2_K& block) noexcept {
  LinedGroups<3, 16, 15> groups;
  groups.fit(x, w);
  block.d = groups.d_half;
  block.dmin = groups.dmin_half;
  for (int g = 0; g < 16; ++g)
    block.scales[g] = static_cast<std::uint8_t>(groups.scale[g] | groups.min[g] << 4);
  std::uint8_t q[kN];
  for (int i = 0; i < kN; ++i) q[i] = static_cast<std::uint8_t>(groups.q[i]);
  pack_2_bits(q, block.qs);
}

void quantize_block(const float* x, const float* w, BlockQ3_K& block) noexcept {
  ScaledGroups<IntegerLevels<-4, 3>, 16, -32, 31> groups;
  groups.fit(x, w);
  block.d = groups.d_half;
  ScalesQ3 scales;
  for (int g = 0; g < 16; ++g) scales.scale[g] = static_cast<std::uint8_t>(groups.scale[g] + 32);
  pack_scales_q3(scales, block.scales);
  std::uint8_t q[kN];
  for (int i = 0; i < kN; ++i) q[i] = static_cast<std::uint8_t>(groups.q[i] + 4);
  pack_2_bits(q, block.qs);
  for (int l = 0; l < 32; ++l) {
    int byte = 0;
    for (int k = 0; k < 8; ++k) byte |= (q[32 * k + l] >> 2) << k;
    block.hmask[l] = static_cast<std::uint8_t>(byte);
  }
}

void quantize_block(const float* x, const float* w, BlockQ4_K& block) noexcept {
  LinedGroups<15, 8, 63> groups;
  groups.fit(x, w);
  block.d = groups.d_half;
  block.dmin = groups.dmin_half;
  pack_scales_k4(to_packed(groups), block.scales);
  pack_4_bits(groups.q, block.qs);
}

void quantize_block(const float* x, const float* w, BlockQ5_K& block) noexcept {
  LinedGroups<31, 8, 63> groups;
  groups.fit(x, w);
  block.d = groups.d_half;
  block.dmin = groups.dmin_half;
  pack_scales_k4(to_packed(groups), block.scales);
  pack_4_bits(groups.q, block.qs);
  for (int l = 0; l < 32; ++l) {
    int byte = 0;
    for (int g = 0; g < 8; ++g) byte |= (static_cast<int>(groups.q[32 * g + l]) >> 4) << g;
    block.qh[l] = static_cast<std::uint8_t>(byte);
  }
}

void quantize_block(const float* x, const float* w, BlockQ6_K& block) noexcept {
  ScaledGroups<IntegerLevels<-32, 31>, 16, -128, 127> groups;
  groups.fit(x, w);
  block.d = groups.d_half;
  for (int g = 0; g < 16; ++g) block.scales[g] = static_cast<std::int8_t>(groups.scale[g]);
  for (int half = 0; half < 2; ++half) {
    for (int l = 0; l < 32; ++l) {
      int q[4];
      for (int k = 0; k < 4; ++k) q[k] = static_cast<int>(groups.q[128 * half + 32 * k + l]) + 32;
      block.ql[64 * half + l] = static_cast<std::uint8_t>((q[0] & 15) | (q[2] & 15) << 4);
      block.ql[64 * half + 32 + l] = static_cast<std::uint8_t>((q[1] & 15) | (q[3] & 15) << 4);
      block.qh[32 * half + l] =
          static_cast<std::uint8_t>(q[0] >> 4 | (q[1] >> 4) << 2 | (q[2] >> 4) << 4 | (q[3] >> 4) << 6);
    }
  }
}

void quantize_block(const float* x, const float* w, BlockIQ4_XS& block) noexcept {
  ScaledGroups<Iq4Levels, 8, -32, 31> groups;
  groups.fit(x, w);
  block.d = groups.d_half;
  std::memset(block.scales_l, 0, sizeof block.scales_l);
  int high_pairs = 0;
  for (int g = 0; g < 8; ++g) {
    const int stored = groups.scale[g] + 32;
    block.scales_l[g / 2] |= static_cast<std::uint8_t>((stored & 15) << (4 * (g % 2)));
    high_pairs |= (stored >> 4) << (2 * g);
    for (int i = 0; i < 16; ++i) {
      const int low = Iq4Levels::index_of(groups.q[32 * g + i]);
      const int high = Iq4Levels::index_of(groups.q[32 * g + 16 + i]);
      block.qs[16 * g + i] = static_cast<std::uint8_t>(low | high << 4);
    }
  }
  block.scales_h = static_cast<std::uint16_t>(high_pairs);
}

}  // namespace quintet
