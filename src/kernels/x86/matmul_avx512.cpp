// AVX-512 with VNNI: one register holds a quad of columns of the panel's 16 rows, vpdpbusd adds four products
// to each row's sum. Eight rows of activations share the unpacked codes of a block: 64 vpdpbusd on 12
// instructions of unpacking. bf16 weights use vdpbf16ps where the processor has it, else the same products
// through f32.
#if defined(__x86_64__)
#include <bit>
#include <limits>

#include "kernels/cpu_features.h"
#include "kernels/matmul.h"
#include "kernels/x86/unpack_avx512.h"

#define QN_TARGET gnu::target(QN_AVX512_TARGET)
#define QN_TARGET_BF16 gnu::target(QN_AVX512_TARGET ",avx512bf16")

namespace quintet::kernels::avx512 {

namespace {

[[QN_TARGET, gnu::always_inline]] inline __m512i broadcast_four(const std::int8_t* q) noexcept {
  std::int32_t four;
  std::memcpy(&four, q, sizeof four);
  return _mm512_set1_epi32(four);
}

/// P panels at a time. The codes of activations are loaded once for all of them; with T · P > 8 the sums of
/// floats are left to memory (the first-level cache), as the registers hold the sums of integers.
template <DType D, std::size_t T, std::size_t P>
[[QN_TARGET]] void quantized_panels(const PanelView& panels, const ActivationTile& x, float* y,
                                    std::size_t y_stride) noexcept {
  using Format = PackedFormat<D>;
  constexpr std::size_t kGroups = Format::kGroups;
  const __m512i table = table_of<Format>();
  __m512 sums[T][P];
  for (auto& row : sums)
    for (auto& sum : row) sum = _mm512_setzero_ps();
  __m512 d[P] = {}, dmin[P] = {};
  const std::size_t n_blocks = panels.n_cols / kBlock;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* codes = panels.codes + b * Format::kCodeBytes;
    const std::uint8_t* scales = panels.scales + scale_offset<Format>(b);
    for (std::size_t p = 0; p < P; ++p) {
      // Ask for what comes: the first tile reads a panel from memory, the others from the second-level cache.
      for (std::size_t line = 0; line < Format::kCodeBytes; line += 64)
        _mm_prefetch(codes + p * panels.stride + 8 * Format::kCodeBytes + line, _MM_HINT_T0);
      if constexpr (Format::kIsSuper) {
        if (b % kBlocksPerSuper == 0) {
          const std::uint8_t* super = panels.scales + p * panels.stride + super_offset<Format>(b);
          d[p] = load_f16(super);
          if constexpr (Format::kHasMin)
            dmin[p] = _mm512_sub_ps(_mm512_setzero_ps(), load_f16(super + 2 * kPanelRows));
        }
      }
    }
    __m512i dots[kGroups][T][P];
    for (std::size_t g = 0; g < kGroups; ++g)
      for (std::size_t t = 0; t < T; ++t) {
        __m512i start = _mm512_setzero_si512();
        if constexpr (Format::kOffsetLog2 >= 0) {
          const std::int32_t* negative = x.negative_sums + (b * 2 + g) * T + t;
          const std::int32_t sum = kGroups == 1 ? negative[0] + negative[T] : negative[0];
          start = _mm512_set1_epi32(sum * (1 << Format::kOffsetLog2));
        }
        for (std::size_t p = 0; p < P; ++p) dots[g][t][p] = start;
      }
    const std::int8_t* q = x.codes + b * 8 * T * 4;
    for (int j = 0; j < 4; ++j) {
      __m512i first[P], second[P];
      for (std::size_t p = 0; p < P; ++p)
        unpack<Format>(codes + p * panels.stride, j, table, first[p], second[p]);
      for (std::size_t t = 0; t < T; ++t) {
        const __m512i q_first = broadcast_four(q + (static_cast<std::size_t>(j) * T + t) * 4);
        for (std::size_t p = 0; p < P; ++p)
          dots[0][t][p] = _mm512_dpbusd_epi32(dots[0][t][p], first[p], q_first);
        const __m512i q_second = broadcast_four(q + (static_cast<std::size_t>(j + 4) * T + t) * 4);
        for (std::size_t p = 0; p < P; ++p)
          dots[kGroups - 1][t][p] = _mm512_dpbusd_epi32(dots[kGroups - 1][t][p], second[p], q_second);
      }
    }
    for (std::size_t g = 0; g < kGroups; ++g) {
      for (std::size_t p = 0; p < P; ++p) {
        const std::uint8_t* s = scales + p * panels.stride;
        __m512 scale, min = _mm512_setzero_ps();
        if constexpr (Format::kIsSuper) {
          scale = _mm512_mul_ps(d[p], load_bytes(s + g * kPanelRows, !Format::kHasMin));
          if constexpr (Format::kHasMin)
            min = _mm512_mul_ps(dmin[p], load_bytes(s + (kGroups + g) * kPanelRows, false));
        } else {
          scale = Format::kHasBf16Scales ? load_bf16(s) : load_f16(s);
          if constexpr (Format::kHasMin) min = load_f16(s + 2 * kPanelRows);
        }
        for (std::size_t t = 0; t < T; ++t) {
          const float dx = x.scales[b * T + t];
          const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(dx));
          sums[t][p] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[g][t][p]), factor, sums[t][p]);
          if constexpr (Format::kHasMin) {
            const float scaled_sum = kGroups == 1
                                         ? x.scaled_sums[b * T + t]
                                         : dx * -static_cast<float>(x.negative_sums[(b * 2 + g) * T + t]);
            sums[t][p] = _mm512_fmadd_ps(min, _mm512_set1_ps(scaled_sum), sums[t][p]);
          }
        }
      }
    }
  }
  for (std::size_t t = 0; t < T; ++t)
    for (std::size_t p = 0; p < P; ++p) _mm512_storeu_ps(y + t * y_stride + p * kPanelRows, sums[t][p]);
}

