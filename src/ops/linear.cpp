#include "ops/linear.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

#include "core/error.h"
#include "core/text.h"
#include "tensor/half.h"

namespace quintet {

namespace {

using kernels::ActivationTile;
using kernels::kBlock;
using kernels::kMaxTile;
using kernels::kPanelRows;
using kernels::PackedMatrix;

enum class InputForm : std::uint8_t { floats, halves, codes };

InputForm input_form(DType weight_type) noexcept {
  switch (weight_type) {
    case DType::f32:
    case DType::f16: return InputForm::floats;
    case DType::bf16: return InputForm::halves;
    default: return InputForm::codes;
  }
}

/// The rows of x cut into tiles of 16 or 8, then 4, 2 and 1, each in the form that kernels read.
struct Tiles {
  struct Tile {
    std::size_t first_row = 0;
    std::size_t n_rows = 0;  // a power of two
    ActivationTile by_form[3];
  };
  std::span<Tile> tiles;
};

std::size_t count_tiles(std::size_t n_rows, std::size_t largest) noexcept {
  return n_rows / largest + static_cast<std::size_t>(std::popcount(n_rows % largest));
}

struct CodeMemory {
  std::span<std::int8_t> codes;
  std::span<float> scales;
  std::span<std::int32_t> negative_sums;
  std::span<float> scaled_sums;

