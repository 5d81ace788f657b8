// AVX-512 with VNNI: one register holds a quad of columns of the panel's 16 rows, vpdpbusd adds four products
// to each row's sum. Eight rows of activations share the unpacked codes of a block: 64 vpdpbusd on 12
// instructions of unpacking. bf16 weights use vdpbf16ps where the processor has it, else the same products
// through f32.
#include <cstring>
#include <immintrin.h>

#include "kernels/cpu_features.h"
#include "kernels/matmul.h"

#define QN_TARGET gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c")
#define QN_TARGET_BF16 gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,fma,f16c")

namespace quintet::kernels::avx512 {

namespace {

[[QN_TARGET, gnu::always_inline]] inline __m512 load_f16(const std::uint8_t* p) noexcept {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
[[QN_TARGET, gnu::always_inline]] inline __m512 load_bf16(const std::uint8_t* p) noexcept {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
[[QN_TARGET, gnu::always_inline]] inline __m512 load_bytes(const std::uint8_t* p, bool is_signed) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
}

template <typename Format>
[[QN_TARGET, gnu::always_inline]] inline void unpack(const std::uint8_t* codes, __m512i table,
                                                     __m512i out[8]) noexcept {
  if constexpr (Format::kBits == 8) {
    for (int j = 0; j < 8; ++j) out[j] = _mm512_loadu_si512(codes + 64 * j);
    return;
  }
  const __m512i low = _mm512_set1_epi8(15);
  for (int j = 0; j < 4; ++j) {
    const __m512i both = _mm512_loadu_si512(codes + 64 * j);
    out[j] = _mm512_and_si512(both, low);
    out[j + 4] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  }
  if constexpr (Format::kTable != nullptr)
    for (int j = 0; j < 8; ++j) out[j] = _mm512_shuffle_epi8(table, out[j]);
  for (int plane = 0; plane < Format::kBits - 4; ++plane) {
    const __m512i value = _mm512_set1_epi8(static_cast<char>(16 << plane));
    for (int j = 0; j < 8; ++j) {
      std::uint64_t bits;
      std::memcpy(&bits, codes + 256 + 64 * plane + 8 * j, sizeof bits);
      out[j] = _mm512_mask_add_epi8(out[j], _cvtu64_mask64(bits), out[j], value);
    }
  }
}

template <typename Format>
[[QN_TARGET, gnu::always_inline]] inline __m512i table_of() noexcept {
  if constexpr (Format::kTable == nullptr) {
    return _mm512_setzero_si512();
  } else {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(Format::kTable));
    return _mm512_broadcast_i32x4(_mm_xor_si128(values, _mm_set1_epi8(static_cast<char>(0x80))));
  }
}

template <DType D, std::size_t T>
[[QN_TARGET]] void quantized_tile(const PanelView& panel, const ActivationTile& x, float* y,
                                  std::size_t y_stride) noexcept {
  using Format = PackedFormat<D>;
  constexpr int kQuads = static_cast<int>(Format::kGroup / 4);
  const __m512i table = table_of<Format>();
  __m512 sums[T];
  for (std::size_t t = 0; t < T; ++t) sums[t] = _mm512_setzero_ps();
  __m512 d = _mm512_setzero_ps(), dmin = _mm512_setzero_ps();
  const std::size_t n_blocks = panel.n_cols / kBlock;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* codes = panel.codes + b * Format::kCodeBytes;
    const std::uint8_t* scales = panel.scales + scale_offset<Format>(b);
    _mm_prefetch(codes + 8 * Format::kCodeBytes, _MM_HINT_T0);
    if constexpr (T <= 2) {  // few rows: the time is in reading, so ask for what comes
      for (std::size_t line = 64; line < Format::kCodeBytes; line += 64)
        _mm_prefetch(codes + 8 * Format::kCodeBytes + line, _MM_HINT_T0);
    }
    if constexpr (Format::kIsSuper) {
      if (b % kBlocksPerSuper == 0) {
        const std::uint8_t* super = panel.scales + super_offset<Format>(b);
        d = load_f16(super);
        if constexpr (Format::kHasMin)
          dmin = _mm512_sub_ps(_mm512_setzero_ps(), load_f16(super + 2 * kPanelRows));
      }
    }
    __m512i w[8];
    unpack<Format>(codes, table, w);
    for (std::size_t g = 0; g < Format::kGroups; ++g) {
      __m512 scale, min = _mm512_setzero_ps();
      if constexpr (Format::kIsSuper) {
        scale = _mm512_mul_ps(d, load_bytes(scales + g * kPanelRows, !Format::kHasMin));
        if constexpr (Format::kHasMin)
          min = _mm512_mul_ps(dmin, load_bytes(scales + (Format::kGroups + g) * kPanelRows, false));
      } else {
        scale = Format::kHasBf16Scales ? load_bf16(scales) : load_f16(scales);
        if constexpr (Format::kHasMin) min = load_f16(scales + 2 * kPanelRows);
      }
      for (std::size_t t = 0; t < T; ++t) {
        __m512i dots = _mm512_setzero_si512();
        if constexpr (Format::kOffsetLog2 >= 0) {
          const std::int32_t* negative = x.negative_sums + (b * 2 + g) * T + t;
          const std::int32_t sum = Format::kGroups == 1 ? negative[0] + negative[T] : negative[0];
          dots = _mm512_set1_epi32(sum * (1 << Format::kOffsetLog2));
        }
        const std::int8_t* q = x.codes + ((b * 8 + g * 4) * T + t) * 4;
        for (int j = 0; j < kQuads; ++j) {
          std::int32_t four;
          std::memcpy(&four, q + static_cast<std::size_t>(j) * T * 4, sizeof four);
          dots = _mm512_dpbusd_epi32(dots, w[static_cast<int>(g) * 4 + j], _mm512_set1_epi32(four));
        }
        const float dx = x.scales[b * T + t];
        sums[t] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), _mm512_mul_ps(scale, _mm512_set1_ps(dx)), sums[t]);
        if constexpr (Format::kHasMin) {
          const float scaled_sum = Format::kGroups == 1
                                       ? x.scaled_sums[b * T + t]
                                       : dx * -static_cast<float>(x.negative_sums[(b * 2 + g) * T + t]);
          sums[t] = _mm512_fmadd_ps(min, _mm512_set1_ps(scaled_sum), sums[t]);
        }
      }
    }
  }
  for (std::size_t t = 0; t < T; ++t) _mm512_storeu_ps(y + t * y_stride, sums[t]);
}