/// Runs `body<P>` on groups of `Together` panels, then on the rest one by one.
template <std::size_t Together, typename Body>
inline void in_groups(const PanelView& panels, float* y, const Body& body) noexcept {
  std::size_t p = 0;
  for (; p + Together <= panels.n_panels; p += Together)
    body.template operator()<Together>(panels.at(p), y + p * kPanelRows);
  for (; p < panels.n_panels; ++p) body.template operator()<1>(panels.at(p), y + p * kPanelRows);
}

template <DType D, std::size_t T>
void quantized_tile(const PanelView& panels, const ActivationTile& x, float* y,
                    std::size_t y_stride) noexcept {
  // Two groups need twice the integer sums; one row has nothing to share.
  constexpr std::size_t kTogether = T == 1 || (T == 8 && PackedFormat<D>::kGroups == 2) ? 1 : 2;
  in_groups<kTogether>(panels, y, [&]<std::size_t P>(const PanelView& part, float* out) {
    quantized_panels<D, T, P>(part, x, out, y_stride);
  });
}

// A sum is one chain of additions, so that its order never changes; several panels together keep the adders
// busy. With few rows four panels, with eight rows two (16 sums in registers).
template <std::size_t T>
constexpr std::size_t kPanelsTogether = T <= 2 ? 4 : 2;

