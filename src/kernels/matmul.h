#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/packed_format.h"

namespace quintet::kernels {

/// Up to kMaxTile rows of activations, laid out so that a kernel walks one pointer. `T` is the number of
/// rows.
///   f32 and f16 weights  floats [k][T]
///   bf16 weights         rounded to bf16, as MatmulTable::half_form says
///   quantized weights    codes  [k / 4][T][4], or [k / 32][T][32] where T is 16 (code_index), with their
///   scales
///                        and sums:  x ≈ d · q, |q| <= 127
struct ActivationTile {
  const float* floats = nullptr;
  const std::uint16_t* halves = nullptr;  // bf16 bits
  const std::int8_t* codes = nullptr;
  const float* scales = nullptr;                // [k / 32][T]
  const std::int32_t* negative_sums = nullptr;  // [k / 16][T]: -(sum of 16 codes)
  const float* scaled_sums = nullptr;           // [k / 32][T]: d · (sum of 32 codes)
};
inline constexpr std::size_t kMaxTile = 16;

/// Where column k of row t of T rows lies among the codes.
constexpr std::size_t code_index(std::size_t T, std::size_t t, std::size_t k) noexcept {
  return T == 16 ? (k / kBlock * T + t) * kBlock + k % kBlock : (k / 4 * T + t) * 4 + k % 4;
}

/// How activations for bf16 weights lie; all are padded with zeros to whole units.
enum class HalfForm : std::uint8_t {
  pairs,   // bf16  [k / 2][T][2], as vdpbf16ps reads them
  blocks,  // bf16  [k / 32][T][32], a tile's rows
  floats   // f32   [k][T], rounded to bf16; an even number of columns
};
constexpr std::size_t half_unit(HalfForm form) noexcept {
  return form == HalfForm::blocks ? kBlock : 2;
}
/// Where column k of row t of T rows lies.
constexpr std::size_t half_index(HalfForm form, std::size_t T, std::size_t t, std::size_t k) noexcept {
  switch (form) {
    case HalfForm::pairs: return (k / 2 * T + t) * 2 + k % 2;
    case HalfForm::blocks: return (k / kBlock * T + t) * kBlock + k % kBlock;
    case HalfForm::floats: return k * T + t;
  }
  return 0;
}

/// Consecutive panels of a packed matrix.
struct PanelView {
  const std::uint8_t* codes = nullptr;   // of the first, or its floats
  const std::uint8_t* scales = nullptr;  // of quantized types
  std::size_t n_cols = 0;
  std::size_t stride = 0;  // bytes from one panel to the next
  std::size_t n_panels = 1;

  PanelView at(std::size_t p) const noexcept {
    return {codes + p * stride, scales + p * stride, n_cols, stride, 1};
  }
};

/// y[t][16 · p + row] = sum over k of x[t][k] · w of panel p; rows of y are `y_stride` floats apart. Each
/// output is summed in the order of the columns, whatever T is, so a row's result does not depend on the rows
/// beside it.
using TileFunction = void (*)(const PanelView& panels, const ActivationTile& x, float* y,
                              std::size_t y_stride) noexcept;

/// tile[i] handles 2^i rows; nothing where the type is not a weight type. Tiles of 16 rows are there only
/// where they pay.
struct MatmulFunctions {
  TileFunction tile[5] = {};
};

struct MatmulTable {
  std::string_view isa;
  bool (*supported)() noexcept;
  MatmulFunctions (*functions)(DType type) noexcept;
  /// Codes, scales and sums of one row of activations: the layout above with T = 1, n a multiple of 32.
  /// Rounds to nearest, ties to even; every table gives the same bytes. A block with a NaN or an infinity has
  /// codes of 0 and a scale of NaN, so that all products with the row are NaN, as they are where nothing is
  /// quantized.
  void (*quantize_row)(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                       std::int32_t* negative_sums, float* scaled_sums) noexcept;
  HalfForm half_form = HalfForm::floats;
};

/// Best first; "ref" is last and always runs.
std::span<const MatmulTable> matmul_tables() noexcept;

/// The first supported table, or exactly the one named. Throws InvalidArgument for an unknown or unsupported
/// name.
const MatmulTable& select_matmul(std::string_view isa);

namespace ref {
MatmulFunctions matmul_functions(DType type) noexcept;
void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                  std::int32_t* negative_sums, float* scaled_sums) noexcept;
}  // namespace ref
namespace avx2 {
bool supported() noexcept;
MatmulFunctions matmul_functions(DType type) noexcept;
void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                  std::int32_t* negative_sums, float* scaled_sums) noexcept;
}  // namespace avx2
namespace avxvnni {
bool supported() noexcept;
MatmulFunctions matmul_functions(DType type) noexcept;
}  // namespace avxvnni
namespace avx512 {
bool supported() noexcept;
MatmulFunctions matmul_functions(DType type) noexcept;
/// What bf16 weights get on a processor without AVX512-BF16.
MatmulFunctions bf16_functions_by_f32() noexcept;
void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                  std::int32_t* negative_sums, float* scaled_sums) noexcept;
}  // namespace avx512
namespace amx {
bool supported() noexcept;
MatmulFunctions matmul_functions(DType type) noexcept;
}  // namespace amx

}  // namespace quintet::kernels
