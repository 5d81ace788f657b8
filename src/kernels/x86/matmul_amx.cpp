// AMX: tile registers multiply 16 rows of activations with the 16 rows of a panel, 32 columns (quantized) or
// 32 columns (bf16) at a time. Packed codes lie in a tile's order already, so unpacking is all that happens
// to them; integer sums go through the first-level cache to AVX-512, which applies the scales in the order
// that the other kernels have: the same bits. Fewer than 16 rows of quantized weights are left to AVX-512.
#if defined(__x86_64__)
#include "kernels/cpu_features.h"
#include "kernels/matmul.h"
#include "kernels/x86/tiles.h"
#include "kernels/x86/unpack_avx512.h"

#if defined(QN_EMULATE_TILES)
#define QN_NAMESPACE emulated_amx
#else
#define QN_NAMESPACE amx
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define QN_TARGET gnu::target(QN_AVX512_TARGET "," QN_TILE_TARGET)
#define QN_LAMBDA __attribute__((always_inline, target(QN_AVX512_TARGET "," QN_TILE_TARGET)))

namespace quintet::kernels::QN_NAMESPACE {

namespace {

constexpr std::size_t kRows = 16;  // of activations
constexpr std::size_t kTogether =
    4;  // panels: four chains of sums hide a tile product's latency of 52 cycles
constexpr std::size_t kQuadBytes = 4 * kPanelRows;

// Tiles 0 to 3 hold the sums of four panels, 4 the activations, 5 and 6 weights.
constexpr int kActivations = 4;

constexpr TileConfig tile_config(std::size_t n_rows, std::size_t row_bytes) {
  TileConfig config;
  for (int tile = 0; tile < 4; ++tile) config.set(tile, n_rows, 4 * kPanelRows);
  config.set(kActivations, n_rows, row_bytes);
  for (int tile = 5; tile < 8; ++tile) config.set(tile, row_bytes / 4, kQuadBytes);
  return config;
}

/// Calls f<0>() … f<N - 1>().
template <std::size_t N, typename F>
[[QN_TARGET, gnu::always_inline]] inline void unrolled(const F& f) noexcept {
  if constexpr (N > 0) {
    unrolled<N - 1>(f);
    f.template operator()<N - 1>();
  }
}

/// A block's codes in a tile's order, in `memory` unless they lie so already.
template <typename Format>
[[QN_TARGET, gnu::always_inline]] inline const std::uint8_t* unpacked(const std::uint8_t* codes,
                                                                      __m512i table,
                                                                      std::uint8_t* memory) noexcept {
  if constexpr (Format::kBits == 8) {
    return codes;
  } else {
    for (int j = 0; j < 4; ++j) {
      __m512i first, second;
      avx512::unpack<Format>(codes, j, table, first, second);
      _mm512_store_si512(memory + kQuadBytes * j, first);
      _mm512_store_si512(memory + kQuadBytes * (j + 4), second);
    }
    return memory;
  }
}

/// Integer sums of the groups of one block for P panels.
template <std::size_t P, std::size_t Groups>
struct BlockSums {
  alignas(64) std::int32_t sums[Groups][P][kRows][kPanelRows];
};

/// sums[t][p] += scale · dx · (dot - offset · Σq) + min · Σx, as the AVX-512 kernel has it.
template <typename Format, std::size_t P>
[[QN_TARGET, gnu::always_inline]] inline void apply_scales(const PanelView& panels, const ActivationTile& x,
                                                           std::size_t b,
                                                           const BlockSums<P, Format::kGroups>& block,
                                                           float (&sums)[P][kRows][kPanelRows]) noexcept {
  constexpr std::size_t kGroups = Format::kGroups;
  for (std::size_t p = 0; p < P; ++p) {
    const std::uint8_t* s = panels.scales + p * panels.stride + scale_offset<Format>(b);
    __m512 d = _mm512_setzero_ps(), dmin = _mm512_setzero_ps();
    if constexpr (Format::kIsSuper) {
      const std::uint8_t* super = panels.scales + p * panels.stride + super_offset<Format>(b);
      d = avx512::load_f16(super);
      if constexpr (Format::kHasMin)
        dmin = _mm512_sub_ps(_mm512_setzero_ps(), avx512::load_f16(super + 2 * kPanelRows));
    }
    for (std::size_t g = 0; g < kGroups; ++g) {
      __m512 scale, min = _mm512_setzero_ps();
      if constexpr (Format::kIsSuper) {
        scale = _mm512_mul_ps(d, avx512::load_bytes(s + g * kPanelRows, !Format::kHasMin));
        if constexpr (Format::kHasMin)
          min = _mm512_mul_ps(dmin, avx512::load_bytes(s + (kGroups + g) * kPanelRows, false));
      } else {
        scale = Format::kHasBf16Scales ? avx512::load_bf16(s) : avx512::load_f16(s);
        if constexpr (Format::kHasMin) min = avx512::load_f16(s + 2 * kPanelRows);
      }
      for (std::size_t t = 0; t < kRows; ++t) {
        const std::int32_t* negative = x.negative_sums + (b * 2 + g) * kRows + t;
        __m512i dots = _mm512_load_si512(block.sums[g][p][t]);
        if constexpr (Format::kOffsetLog2 >= 0) {
          const std::int32_t sum = kGroups == 1 ? negative[0] + negative[kRows] : negative[0];
          dots = _mm512_add_epi32(dots, _mm512_set1_epi32(sum * (1 << Format::kOffsetLog2)));
        }
        const float dx = x.scales[b * kRows + t];
        const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(dx));
        __m512 sum = _mm512_load_ps(sums[p][t]);
        sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), factor, sum);
        if constexpr (Format::kHasMin) {
          const float scaled_sum =
              kGroups == 1 ? x.scaled_sums[b * kRows + t] : dx * -static_cast<float>(negative[0]);
          sum = _mm512_fmadd_ps(min, _mm512_set1_ps(scaled_sum), sum);
        }
        _mm512_store_ps(sums[p][t], sum);
      }
    }
  }
}

