#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "kernels/packed_matrix.h"

namespace quintet::kernels {

namespace {

constexpr std::size_t kCacheLine = 64;

/// 32 columns of one row, unpacked from a file's block.
struct RowBlock {
  std::uint8_t codes[kBlock] = {};
  std::uint16_t scale = 0, min = 0;           // bits, of types without super-blocks
  std::uint8_t scales[2] = {}, mins[2] = {};  // of K-quants, one for each group
};
/// d and dmin of a super-block.
struct SuperScales {
  std::uint16_t d = 0, dmin = 0;
};

template <typename Block>
Block load(const std::byte* row, std::size_t index) {
  Block block;
  std::memcpy(&block, row + index * sizeof(Block), sizeof block);
  return block;
}

void nibbles(const std::uint8_t* qs, RowBlock& out) {
  for (std::size_t i = 0; i < 16; ++i) {
    out.codes[i] = qs[i] & 15;
    out.codes[i + 16] = qs[i] >> 4;
  }
}

void fifth_bits(const std::uint8_t* qh, RowBlock& out) {
  std::uint32_t bits;
  std::memcpy(&bits, qh, sizeof bits);
  for (std::size_t i = 0; i < kBlock; ++i) out.codes[i] |= static_cast<std::uint8_t>((bits >> i & 1) << 4);
}

/// Scale and min of group g out of the 12 bytes of q4_k and q5_k.
void six_bit_pair(const std::uint8_t* s, std::size_t g, RowBlock& out) {
  if (g < 4) {
    out.scales[0] = s[g] & 63;
    out.mins[0] = s[g + 4] & 63;
  } else {
    out.scales[0] = static_cast<std::uint8_t>((s[g + 4] & 15) | (s[g - 4] >> 6) << 4);
    out.mins[0] = static_cast<std::uint8_t>((s[g + 4] >> 4) | (s[g] >> 6) << 4);
  }
}

// read_block<D>(row, b, super): columns 32·b to 32·b + 31 of a row as the file has them.
template <DType D>
RowBlock read_block(const std::byte* row, std::size_t b, SuperScales& super);

template <>
RowBlock read_block<DType::q4_0>(const std::byte* row, std::size_t b, SuperScales&) {
  const auto block = load<BlockQ4_0>(row, b);
  RowBlock out{.scale = block.d};
  nibbles(block.qs, out);
  return out;
}
template <>
RowBlock read_block<DType::q4_1>(const std::byte* row, std::size_t b, SuperScales&) {
  const auto block = load<BlockQ4_1>(row, b);
  RowBlock out{.scale = block.d, .min = block.m};
  nibbles(block.qs, out);
  return out;
}
template <>
RowBlock read_block<DType::q5_0>(const std::byte* row, std::size_t b, SuperScales&) {
  const auto block = load<BlockQ5_0>(row, b);
  RowBlock out{.scale = block.d};
  nibbles(block.qs, out);
  fifth_bits(block.qh, out);
  return out;
}
template <>
RowBlock read_block<DType::q5_1>(const std::byte* row, std::size_t b, SuperScales&) {
  const auto block = load<BlockQ5_1>(row, b);
  RowBlock out{.scale = block.d, .min = block.m};
  nibbles(block.qs, out);
  fifth_bits(block.qh, out);
  return out;
}
template <>
RowBlock read_block<DType::q8_0>(const std::byte* row, std::size_t b, SuperScales&) {
  const auto block = load<BlockQ8_0>(row, b);
  RowBlock out{.scale = block.d};
  for (std::size_t i = 0; i < kBlock; ++i) out.codes[i] = static_cast<std::uint8_t>(block.qs[i] ^ 0x80);
  return out;
}
template <>
RowBlock read_block<DType::iq4_nl>(const std::byte* row, std::size_t b, SuperScales&) {
  const auto block = load<BlockIQ4_NL>(row, b);
  RowBlock out{.scale = block.d};
  nibbles(block.qs, out);
  return out;
}
template <>
RowBlock read_block<DType::mxfp4>(const std::byte* row, std::size_t b, SuperScales&) {
  const auto block = load<BlockMXFP4>(row, b);
  RowBlock out;
  // 2^(e - 128) as bfloat16: the exponent field, or a subnormal below 2^-126.
  const unsigned e = block.e;
  out.scale = static_cast<std::uint16_t>(e >= 2 ? (e - 1) << 7 : (e == 1 ? 0x40 : 0x20));
  nibbles(block.qs, out);
  return out;
}
template <>
RowBlock read_block<DType::q2_k>(const std::byte* row, std::size_t b, SuperScales& super) {
  const auto block = load<BlockQ2_K>(row, b / kBlocksPerSuper);
  super = {block.d, block.dmin};
  const std::size_t s = b % kBlocksPerSuper;
  RowBlock out;
  for (std::size_t i = 0; i < kBlock; ++i) out.codes[i] = block.qs[s / 4 * 32 + i] >> (2 * (s % 4)) & 3;
  for (std::size_t g = 0; g < 2; ++g) {
    out.scales[g] = block.scales[2 * s + g] & 15;
    out.mins[g] = block.scales[2 * s + g] >> 4;
  }
  return out;
}
template <>
RowBlock read_block<DType::q3_k>(const std::byte* row, std::size_t b, SuperScales& super) {
  const auto block = load<BlockQ3_K>(row, b / kBlocksPerSuper);
  super = {block.d, 0};
  const std::size_t s = b % kBlocksPerSuper;
  RowBlock out;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const unsigned low = block.qs[s / 4 * 32 + i] >> (2 * (s % 4)) & 3;
    out.codes[i] = static_cast<std::uint8_t>(low | (block.hmask[i] >> s & 1) << 2);
  }
  for (std::size_t g = 0; g < 2; ++g) {
    const std::size_t at = 2 * s + g;
    const unsigned low = at < 8 ? block.scales[at] & 15 : block.scales[at - 8] >> 4;
    const unsigned high = block.scales[8 + at % 4] >> (2 * (at / 4)) & 3;
    out.scales[g] = static_cast<std::uint8_t>(static_cast<int>(low | high << 4) - 32);
  }
  return out;
}
template <>
RowBlock read_block<DType::q4_k>(const std::byte* row, std::size_t b, SuperScales& super) {
  const auto block = load<BlockQ4_K>(row, b / kBlocksPerSuper);
  super = {block.d, block.dmin};
  const std::size_t g = b % kBlocksPerSuper;
  RowBlock out;
  for (std::size_t i = 0; i < kBlock; ++i) out.codes[i] = block.qs[g / 2 * 32 + i] >> (4 * (g % 2)) & 15;
  six_bit_pair(block.scales, g, out);
  return out;
}
template <>
RowBlock read_block<DType::q5_k>(const std::byte* row, std::size_t b, SuperScales& super) {
  const auto block = load<BlockQ5_K>(row, b / kBlocksPerSuper);
  super = {block.d, block.dmin};
  const std::size_t g = b % kBlocksPerSuper;
  RowBlock out;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const unsigned low = block.qs[g / 2 * 32 + i] >> (4 * (g % 2)) & 15;
    out.codes[i] = static_cast<std::uint8_t>(low | (block.qh[i] >> g & 1) << 4);
  }
  six_bit_pair(block.scales, g, out);
  return out;
}
template <>
RowBlock read_block<DType::q6_k>(const std::byte* row, std::size_t b, SuperScales& super) {
  const auto block = load<BlockQ6_K>(row, b / kBlocksPerSuper);
  super = {block.d, 0};
  // Weight 128·h + 32·s + l: low bits in nibble s / 2 of ql[64·h + 32·(s % 2) + l], high bits in pair s of
  // qh[32·h + l].
  const std::size_t h = b % kBlocksPerSuper / 4, s = b % 4;
  RowBlock out;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const unsigned low = block.ql[64 * h + 32 * (s % 2) + i] >> (4 * (s / 2)) & 15;
    out.codes[i] = static_cast<std::uint8_t>(low | (block.qh[32 * h + i] >> (2 * s) & 3) << 4);
  }
  for (std::size_t g = 0; g < 2; ++g)
    out.scales[g] = static_cast<std::uint8_t>(block.scales[2 * (b % kBlocksPerSuper) + g]);
  return out;
}
template <>
RowBlock read_block<DType::iq4_xs>(const std::byte* row, std::size_t b, SuperScales& super) {
  const auto block = load<BlockIQ4_XS>(row, b / kBlocksPerSuper);
  super = {block.d, 0};
  const std::size_t g = b % kBlocksPerSuper;
  RowBlock out;
  nibbles(block.qs + 16 * g, out);
  const unsigned low = block.scales_l[g / 2] >> (4 * (g % 2)) & 15;
  const unsigned high = block.scales_h >> (2 * g) & 3;
  out.scales[0] = static_cast<std::uint8_t>(static_cast<int>(low | high << 4) - 32);
  return out;
}

