#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "kernels/file_blocks.h"
#include "kernels/packed_matrix.h"

// All of this moves bytes in vectors of 16 and is bound by memory, not by the processor: one core packs 7 to
// 15 GB/s (EPYC Zen 5), so there is no twin for wider registers.

namespace quintet::kernels {

namespace {

constexpr std::size_t kCacheLine = 64;

/// The rows of a panel; the last panel of a matrix may have fewer than 16.
struct PanelRows {
  const std::byte* at[kPanelRows] = {};
  std::size_t n = 0;

  PanelRows(const Tensor& weights, std::size_t panel)
      : n(std::min(kPanelRows, weights.shape().n_rows() - panel * kPanelRows)) {
    for (std::size_t r = 0; r < n; ++r) at[r] = weights.row(panel * kPanelRows + r).data();
  }
};

void store_pairs(const ScalePair (&pairs)[kPanelRows], bool has_min, std::uint8_t* out) noexcept {
  std::uint16_t scales[kPanelRows], mins[kPanelRows];
  for (std::size_t r = 0; r < kPanelRows; ++r) {
    scales[r] = pairs[r].scale;
    mins[r] = pairs[r].min;
  }
  std::memcpy(out, scales, sizeof scales);
  if (has_min) std::memcpy(out + sizeof scales, mins, sizeof mins);
}

/// A plane of 64 bytes: nibble j of the masks of rows 2k and 2k + 1 to byte k of quad j.
void store_plane(const std::uint32_t (&even)[8], const std::uint32_t (&odd)[8], std::uint8_t* out) noexcept {
  constexpr std::uint32_t kLow = 0x0F0F'0F0F;
  Bytes m[4];
  for (std::size_t half = 0; half < 2; ++half) {
    const auto e = load_vector<Dwords>(even + 4 * half), o = load_vector<Dwords>(odd + 4 * half);
    const auto even_quads = reinterpret_cast<Bytes>((e & kLow) | (o & kLow) << 4);
    const auto odd_quads = reinterpret_cast<Bytes>((e >> 4 & kLow) | (o & ~kLow));
    m[2 * half] = low_halves(even_quads, odd_quads);
    m[2 * half + 1] = high_halves(even_quads, odd_quads);
  }
  transpose<3>(m);  // [8 pairs of rows][8 quads]
  std::memcpy(out, m, sizeof m);
}

/// Blocks of 16 rows, 32 columns of which are number `s` of them.
template <typename Format, typename Block>
void store_codes(const std::array<Block, kPanelRows>& blocks, std::size_t s, std::uint8_t* out) noexcept {
  Bytes rows[kPanelRows];
  if constexpr (Format::kBits == 8) {
    Bytes second[kPanelRows];
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      const LowCodes codes = low_codes(blocks[r], s);
      rows[r] = codes.first;
      second[r] = codes.second;
    }
    store_quads(rows, out);
    store_quads(second, out + 256);
  } else {
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      const LowCodes codes = low_codes(blocks[r], s);
      rows[r] = codes.first | codes.second << 4;
    }
    store_quads(rows, out);
    if constexpr (Format::kBits > 4) {
      for (std::size_t plane = 0; plane < static_cast<std::size_t>(Format::kBits - 4); ++plane) {
        std::uint32_t even[8], odd[8];
        for (std::size_t r = 0; r < kPanelRows; r += 2) {
          even[r / 2] = high_bits(blocks[r], s, plane);
          odd[r / 2] = high_bits(blocks[r + 1], s, plane);
        }
        store_plane(even, odd, out + 256 + plane * 64);
      }
    }
  }
}

/// 8-bit scales and mins of a super-block: [16 rows][n] to [n][16 rows].
template <typename Format, typename Block>
void store_super_scales(const std::array<Block, kPanelRows>& blocks, std::uint8_t* out) noexcept {
  constexpr std::size_t kBytes = kBlocksPerSuper * Format::kScaleBytes / kPanelRows;  // of a row
  constexpr std::size_t kVectors = (kBytes + 15) / 16;
  Bytes of_rows[kPanelRows][kVectors];
  for (std::size_t r = 0; r < kPanelRows; ++r) super_scales(blocks[r], of_rows[r]);
  for (std::size_t v = 0; v < kVectors; ++v) {
    Bytes m[kPanelRows];
    for (std::size_t r = 0; r < kPanelRows; ++r) m[r] = of_rows[r][v];
    transpose<4>(m);
    std::memcpy(out + v * sizeof m, m, std::min(sizeof m, (kBytes - v * 16) * kPanelRows));
  }
}

template <DType D>
void pack_quantized(const PanelRows& rows, std::size_t n_cols, std::uint8_t* codes,
                    std::uint8_t* scales) noexcept {
  using Format = PackedFormat<D>;
  using Block = typename FileBlock<D>::Type;
  constexpr std::size_t kBlocks = Format::kIsSuper ? kBlocksPerSuper : 1;  // of 32 columns
  std::array<Block, kPanelRows> blocks = {};                               // of zeros where there is no row
  for (std::size_t b = 0; b < n_cols / kBlock; b += kBlocks) {
    for (std::size_t r = 0; r < rows.n; ++r)
      std::memcpy(&blocks[r], rows.at[r] + b / kBlocks * sizeof(Block), sizeof(Block));
    ScalePair pairs[kPanelRows];
    for (std::size_t r = 0; r < kPanelRows; ++r) pairs[r] = pair_of(blocks[r]);
    if constexpr (Format::kIsSuper) {
      store_pairs(pairs, Format::kHasMin, scales + super_offset<Format>(b));
      store_super_scales<Format>(blocks, scales + scale_offset<Format>(b));
    } else {
      store_pairs(pairs, Format::kHasMin, scales + scale_offset<Format>(b));
    }
#pragma clang loop unroll(full)
    for (std::size_t s = 0; s < kBlocks; ++s)
      store_codes<Format>(blocks, s, codes + (b + s) * Format::kCodeBytes);
  }
}