template <std::size_t T, std::size_t P, bool IsF16>
[[QN_TARGET]] void float_panels(const PanelView& panels, const ActivationTile& x, float* y,
                                std::size_t y_stride) noexcept {
  __m512 sums[T][P];
  for (auto& row : sums)
    for (auto& sum : row) sum = _mm512_setzero_ps();
  constexpr std::size_t kBytes = IsF16 ? 2 * kPanelRows : 4 * kPanelRows;
  for (std::size_t k = 0; k < panels.n_cols; ++k) {
    __m512 w[P];
    for (std::size_t p = 0; p < P; ++p) {
      const std::uint8_t* at = panels.codes + p * panels.stride + k * kBytes;
      _mm_prefetch(at + 2048, _MM_HINT_T0);
      w[p] = IsF16 ? load_f16(at) : _mm512_loadu_ps(at);
    }
    for (std::size_t t = 0; t < T; ++t) {
      const __m512 value = _mm512_set1_ps(x.floats[k * T + t]);
      for (std::size_t p = 0; p < P; ++p) sums[t][p] = _mm512_fmadd_ps(value, w[p], sums[t][p]);
    }
  }
  for (std::size_t t = 0; t < T; ++t)
    for (std::size_t p = 0; p < P; ++p) _mm512_storeu_ps(y + t * y_stride + p * kPanelRows, sums[t][p]);
}

template <std::size_t T, bool IsF16>
void float_tile(const PanelView& panels, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  in_groups<kPanelsTogether<T>>(panels, y, [&]<std::size_t P>(const PanelView& part, float* out) {
    float_panels<T, P, IsF16>(part, x, out, y_stride);
  });
}

template <std::size_t T, std::size_t P>
[[QN_TARGET_BF16]] void bf16_panels(const PanelView& panels, const ActivationTile& x, float* y,
                                    std::size_t y_stride) noexcept {
  __m512 sums[T][P];
  for (auto& row : sums)
    for (auto& sum : row) sum = _mm512_setzero_ps();
  const std::size_t n_pairs = (panels.n_cols + 1) / 2;
  for (std::size_t pair = 0; pair < n_pairs; ++pair) {
    __m512bh w[P];
    for (std::size_t p = 0; p < P; ++p) {
      const std::uint8_t* at = panels.codes + p * panels.stride + pair * 64;
      _mm_prefetch(at + 2048, _MM_HINT_T0);
      w[p] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(at));
    }
    for (std::size_t t = 0; t < T; ++t) {
      std::int32_t two;
      std::memcpy(&two, x.halves + (pair * T + t) * 2, sizeof two);
      const auto value = reinterpret_cast<__m512bh>(_mm512_set1_epi32(two));
      for (std::size_t p = 0; p < P; ++p) sums[t][p] = _mm512_dpbf16_ps(sums[t][p], value, w[p]);
    }
  }
  for (std::size_t t = 0; t < T; ++t)
    for (std::size_t p = 0; p < P; ++p) _mm512_storeu_ps(y + t * y_stride + p * kPanelRows, sums[t][p]);
}

template <std::size_t T>
void bf16_tile(const PanelView& panels, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  in_groups<kPanelsTogether<T>>(panels, y, [&]<std::size_t P>(const PanelView& part, float* out) {
    bf16_panels<T, P>(part, x, out, y_stride);
  });
}