template <typename Format>
void store_codes(const RowBlock& block, std::size_t row, std::uint8_t* codes) {
  if constexpr (Format::kBits == 8) {
    for (std::size_t j = 0; j < 8; ++j) std::memcpy(codes + j * 64 + row * 4, block.codes + 4 * j, 4);
  } else {
    std::uint8_t packed[16];
    for (std::size_t i = 0; i < 16; ++i)
      packed[i] = static_cast<std::uint8_t>((block.codes[i] & 15) | (block.codes[i + 16] & 15) << 4);
    for (std::size_t j = 0; j < 4; ++j) std::memcpy(codes + j * 64 + row * 4, packed + 4 * j, 4);
    for (std::size_t plane = 0; plane < static_cast<std::size_t>(Format::kBits - 4); ++plane) {
      for (std::size_t j = 0; j < 8; ++j) {
        unsigned bits = 0;
        for (std::size_t i = 0; i < 4; ++i) bits |= (block.codes[4 * j + i] >> (4 + plane) & 1u) << i;
        std::uint8_t& byte = codes[256 + plane * 64 + j * 8 + row / 2];
        const unsigned shift = row % 2 * 4;
        byte = static_cast<std::uint8_t>((byte & ~(15u << shift)) | bits << shift);
      }
    }
  }
}