/// Elements of `Size` bytes, `Together` consecutive ones of a row side by side.
template <std::size_t Size, std::size_t Together>
void pack_plain(const PanelRows& rows, std::size_t n_cols, std::uint8_t* out) noexcept {
  constexpr std::size_t kColumns = 16 / Size;  // in a vector
  const std::size_t n_whole = n_cols / kColumns * kColumns;
  for (std::size_t k = 0; k < n_whole; k += kColumns) {
    std::uint8_t* at = out + k * Size * kPanelRows;
    if constexpr (Size * Together == 4) {
      Bytes m[kPanelRows] = {};
      for (std::size_t r = 0; r < rows.n; ++r) m[r] = load_vector(rows.at[r] + k * Size);
      store_quads(m, at);
    } else {
      Words m[kPanelRows] = {};
      for (std::size_t r = 0; r < rows.n; ++r) m[r] = load_vector<Words>(rows.at[r] + k * Size);
      transpose<4>(m);
      std::memcpy(at, m, sizeof m);
    }
  }
  for (std::size_t r = 0; r < rows.n; ++r)
    for (std::size_t k = n_whole; k < n_cols; ++k)
      std::memcpy(out + ((k / Together * kPanelRows + r) * Together + k % Together) * Size,
                  rows.at[r] + k * Size, Size);
}

struct PanelSizes {
  std::size_t codes = 0, scales = 0;
};

PanelSizes panel_sizes(DType dtype, std::size_t n_cols) {
  PanelSizes sizes;
  switch (dtype) {
    case DType::f32: return {n_cols * 4 * kPanelRows, 0};
    case DType::f16: return {n_cols * 2 * kPanelRows, 0};
    case DType::bf16: return {(n_cols + 1) / 2 * 4 * kPanelRows, 0};
    default: break;
  }
  const bool is_known = with_packed_format(dtype, [&]<DType D>() {
    using Format = PackedFormat<D>;
    const std::size_t n_blocks = n_cols / kBlock;
    sizes.codes = n_blocks * Format::kCodeBytes;
    sizes.scales = n_blocks * Format::kScaleBytes;
    if (Format::kIsSuper) sizes.scales += n_blocks / kBlocksPerSuper * Format::kSuperBytes;
  });
  if (!is_known) throw Unsupported(cat("a matrix of ", dtype_name(dtype), " can't be multiplied with"));
  return sizes;
}

std::size_t panel_stride(const PanelSizes& sizes) {
  return (sizes.codes + sizes.scales + kCacheLine - 1) / kCacheLine * kCacheLine;
}

}  // namespace

bool is_matmul_type(DType type) noexcept {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16 ||
         with_packed_format(type, []<DType>() {});
}

std::size_t packed_bytes(DType dtype, std::size_t n_rows, std::size_t n_cols) {
  return (n_rows + kPanelRows - 1) / kPanelRows * panel_stride(panel_sizes(dtype, n_cols));
}

PackedMatrix::PackedMatrix(DType dtype, std::size_t n_rows, std::size_t n_cols)
    : dtype_(dtype), n_rows_(n_rows), n_cols_(n_cols) {
  set_sizes();
  storage_ = allocate_storage(size_bytes());
  data_ = reinterpret_cast<std::uint8_t*>(storage_->data());
}

PackedMatrix::PackedMatrix(DType dtype, std::size_t n_rows, std::size_t n_cols, StorageArena& arena)
    : dtype_(dtype), n_rows_(n_rows), n_cols_(n_cols) {
  set_sizes();
  auto piece = arena.take(size_bytes());
  storage_ = std::move(piece.storage);
  data_ = reinterpret_cast<std::uint8_t*>(piece.data);
}

void PackedMatrix::set_sizes() {
  const std::size_t block = dtype_info(dtype_).block_size;
  if (n_cols_ % block != 0) {
    throw InvalidArgument(cat("a matrix with ", n_cols_, " columns can't be ", dtype_name(dtype_),
                              ": it comes in blocks of ", block));
  }
  const PanelSizes sizes = panel_sizes(dtype_, n_cols_);
  code_bytes_ = sizes.codes;
  panel_bytes_ = panel_stride(sizes);
}

void pack_panels(const Tensor& weights, PackedMatrix& packed, std::size_t begin, std::size_t end) {
  QN_CHECK(weights.dtype() == packed.dtype());
  QN_CHECK(weights.shape().n_rows() == packed.n_rows() && weights.shape().back() == packed.n_cols());
  for (std::size_t panel = begin; panel < end; ++panel) {
    const PanelRows rows(weights, panel);
    std::uint8_t* out = packed.mutable_panel(panel);
    switch (packed.dtype()) {
      case DType::f32: pack_plain<4, 1>(rows, packed.n_cols(), out); break;
      case DType::f16: pack_plain<2, 1>(rows, packed.n_cols(), out); break;
      case DType::bf16: pack_plain<2, 2>(rows, packed.n_cols(), out); break;
      default:
        with_packed_format(packed.dtype(), [&]<DType D>() {
          pack_quantized<D>(rows, packed.n_cols(), out, out + packed.code_bytes());
        });
    }
  }
}

}  // namespace quintet::kernels