  CodeMemory(Scratch& scratch, std::size_t n_rows, std::size_t n_cols)
      : codes(scratch.take<std::int8_t>(n_rows * n_cols)),
        scales(scratch.take<float>(n_rows * (n_cols / kBlock))),
        negative_sums(scratch.take<std::int32_t>(n_rows * (n_cols / kBlock) * 2)),
        scaled_sums(scratch.take<float>(n_rows * (n_cols / kBlock))) {}
};

/// Quantizes a tile's rows; with several, interleaves them.
void fill_codes(const kernels::MatmulTable& kernels, MatrixView<const float> x, std::size_t first,
                std::size_t t_rows, const CodeMemory& row_memory, const CodeMemory& memory) {
  const std::size_t n = x.cols, n_blocks = n / kBlock;
  if (t_rows == 1) {
    kernels.quantize_row(
        x.row(first).data(), n, memory.codes.data() + first * n, memory.scales.data() + first * n_blocks,
        memory.negative_sums.data() + first * n_blocks * 2, memory.scaled_sums.data() + first * n_blocks);
    return;
  }
  std::int8_t* codes = memory.codes.data() + first * n;
  float* scales = memory.scales.data() + first * n_blocks;
  std::int32_t* negative_sums = memory.negative_sums.data() + first * n_blocks * 2;
  float* scaled_sums = memory.scaled_sums.data() + first * n_blocks;
  for (std::size_t t = 0; t < t_rows; ++t) {
    kernels.quantize_row(x.row(first + t).data(), n, row_memory.codes.data(), row_memory.scales.data(),
                         row_memory.negative_sums.data(), row_memory.scaled_sums.data());
    if (t_rows == 16) {
      for (std::size_t k = 0; k < n; k += kBlock)
        std::memcpy(codes + kernels::code_index(16, t, k), row_memory.codes.data() + k, kBlock);
    } else {
      for (std::size_t k = 0; k < n; k += 4)
        std::memcpy(codes + kernels::code_index(t_rows, t, k), row_memory.codes.data() + k, 4);
    }
    for (std::size_t b = 0; b < n_blocks; ++b) {
      scales[b * t_rows + t] = row_memory.scales[b];
      scaled_sums[b * t_rows + t] = row_memory.scaled_sums[b];
      negative_sums[2 * b * t_rows + t] = row_memory.negative_sums[2 * b];
      negative_sums[(2 * b + 1) * t_rows + t] = row_memory.negative_sums[2 * b + 1];
    }
  }
}

void fill_floats(MatrixView<const float> x, std::size_t first, std::size_t t_rows, float* out) {
  for (std::size_t t = 0; t < t_rows; ++t) {
    const float* row = x.row(first + t).data();
    for (std::size_t k = 0; k < x.cols; ++k) out[k * t_rows + t] = row[k];
  }
}

/// `Element` is float or the bits of a bf16.
template <typename Element>
void fill_halves(MatrixView<const float> x, kernels::HalfForm form, std::size_t n_padded, std::size_t first,
                 std::size_t t_rows, Element* out) {
  for (std::size_t t = 0; t < t_rows; ++t) {
    const float* row = x.row(first + t).data();
    for (std::size_t k = 0; k < n_padded; ++k) {
      const std::uint16_t half = k < x.cols ? f32_to_bf16(row[k]) : std::uint16_t{0};
      Element& element = out[kernels::half_index(form, t_rows, t, k)];
      if constexpr (std::is_same_v<Element, float>) {
        element = bf16_to_f32(half);
      } else {
        element = half;
      }
    }
  }
}

Tiles prepare(Compute& compute, MatrixView<const float> x, const bool (&wanted)[3], std::size_t largest) {
  Tiles result;
  result.tiles = compute.scratch.take<Tiles::Tile>(count_tiles(x.rows, largest));
  std::size_t n_tiles = 0;
  for (std::size_t row = 0, size = largest; row < x.rows;) {
    while (size > x.rows - row) size /= 2;
    result.tiles[n_tiles] = Tiles::Tile{row, size, {}};
    row += size;
    ++n_tiles;
  }
  const kernels::HalfForm half_form = compute.matmul.half_form;
  const bool has_floats = half_form == kernels::HalfForm::floats;
  const std::size_t unit = kernels::half_unit(half_form);
  const std::size_t n_halves = (x.cols + unit - 1) / unit * unit;
  std::span<float> floats, rounded;
  std::span<std::uint16_t> halves;
  if (wanted[0]) floats = compute.scratch.take<float>(x.rows * x.cols);
  if (wanted[1] && has_floats) rounded = compute.scratch.take<float>(x.rows * n_halves);
  if (wanted[1] && !has_floats) halves = compute.scratch.take<std::uint16_t>(x.rows * n_halves);
  const bool has_codes = wanted[2];
  const CodeMemory codes(compute.scratch, has_codes ? x.rows : 0, x.cols);
  // Interleaving needs one row of memory for each thread.
  const bool interleaves = has_codes && x.rows > 1;
  std::span<CodeMemory> of_threads;
  if (interleaves) {
    of_threads = compute.scratch.take<CodeMemory>(compute.team.size());
    for (CodeMemory& memory : of_threads) memory = CodeMemory(compute.scratch, 1, x.cols);
  }
  const auto fill = [&](std::size_t i, std::size_t thread) {
    Tiles::Tile& tile = result.tiles[i];
    const std::size_t first = tile.first_row, n_blocks = x.cols / kBlock;
    if (wanted[0]) {
      fill_floats(x, first, tile.n_rows, floats.data() + first * x.cols);
      tile.by_form[0].floats = floats.data() + first * x.cols;
    }
    if (wanted[1] && has_floats) {
      fill_halves(x, half_form, n_halves, first, tile.n_rows, rounded.data() + first * n_halves);
      tile.by_form[1].floats = rounded.data() + first * n_halves;
    } else if (wanted[1]) {
      fill_halves(x, half_form, n_halves, first, tile.n_rows, halves.data() + first * n_halves);
      tile.by_form[1].halves = halves.data() + first * n_halves;
    }
    if (has_codes) {
      fill_codes(compute.matmul, x, first, tile.n_rows, interleaves ? of_threads[thread] : codes, codes);
      ActivationTile& form = tile.by_form[2];
      form.codes = codes.codes.data() + first * x.cols;
      form.scales = codes.scales.data() + first * n_blocks;
      form.negative_sums = codes.negative_sums.data() + first * n_blocks * 2;
      form.scaled_sums = codes.scaled_sums.data() + first * n_blocks;
    }
  };
  compute.team.for_each(n_tiles, fill);
  return result;
}

// A task is a run of panels of one matrix: large enough that taking it costs nothing, small enough that
// threads end together and that its weights stay in the second-level cache while the tiles pass by.
constexpr std::size_t kTaskBytes = std::size_t{128} << 10;
constexpr std::size_t kRowsTogether = 128;  // rows whose activations stay in cache while panels pass by
constexpr std::size_t kMaxParts = 8;
constexpr std::size_t kPackTaskBytes = std::size_t{512} << 10;

struct PreparedPart {
  const LinearPart* part = nullptr;
  kernels::MatmulFunctions functions;
  std::size_t form = 0;
  std::size_t panels_per_task = 1;
  std::size_t first_task = 0;
};

void run_panels(const PreparedPart& prepared, const Tiles& tiles, std::size_t begin, std::size_t end) {
  const LinearPart& part = *prepared.part;
  const PackedMatrix& weight = *part.weight;
  const std::size_t whole_end =
      std::clamp(weight.n_rows() / kPanelRows, begin, end);  // then a panel with fewer rows
  const std::size_t together = kRowsTogether / tiles.tiles.front().n_rows;
  for (std::size_t block = 0; block < tiles.tiles.size(); block += together) {
    const std::size_t block_end = std::min(block + together, tiles.tiles.size());
    for (std::size_t i = block; i < block_end; ++i) {
      const Tiles::Tile& tile = tiles.tiles[i];
      const auto function = prepared.functions.tile[std::countr_zero(tile.n_rows)];
      const ActivationTile& x = tile.by_form[prepared.form];
      float* y = part.y.row(tile.first_row).data();
      if (begin < whole_end)
        function(weight.panels(begin, whole_end - begin), x, y + begin * kPanelRows, part.y.stride);
      if (whole_end < end) {
        alignas(64) float last[kMaxTile * kPanelRows];
        function(weight.panel(whole_end), x, last, kPanelRows);
        const std::size_t column = whole_end * kPanelRows;
        for (std::size_t t = 0; t < tile.n_rows; ++t)
          std::copy_n(last + t * kPanelRows, weight.n_rows() - column, y + t * part.y.stride + column);
      }
      if (part.bias.empty()) continue;
      const std::size_t first = begin * kPanelRows, last = std::min(end * kPanelRows, weight.n_rows());
      for (std::size_t t = 0; t < tile.n_rows; ++t)
        for (std::size_t c = first; c < last; ++c) y[t * part.y.stride + c] += part.bias[c];
    }
  }
}

}  // namespace

void linear(Compute& compute, MatrixView<const float> x, std::span<const LinearPart> parts) {
  QN_CHECK(parts.size() <= kMaxParts);
  if (x.rows == 0) return;
  const Scratch::Scope scope(compute.scratch);
  bool wanted[3] = {};
  std::array<PreparedPart, kMaxParts> prepared;
  std::size_t n_tasks = 0, largest_tile = kMaxTile;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const LinearPart& part = parts[i];
    const PackedMatrix& weight = *part.weight;
    if (weight.n_cols() != x.cols || weight.n_rows() != part.y.cols || part.y.rows != x.rows ||
        (!part.bias.empty() && part.bias.size() != weight.n_rows())) {
      throw InvalidArgument(cat("linear: x is [", x.rows, ", ", x.cols, "], weight [", weight.n_rows(), ", ",
                                weight.n_cols(), "], y [", part.y.rows, ", ", part.y.cols, "], bias [",
                                part.bias.size(), "]"));
    }
    PreparedPart& p = prepared[i];
    p.part = &part;
    p.functions = compute.matmul.functions(weight.dtype());
    if (p.functions.tile[4] == nullptr) largest_tile = kMaxTile / 2;
    p.form = static_cast<std::size_t>(input_form(weight.dtype()));
    p.first_task = n_tasks;
    wanted[p.form] = true;
    const std::size_t panel_bytes =
        std::max<std::size_t>(1, weight.size_bytes() / std::max<std::size_t>(1, weight.n_panels()));
    const std::size_t fair = weight.n_panels() / (4 * compute.team.size());
    p.panels_per_task = std::clamp<std::size_t>(kTaskBytes / panel_bytes, 1, std::max<std::size_t>(1, fair));
    if (p.panels_per_task > 4)
      p.panels_per_task -= p.panels_per_task % 4;  // kernels take up to four together
    n_tasks += (weight.n_panels() + p.panels_per_task - 1) / p.panels_per_task;
  }
  const Tiles tiles = prepare(compute, x, wanted, largest_tile);
  compute.team.for_each(n_tasks, [&](std::size_t task, std::size_t) {
    std::size_t i = 0;
    while (i + 1 < parts.size() && task >= prepared[i + 1].first_task) ++i;
    const std::size_t begin = (task - prepared[i].first_task) * prepared[i].panels_per_task;
    const std::size_t end = std::min(begin + prepared[i].panels_per_task, parts[i].weight->n_panels());
    run_panels(prepared[i], tiles, begin, end);
  });
}

kernels::PackedMatrix pack_matrix(Compute& compute, const Tensor& weights, StorageArena& arena) {
  PackedMatrix packed(weights.dtype(), weights.shape().n_rows(), weights.shape().back(), arena);
  if (packed.size_bytes() == 0) return packed;
  const std::size_t together =
      std::max<std::size_t>(1, kPackTaskBytes / (packed.size_bytes() / packed.n_panels()));
  const std::size_t n_tasks = (packed.n_panels() + together - 1) / together;
  compute.team.for_each(n_tasks, [&](std::size_t task, std::size_t) {
    const std::size_t first = task * together, end = std::min(first + together, packed.n_panels());
    kernels::pack_panels(weights, packed, first, end);
    const std::size_t row = first * kPanelRows, end_row = std::min(end * kPanelRows, packed.n_rows());
    release_pages(*weights.storage(), weights.bytes().subspan(row * weights.row_size_bytes(),
                                                              (end_row - row) * weights.row_size_bytes()));
  });
  return packed;
}

}  // namespace quintet
