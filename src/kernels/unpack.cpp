#include "kernels/packed_block.h"
#include "kernels/packed_matrix.h"

// As in dequantize.cpp: products are exact, so only the last addition rounds, fused or not; off all the same.
#pragma STDC FP_CONTRACT OFF

namespace quintet::kernels {

namespace {

template <DType D>
void unpack_quantized(const PanelView& panel, std::size_t r, float* out) noexcept {
  using Format = PackedFormat<D>;
  constexpr int kOffset = Format::kOffsetLog2 >= 0 ? 1 << (Format::kOffsetLog2 & 7) : 0;
  for (std::size_t b = 0; b < panel.n_cols / kBlock; ++b) {
    const std::uint8_t* codes = panel.codes + b * Format::kCodeBytes;
    for (std::size_t g = 0; g < Format::kGroups; ++g) {
      const PackedScale of_group = packed_scale<Format>(panel.scales, b, g, r);
      for (std::size_t k = g * Format::kGroup; k < (g + 1) * Format::kGroup; ++k) {
        float value = of_group.scale * static_cast<float>(packed_code<Format>(codes, k, r) - kOffset);
        if constexpr (Format::kHasMin) value += of_group.min;
        out[b * kBlock + k] = value;
      }
    }
  }
}

}  // namespace

void dequantize_packed_row(const PackedMatrix& packed, std::size_t row, float* out) noexcept {
  const PanelView panel = packed.panel(row / kPanelRows);
  const std::size_t r = row % kPanelRows;
  switch (packed.dtype()) {
    case DType::f32:
      for (std::size_t k = 0; k < panel.n_cols; ++k)
        std::memcpy(out + k, panel.codes + 4 * (k * kPanelRows + r), sizeof *out);
      return;
    case DType::f16:
      for (std::size_t k = 0; k < panel.n_cols; ++k)
        out[k] = f16_to_f32(load_u16(panel.codes + 2 * (k * kPanelRows + r)));
      return;
    case DType::bf16:
      for (std::size_t k = 0; k < panel.n_cols; ++k)
        out[k] = bf16_to_f32(load_u16(panel.codes + 2 * ((k / 2 * kPanelRows + r) * 2 + k % 2)));
      return;
    default: with_packed_format(packed.dtype(), [&]<DType D>() { unpack_quantized<D>(panel, r, out); });
  }
}

}  // namespace quintet::kernels