template <DType D, std::size_t P>
[[QN_TARGET]] void quantized_panels(const PanelView& panels, const ActivationTile& x, float* y,
                                    std::size_t y_stride) noexcept {
  using Format = PackedFormat<D>;
  constexpr std::size_t kGroups = Format::kGroups;
  const __m512i table = avx512::table_of<Format>();
  alignas(64) float sums[P][kRows][kPanelRows] = {};
  alignas(64) std::uint8_t memory[P][kBlock * kPanelRows];
  BlockSums<P, kGroups> blocks[2];  // while one is scaled, the tiles fill the other
  const std::size_t n_blocks = panels.n_cols / kBlock;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* codes = panels.codes + b * Format::kCodeBytes;
    const std::int8_t* q = x.codes + b * kRows * kBlock;
    BlockSums<P, kGroups>& block = blocks[b % 2];
    const std::uint8_t* weights[P];
    for (std::size_t p = 0; p < P; ++p) {
      for (std::size_t line = 0; line < Format::kCodeBytes; line += 64)
        _mm_prefetch(codes + p * panels.stride + 8 * Format::kCodeBytes + line, _MM_HINT_T0);
      weights[p] = unpacked<Format>(codes + p * panels.stride, table, memory[p]);
    }
    for (std::size_t g = 0; g < kGroups; ++g) {
      tiles::load<kActivations>(q + g * Format::kGroup, kBlock);
      unrolled<P>([&]<std::size_t I>() QN_LAMBDA {
        constexpr int kSums = static_cast<int>(I), kWeights = 5 + static_cast<int>(I) % 2;
        tiles::load<kWeights>(weights[I] + g * Format::kGroup * kPanelRows, kQuadBytes);
        tiles::zero<kSums>();
        tiles::add_byte_products<kSums, kActivations, kWeights>();
        tiles::store<kSums>(block.sums[g][I], 4 * kPanelRows);
      });
    }
    if (b > 0) apply_scales<Format, P>(panels, x, b - 1, blocks[(b - 1) % 2], sums);
  }
  if (n_blocks > 0) apply_scales<Format, P>(panels, x, n_blocks - 1, blocks[(n_blocks - 1) % 2], sums);
  for (std::size_t t = 0; t < kRows; ++t)
    for (std::size_t p = 0; p < P; ++p)
      _mm512_storeu_ps(y + t * y_stride + p * kPanelRows, _mm512_load_ps(sums[p][t]));
}