void store_u16(std::uint8_t* p, std::uint16_t value) {
  std::memcpy(p, &value, sizeof value);
}

template <DType D>
void pack_quantized(const Tensor& weights, PackedMatrix& packed, std::size_t panel) {
  using Format = PackedFormat<D>;
  std::uint8_t* codes = packed.mutable_panel(panel);
  std::uint8_t* scales = codes + packed.code_bytes();
  const std::size_t first = panel * kPanelRows;
  const std::size_t n_rows = std::min(kPanelRows, packed.n_rows() - first);
  const std::byte* rows[kPanelRows];
  for (std::size_t r = 0; r < n_rows; ++r) rows[r] = weights.row(first + r).data();
  for (std::size_t b = 0; b < packed.n_cols() / kBlock; ++b) {
    std::uint8_t* s = scales + scale_offset<Format>(b);
    for (std::size_t r = 0; r < n_rows; ++r) {
      SuperScales super;
      const RowBlock block = read_block<D>(rows[r], b, super);
      store_codes<Format>(block, r, codes + b * Format::kCodeBytes);
      if constexpr (Format::kIsSuper) {
        for (std::size_t g = 0; g < Format::kGroups; ++g) {
          s[g * kPanelRows + r] = block.scales[g];
          if constexpr (Format::kHasMin) s[(Format::kGroups + g) * kPanelRows + r] = block.mins[g];
        }
        if (b % kBlocksPerSuper == 0) {
          std::uint8_t* d = scales + super_offset<Format>(b);
          store_u16(d + 2 * r, super.d);
          if constexpr (Format::kHasMin) store_u16(d + 2 * (kPanelRows + r), super.dmin);
        }
      } else {
        store_u16(s + 2 * r, block.scale);
        if constexpr (Format::kHasMin) store_u16(s + 2 * (kPanelRows + r), block.min);
      }
    }
  }
}

template <typename Element>
void pack_plain(const Tensor& weights, PackedMatrix& packed, std::size_t panel,
                std::size_t columns_together) {
  auto* out = reinterpret_cast<Element*>(packed.mutable_panel(panel));
  const std::size_t first = panel * kPanelRows;
  const std::size_t n_rows = std::min(kPanelRows, packed.n_rows() - first);
  for (std::size_t r = 0; r < n_rows; ++r) {
    const std::byte* row = weights.row(first + r).data();
    for (std::size_t k = 0; k < packed.n_cols(); ++k) {
      const std::size_t at =
          (k / columns_together * kPanelRows + r) * columns_together + k % columns_together;
      std::memcpy(out + at, row + k * sizeof(Element), sizeof(Element));
    }
  }
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
  const std::size_t block = dtype_info(dtype).block_size;
  if (n_cols % block != 0) {
    throw InvalidArgument(cat("a matrix with ", n_cols, " columns can't be ", dtype_name(dtype),
                              ": it comes in blocks of ", block));
  }
  const PanelSizes sizes = panel_sizes(dtype, n_cols);
  code_bytes_ = sizes.codes;
  panel_bytes_ = panel_stride(sizes);
  storage_ = allocate_storage(size_bytes());
}

void pack_panels(const Tensor& weights, PackedMatrix& packed, std::size_t begin, std::size_t end) {
  QN_CHECK(weights.dtype() == packed.dtype());
  QN_CHECK(weights.shape().n_rows() == packed.n_rows() && weights.shape().back() == packed.n_cols());
  for (std::size_t panel = begin; panel < end; ++panel) {
    switch (packed.dtype()) {
      case DType::f32: pack_plain<std::uint32_t>(weights, packed, panel, 1); break;
      case DType::f16: pack_plain<std::uint16_t>(weights, packed, panel, 1); break;
      case DType::bf16: pack_plain<std::uint16_t>(weights, packed, panel, 2); break;
      default:
        with_packed_format(packed.dtype(), [&]<DType D>() { pack_quantized<D>(weights, packed, panel); });
    }
  }
}

}  // namespace quintet::kernels