template <std::size_t T, bool IsF16>
[[QN_TARGET]] void float_tile(const PanelView& panel, const ActivationTile& x, float* y,
                              std::size_t y_stride) noexcept {
  __m512 sums[T];
  for (std::size_t t = 0; t < T; ++t) sums[t] = _mm512_setzero_ps();
  constexpr std::size_t kBytes = IsF16 ? 2 * kPanelRows : 4 * kPanelRows;
  for (std::size_t k = 0; k < panel.n_cols; ++k) {
    const std::uint8_t* p = panel.codes + k * kBytes;
    if constexpr (T <= 2) _mm_prefetch(p + 4096, _MM_HINT_T0);
    const __m512 w = IsF16 ? load_f16(p) : _mm512_loadu_ps(p);
    for (std::size_t t = 0; t < T; ++t)
      sums[t] = _mm512_fmadd_ps(_mm512_set1_ps(x.floats[k * T + t]), w, sums[t]);
  }
  for (std::size_t t = 0; t < T; ++t) _mm512_storeu_ps(y + t * y_stride, sums[t]);
}

template <std::size_t T>
[[QN_TARGET_BF16]] void bf16_tile(const PanelView& panel, const ActivationTile& x, float* y,
                                  std::size_t y_stride) noexcept {
  __m512 sums[T];
  for (std::size_t t = 0; t < T; ++t) sums[t] = _mm512_setzero_ps();
  const std::size_t n_pairs = (panel.n_cols + 1) / 2;
  for (std::size_t pair = 0; pair < n_pairs; ++pair) {
    const std::uint8_t* p = panel.codes + pair * 64;
    if constexpr (T <= 2) _mm_prefetch(p + 4096, _MM_HINT_T0);
    const auto w = reinterpret_cast<__m512bh>(_mm512_loadu_si512(p));
    for (std::size_t t = 0; t < T; ++t) {
      std::int32_t two;
      std::memcpy(&two, x.halves + (pair * T + t) * 2, sizeof two);
      sums[t] = _mm512_dpbf16_ps(sums[t], reinterpret_cast<__m512bh>(_mm512_set1_epi32(two)), w);
    }
  }
  for (std::size_t t = 0; t < T; ++t) _mm512_storeu_ps(y + t * y_stride, sums[t]);
}

/// The same sums without vdpbf16ps.
template <std::size_t T>
[[QN_TARGET]] void bf16_tile_by_f32(const PanelView& panel, const ActivationTile& x, float* y,
                                    std::size_t y_stride) noexcept {
  __m512 sums[T];
  for (std::size_t t = 0; t < T; ++t) sums[t] = _mm512_setzero_ps();
  const __m512i high = _mm512_set1_epi32(static_cast<int>(0xFFFF'0000));
  const std::size_t n_pairs = (panel.n_cols + 1) / 2;
  for (std::size_t pair = 0; pair < n_pairs; ++pair) {
    const __m512i both = _mm512_loadu_si512(panel.codes + pair * 64);
    const __m512 first = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    const __m512 second = _mm512_castsi512_ps(_mm512_and_si512(both, high));
    for (std::size_t t = 0; t < T; ++t) {
      std::uint32_t two;
      std::memcpy(&two, x.halves + (pair * T + t) * 2, sizeof two);
      const __m512i x2 = _mm512_set1_epi32(static_cast<int>(two));
      sums[t] = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(x2, 16)), first, sums[t]);
      sums[t] = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(x2, high)), second, sums[t]);
    }
  }
  for (std::size_t t = 0; t < T; ++t) _mm512_storeu_ps(y + t * y_stride, sums[t]);
}

}  // namespace

bool supported() noexcept {
  return cpu_features().has_avx512_vnni;
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
      return {{bf16_tile_by_f32<1>, bf16_tile_by_f32<2>, bf16_tile_by_f32<4>, bf16_tile_by_f32<8>}};
    default: break;
  }
  with_packed_format(type, [&]<DType D>() {
    functions = {{quantized_tile<D, 1>, quantized_tile<D, 2>, quantized_tile<D, 4>, quantized_tile<D, 8>}};
  });
  return functions;
}

[[QN_TARGET]] void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                                std::int32_t* negative_sums, float* scaled_sums) noexcept {
  const __m512 sign = _mm512_set1_ps(-0.0f);
  for (std::size_t b = 0; b < n / kBlock; ++b) {
    const __m512 first = _mm512_loadu_ps(x + b * kBlock);
    const __m512 second = _mm512_loadu_ps(x + b * kBlock + 16);
    const float largest =
        _mm512_reduce_max_ps(_mm512_max_ps(_mm512_andnot_ps(sign, first), _mm512_andnot_ps(sign, second)));
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