template <typename Body>
[[QN_TARGET]] void each_group(const TileConfig& config, const PanelView& panels, float* y,
                              const Body& body) noexcept {
  tiles::configure(config);
  std::size_t p = 0;
  for (; p + kTogether <= panels.n_panels; p += kTogether)
    body.template operator()<kTogether>(panels.at(p), y + p * kPanelRows);
  for (; p < panels.n_panels; ++p) body.template operator()<1>(panels.at(p), y + p * kPanelRows);
  tiles::release();
}

template <DType D>
void quantized_tile(const PanelView& panels, const ActivationTile& x, float* y,
                    std::size_t y_stride) noexcept {
  static constexpr TileConfig kConfig = tile_config(kRows, PackedFormat<D>::kGroup);
  each_group(kConfig, panels, y, [&]<std::size_t P>(const PanelView& part, float* out) {
    quantized_panels<D, P>(part, x, out, y_stride);
  });
}

/// Sums stay in their tiles over all columns; what is left beyond whole blocks of 32 is padded with zeros.
template <std::size_t T, std::size_t P>
[[QN_TARGET]] void bf16_panels(const PanelView& panels, const ActivationTile& x, float* y,
                               std::size_t y_stride) noexcept {
  constexpr std::size_t kBlockBytes = kBlock * kPanelRows * 2;
  unrolled<P>([&]<std::size_t I>() QN_LAMBDA { tiles::zero<static_cast<int>(I)>(); });
  const auto add = [&](const std::uint16_t* activations, const std::uint8_t* const(&weights)[P]) QN_LAMBDA {
    tiles::load<kActivations>(activations, 2 * kBlock);
    unrolled<P>([&]<std::size_t I>() QN_LAMBDA {
      constexpr int kWeights = 5 + static_cast<int>(I) % 3;
      tiles::load<kWeights>(weights[I], kQuadBytes);
      tiles::add_bf16_products<static_cast<int>(I), kActivations, kWeights>();
    });
  };
  const std::uint8_t* weights[P];
  const std::size_t n_blocks = panels.n_cols / kBlock;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    for (std::size_t p = 0; p < P; ++p) {
      weights[p] = panels.codes + p * panels.stride + b * kBlockBytes;
      for (std::size_t line = 0; line < kBlockBytes; line += 64)
        _mm_prefetch(weights[p] + 2 * kBlockBytes + line, _MM_HINT_T0);
    }
    add(x.halves + b * T * kBlock, weights);
  }
  if (const std::size_t n_rest = panels.n_cols % kBlock; n_rest > 0) {
    alignas(64) std::uint8_t rest[P][kBlockBytes] = {};
    for (std::size_t p = 0; p < P; ++p) {
      std::memcpy(rest[p], panels.codes + p * panels.stride + n_blocks * kBlockBytes,
                  (n_rest + 1) / 2 * 4 * kPanelRows);
      weights[p] = rest[p];
    }
    add(x.halves + n_blocks * T * kBlock, weights);
  }
  unrolled<P>([&]<std::size_t I>() QN_LAMBDA {
    tiles::store<static_cast<int>(I)>(y + I * kPanelRows, y_stride * sizeof(float));
  });
}

template <std::size_t T>
void bf16_tile(const PanelView& panels, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  static constexpr TileConfig kConfig = tile_config(T, 2 * kBlock);
  each_group(kConfig, panels, y, [&]<std::size_t P>(const PanelView& part, float* out) {
    bf16_panels<T, P>(part, x, out, y_stride);
  });
}

}  // namespace

bool supported() noexcept {
#if defined(QN_EMULATE_TILES)
  return cpu_features().has_avx512_vnni;
#else
  // Linux lends the tiles' 8 KB of state only to programs that ask (Documentation/arch/x86/xstate.rst).
  static const bool is_allowed = [] {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    const CpuFeatures& features = cpu_features();
    return features.has_avx512_vnni && features.has_amx_int8 && features.has_amx_bf16 &&
           ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return is_allowed;
#endif
}

MatmulFunctions matmul_functions(DType type) noexcept {
  if (type == DType::bf16) return {{bf16_tile<1>, bf16_tile<2>, bf16_tile<4>, bf16_tile<8>, bf16_tile<16>}};
  MatmulFunctions functions = avx512::matmul_functions(type);
  with_packed_format(type, [&]<DType D>() { functions.tile[4] = quantized_tile<D>; });
  return functions;
}

}  // namespace quintet::kernels::QN_NAMESPACE

#endif  // __x86_64__