/// The same sums without vdpbf16ps.
template <std::size_t T, std::size_t P>
[[QN_TARGET]] void bf16_panels_by_f32(const PanelView& panels, const ActivationTile& x, float* y,
                                      std::size_t y_stride) noexcept {
  __m512 sums[T][P];
  for (auto& row : sums)
    for (auto& sum : row) sum = _mm512_setzero_ps();
  const __m512i high = _mm512_set1_epi32(static_cast<int>(0xFFFF'0000));
  const std::size_t n_pairs = (panels.n_cols + 1) / 2;
  for (std::size_t pair = 0; pair < n_pairs; ++pair) {
    __m512 first[P], second[P];
    for (std::size_t p = 0; p < P; ++p) {
      const __m512i both = _mm512_loadu_si512(panels.codes + p * panels.stride + pair * 64);
      first[p] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
      second[p] = _mm512_castsi512_ps(_mm512_and_si512(both, high));
    }
    for (std::size_t t = 0; t < T; ++t) {
      const __m512 x_first = _mm512_set1_ps(x.floats[2 * pair * T + t]);
      const __m512 x_second = _mm512_set1_ps(x.floats[(2 * pair + 1) * T + t]);
      for (std::size_t p = 0; p < P; ++p) {
        sums[t][p] = _mm512_fmadd_ps(x_first, first[p], sums[t][p]);
        sums[t][p] = _mm512_fmadd_ps(x_second, second[p], sums[t][p]);
      }
    }
  }
  for (std::size_t t = 0; t < T; ++t)
    for (std::size_t p = 0; p < P; ++p) _mm512_storeu_ps(y + t * y_stride + p * kPanelRows, sums[t][p]);
}

template <std::size_t T>
void bf16_tile_by_f32(const PanelView& panels, const ActivationTile& x, float* y,
                      std::size_t y_stride) noexcept {
  in_groups<kPanelsTogether<T>>(panels, y, [&]<std::size_t P>(const PanelView& part, float* out) {
    bf16_panels_by_f32<T, P>(part, x, out, y_stride);
  });
}

}  // namespace

bool supported() noexcept {
  return cpu_features().has_avx512_vnni;
}

MatmulFunctions bf16_functions_by_f32() noexcept {
  return {{bf16_tile_by_f32<1>, bf16_tile_by_f32<2>, bf16_tile_by_f32<4>, bf16_tile_by_f32<8>}};
}

MatmulFunctions matmul_functions(DType type) noexcept {
  MatmulFunctions functions;
  switch (type) {
    case DType::f32:
      return {{float_tile<1, false>, float_tile<2, false>, float_tile<4, false>, float_tile<8, false>}};
    case DType::f16:
      return {{float_tile<1, true>, float_tile<2, true>, float_tile<4, true>, float_tile<8, true>}};
    case DType::bf16:
      if (cpu_features().has_avx512_bf16) return {{bf16_tile<1>, bf16_tile<2>, bf16_tile<4>, bf16_tile<8>}};
      return bf16_functions_by_f32();
    default: break;
  }
  with_packed_format(type, [&]<DType D>() {
    functions = {{quantized_tile<D, 1>, quantized_tile<D, 2>, quantized_tile<D, 4>, quantized_tile<D, 8>}};
  });
  return functions;
}

[[QN_TARGET]] void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                                std::int32_t* negative_sums, float* scaled_sums) noexcept {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFF'FFFF);
  for (std::size_t b = 0; b < n / kBlock; ++b) {
    const __m512 first = _mm512_loadu_ps(x + b * kBlock);
    const __m512 second = _mm512_loadu_ps(x + b * kBlock + 16);
    const std::uint32_t largest_bits =
        _mm512_reduce_max_epu32(_mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(first), magnitude),
                                                 _mm512_and_si512(_mm512_castps_si512(second), magnitude)));
    if (largest_bits >= kInfinityBits) {
      std::memset(codes + b * kBlock, 0, kBlock);
      negative_sums[b * 2] = negative_sums[b * 2 + 1] = 0;
      scales[b] = scaled_sums[b] = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const auto largest = std::bit_cast<float>(largest_bits);
    const bool is_zero = largest < kSmallestMaximum;
    const float d = is_zero ? 0.0f : largest / 127.0f;
    const __m512 inverse = _mm512_set1_ps(is_zero ? 0.0f : 127.0f / largest);
    const __m512i q0 = _mm512_cvtps_epi32(_mm512_mul_ps(first, inverse));
    const __m512i q1 = _mm512_cvtps_epi32(_mm512_mul_ps(second, inverse));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + b * kBlock), _mm512_cvtepi32_epi8(q0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + b * kBlock + 16), _mm512_cvtepi32_epi8(q1));
    const std::int32_t sum0 = _mm512_reduce_add_epi32(q0), sum1 = _mm512_reduce_add_epi32(q1);
    negative_sums[b * 2] = -sum0;
    negative_sums[b * 2 + 1] = -sum1;
    scales[b] = d;
    scaled_sums[b] = d * static_cast<float>(sum0 + sum1);
  }
}

}  // namespace quintet::kernels::avx512

#endif  // __x86_64__
