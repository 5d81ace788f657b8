// The portable kernels: what the packed layout means, in plain loops over the 16 rows of a panel that any
// compiler turns into whatever vectors the baseline has.
#include "kernels/matmul.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/packed_block.h"

namespace quintet::kernels::ref {

namespace {

template <DType D, std::size_t T>
void quantized_panel(const PanelView& panel, const ActivationTile& x, float* y,
                     std::size_t y_stride) noexcept {
  using Format = PackedFormat<D>;
  float sums[T][kPanelRows] = {};
  for (std::size_t b = 0; b < panel.n_cols / kBlock; ++b) {
    const std::uint8_t* codes = panel.codes + b * Format::kCodeBytes;
    for (std::size_t g = 0; g < Format::kGroups; ++g) {
      PackedScale of_rows[kPanelRows];
      for (std::size_t r = 0; r < kPanelRows; ++r) of_rows[r] = packed_scale<Format>(panel.scales, b, g, r);
      for (std::size_t t = 0; t < T; ++t) {
        std::int32_t dots[kPanelRows] = {};
        std::int32_t sum = 0;
        for (std::size_t k = g * Format::kGroup; k < (g + 1) * Format::kGroup; ++k) {
          const int q = x.codes[((b * kBlock + k) / 4 * T + t) * 4 + k % 4];
          sum += q;
          for (std::size_t r = 0; r < kPanelRows; ++r) dots[r] += q * packed_code<Format>(codes, k, r);
        }
        if constexpr (Format::kOffsetLog2 >= 0)
          for (auto& dot : dots) dot -= sum * (1 << Format::kOffsetLog2);
        const float d = x.scales[b * T + t];
        const float scaled_sum = d * static_cast<float>(sum);
        for (std::size_t r = 0; r < kPanelRows; ++r) {
          sums[t][r] = std::fma(static_cast<float>(dots[r]), of_rows[r].scale * d, sums[t][r]);
          if constexpr (Format::kHasMin) sums[t][r] = std::fma(of_rows[r].min, scaled_sum, sums[t][r]);
        }
      }
    }
  }
  for (std::size_t t = 0; t < T; ++t) std::memcpy(y + t * y_stride, sums[t], sizeof sums[t]);
}

template <std::size_t T>
void f32_panel(const PanelView& panel, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  float sums[T][kPanelRows] = {};
  const auto* weights = reinterpret_cast<const float*>(panel.codes);
  for (std::size_t k = 0; k < panel.n_cols; ++k)
    for (std::size_t t = 0; t < T; ++t)
      for (std::size_t r = 0; r < kPanelRows; ++r)
        sums[t][r] = std::fma(x.floats[k * T + t], weights[k * kPanelRows + r], sums[t][r]);
  for (std::size_t t = 0; t < T; ++t) std::memcpy(y + t * y_stride, sums[t], sizeof sums[t]);
}

template <std::size_t T>
void f16_panel(const PanelView& panel, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  float sums[T][kPanelRows] = {};
  for (std::size_t k = 0; k < panel.n_cols; ++k) {
    float weights[kPanelRows];
    for (std::size_t r = 0; r < kPanelRows; ++r)
      weights[r] = f16_to_f32(load_u16(panel.codes + 2 * (k * kPanelRows + r)));
    for (std::size_t t = 0; t < T; ++t)
      for (std::size_t r = 0; r < kPanelRows; ++r)
        sums[t][r] = std::fma(x.floats[k * T + t], weights[r], sums[t][r]);
  }
  for (std::size_t t = 0; t < T; ++t) std::memcpy(y + t * y_stride, sums[t], sizeof sums[t]);
}

template <std::size_t T>
void bf16_panel(const PanelView& panel, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  float sums[T][kPanelRows] = {};
  for (std::size_t pair = 0; pair < (panel.n_cols + 1) / 2; ++pair)
    for (std::size_t t = 0; t < T; ++t)
      for (std::size_t r = 0; r < kPanelRows; ++r)
        for (std::size_t i = 0; i < 2; ++i) {
          const float w = bf16_to_f32(load_u16(panel.codes + 2 * ((pair * kPanelRows + r) * 2 + i)));
          sums[t][r] = std::fma(x.floats[(2 * pair + i) * T + t], w, sums[t][r]);
        }
  for (std::size_t t = 0; t < T; ++t) std::memcpy(y + t * y_stride, sums[t], sizeof sums[t]);
}

template <auto Panel>
void each_panel(const PanelView& panels, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  for (std::size_t p = 0; p < panels.n_panels; ++p) Panel(panels.at(p), x, y + p * kPanelRows, y_stride);
}

}  // namespace

MatmulFunctions matmul_functions(DType type) noexcept {
  MatmulFunctions functions;
  switch (type) {
    case DType::f32:
      return {{each_panel<f32_panel<1>>, each_panel<f32_panel<2>>, each_panel<f32_panel<4>>,
               each_panel<f32_panel<8>>}};
    case DType::f16:
      return {{each_panel<f16_panel<1>>, each_panel<f16_panel<2>>, each_panel<f16_panel<4>>,
               each_panel<f16_panel<8>>}};
    case DType::bf16:
      return {{each_panel<bf16_panel<1>>, each_panel<bf16_panel<2>>, each_panel<bf16_panel<4>>,
               each_panel<bf16_panel<8>>}};
    default: break;
  }
  with_packed_format(type, [&]<DType D>() {
    functions = {{each_panel<quantized_panel<D, 1>>, each_panel<quantized_panel<D, 2>>,
                  each_panel<quantized_panel<D, 4>>, each_panel<quantized_panel<D, 8>>}};
  });
  return functions;
}

void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                  std::int32_t* negative_sums, float* scaled_sums) noexcept {
  for (std::size_t b = 0; b < n / kBlock; ++b) {
    const float* block = x + b * kBlock;
    std::uint32_t largest_bits = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
      largest_bits = std::max(largest_bits, std::bit_cast<std::uint32_t>(block[i]) & 0x7FFF'FFFF);
    if (largest_bits >= kInfinityBits) {
      std::fill_n(codes + b * kBlock, kBlock, std::int8_t{0});
      negative_sums[b * 2] = negative_sums[b * 2 + 1] = 0;
      scales[b] = scaled_sums[b] = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const auto largest = std::bit_cast<float>(largest_bits);
    const bool is_zero = largest < kSmallestMaximum;
    const float d = is_zero ? 0.0f : largest / 127.0f;
    const float inverse = is_zero ? 0.0f : 127.0f / largest;
    std::int32_t sum = 0;
    for (std::size_t half = 0; half < 2; ++half) {
      std::int32_t half_sum = 0;
      for (std::size_t i = half * 16; i < half * 16 + 16; ++i) {
        const auto q = static_cast<std::int32_t>(std::nearbyint(block[i] * inverse));
        codes[b * kBlock + i] = static_cast<std::int8_t>(q);
        half_sum += q;
      }
      negative_sums[b * 2 + half] = -half_sum;
      sum += half_sum;
    }
    scales[b] = d;
    scaled_sums[b] = d * static_cast<float>(sum);
  }
}

}  // namespace quintet::kernels::ref
