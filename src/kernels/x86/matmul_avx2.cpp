// AVX2: the panel's rows in two halves of eight. vpmaddubsw multiplies unsigned by signed bytes and adds
// pairs in 16 bits, which small codes leave room in: the sums of up to eight quads (4 bits), four (5 bits) or
// two (6 bits) are added there before they are widened. Codes of 8 bits go through |w| · sign(x, w), which
// can't overflow.
#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>

#include "kernels/cpu_features.h"
#include "kernels/matmul.h"

#define QN_TARGET gnu::target("avx2,fma,f16c")

namespace quintet::kernels::avx2 {

namespace {

constexpr std::size_t kHalf = 8;  // rows in a register of sums

[[QN_TARGET, gnu::always_inline]] inline __m256 load_f16(const std::uint8_t* p) noexcept {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
[[QN_TARGET, gnu::always_inline]] inline __m256 load_bf16(const std::uint8_t* p) noexcept {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
[[QN_TARGET, gnu::always_inline]] inline __m256 load_bytes(const std::uint8_t* p, bool is_signed) noexcept {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes));
}

/// 32 bits as 32 bytes of 0 or `value`.
[[QN_TARGET, gnu::always_inline]] inline __m256i spread_bits(std::uint32_t bits, char value) noexcept {
  const __m256i which = _mm256_setr_epi64x(0x0000'0000'0000'0000, 0x0101'0101'0101'0101,
                                           0x0202'0202'0202'0202, 0x0303'0303'0303'0303);
  const __m256i mask = _mm256_set1_epi64x(static_cast<long long>(0x8040'2010'0804'0201));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), which);
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, mask), mask), _mm256_set1_epi8(value));
}

/// Quad `j` of rows 8 · half to 8 · half + 7.
template <typename Format>
[[QN_TARGET, gnu::always_inline]] inline __m256i unpack(const std::uint8_t* codes, std::size_t j,
                                                        std::size_t half) noexcept {
  if constexpr (Format::kBits == 8) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 64 * j + 32 * half));
  } else {
    const __m256i both =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 64 * (j % 4) + 32 * half));
    __m256i w = _mm256_and_si256(j < 4 ? both : _mm256_srli_epi16(both, 4), _mm256_set1_epi8(15));
    if constexpr (Format::kTable != nullptr) {
      const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(Format::kTable));
      return _mm256_shuffle_epi8(
          _mm256_broadcastsi128_si256(_mm_xor_si128(values, _mm_set1_epi8(static_cast<char>(0x80)))), w);
    }
    for (int plane = 0; plane < Format::kBits - 4; ++plane) {
      std::uint32_t bits;
      std::memcpy(&bits, codes + 256 + 64 * static_cast<std::size_t>(plane) + 8 * j + 4 * half, sizeof bits);
      w = _mm256_or_si256(w, spread_bits(bits, static_cast<char>(16 << plane)));
    }
    return w;
  }
}

/// Largest number of quads whose sums of pairs fit into 16 bits.
template <typename Format>
constexpr int quads_in_16_bits() {
  if (Format::kTable != nullptr || Format::kBits == 8) return 1;
  return Format::kBits == 4 ? 8 : (Format::kBits == 5 ? 4 : 2);
}

template <typename Format, std::size_t T, std::size_t First, std::size_t Count>
[[QN_TARGET, gnu::always_inline]] inline void half_tile(const PanelView& panel, const ActivationTile& x,
                                                        std::size_t half, float* y,
                                                        std::size_t y_stride) noexcept {
  constexpr int kQuads = static_cast<int>(Format::kGroup / 4);
  constexpr int kTogether = quads_in_16_bits<Format>() < kQuads ? quads_in_16_bits<Format>() : kQuads;
  // Codes with an offset of 128 are signed bytes plus 128; they are multiplied as signed bytes, and no sum is
  // needed.
  constexpr bool kIsSigned = Format::kOffsetLog2 == 7;
  const __m256i ones = _mm256_set1_epi16(1);
  __m256 sums[Count];
  for (std::size_t t = 0; t < Count; ++t) sums[t] = _mm256_setzero_ps();
  __m256 d = _mm256_setzero_ps(), dmin = _mm256_setzero_ps();
  const std::size_t n_blocks = panel.n_cols / kBlock;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* codes = panel.codes + b * Format::kCodeBytes;
    const std::uint8_t* scales = panel.scales + scale_offset<Format>(b);
    if constexpr (Format::kIsSuper) {
      if (b % kBlocksPerSuper == 0) {
        const std::uint8_t* super = panel.scales + super_offset<Format>(b);
        d = load_f16(super + 2 * kHalf * half);
        if constexpr (Format::kHasMin)
          dmin = _mm256_sub_ps(_mm256_setzero_ps(), load_f16(super + 2 * (kPanelRows + kHalf * half)));
      }
    }
    for (std::size_t g = 0; g < Format::kGroups; ++g) {
      __m256 scale, min = _mm256_setzero_ps();
      if constexpr (Format::kIsSuper) {
        scale = _mm256_mul_ps(d, load_bytes(scales + g * kPanelRows + kHalf * half, !Format::kHasMin));
        if constexpr (Format::kHasMin)
          min = _mm256_mul_ps(dmin,
                              load_bytes(scales + (Format::kGroups + g) * kPanelRows + kHalf * half, false));
      } else {
        scale = Format::kHasBf16Scales ? load_bf16(scales + 2 * kHalf * half)
                                       : load_f16(scales + 2 * kHalf * half);
        if constexpr (Format::kHasMin) min = load_f16(scales + 2 * (kPanelRows + kHalf * half));
      }
      __m256i dots[Count], pairs[Count];
      for (std::size_t t = 0; t < Count; ++t) {
        dots[t] = pairs[t] = _mm256_setzero_si256();
        if constexpr (Format::kOffsetLog2 >= 0 && !kIsSigned) {
          const std::int32_t* negative = x.negative_sums + (b * 2 + g) * T + First + t;
          const std::int32_t sum = Format::kGroups == 1 ? negative[0] + negative[T] : negative[0];
          dots[t] = _mm256_set1_epi32(sum * (1 << Format::kOffsetLog2));
        }
      }
      const std::int8_t* q = x.codes + ((b * 8 + g * 4) * T + First) * 4;
      for (int j = 0; j < kQuads; ++j) {
        __m256i w = unpack<Format>(codes, g * 4 + static_cast<std::size_t>(j), half);
        if constexpr (kIsSigned) w = _mm256_xor_si256(w, _mm256_set1_epi8(static_cast<char>(0x80)));
        const __m256i magnitude = kIsSigned ? _mm256_abs_epi8(w) : w;
        for (std::size_t t = 0; t < Count; ++t) {
          std::int32_t four;
          std::memcpy(&four, q + (static_cast<std::size_t>(j) * T + t) * 4, sizeof four);
          const __m256i x4 = _mm256_set1_epi32(four);
          const __m256i products = _mm256_maddubs_epi16(magnitude, kIsSigned ? _mm256_sign_epi8(x4, w) : x4);
          pairs[t] = j % kTogether == 0 ? products : _mm256_add_epi16(pairs[t], products);
          if (j % kTogether == kTogether - 1)
            dots[t] = _mm256_add_epi32(dots[t], _mm256_madd_epi16(pairs[t], ones));
        }
      }
      for (std::size_t t = 0; t < Count; ++t) {
        const std::size_t row = First + t;
        const float dx = x.scales[b * T + row];
        sums[t] =
            _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[t]), _mm256_mul_ps(scale, _mm256_set1_ps(dx)), sums[t]);
        if constexpr (Format::kHasMin) {
          const float scaled_sum = Format::kGroups == 1
                                       ? x.scaled_sums[b * T + row]
                                       : dx * -static_cast<float>(x.negative_sums[(b * 2 + g) * T + row]);
          sums[t] = _mm256_fmadd_ps(min, _mm256_set1_ps(scaled_sum), sums[t]);
        }
      }
    }
  }
  for (std::size_t t = 0; t < Count; ++t)
    _mm256_storeu_ps(y + (First + t) * y_stride + kHalf * half, sums[t]);
}

template <DType D, std::size_t T>
[[QN_TARGET]] void quantized_panel(const PanelView& panel, const ActivationTile& x, float* y,
                                   std::size_t y_stride) noexcept {
  using Format = PackedFormat<D>;
  for (std::size_t half = 0; half < 2; ++half) {
    if constexpr (T <= 4) {
      half_tile<Format, T, 0, T>(panel, x, half, y, y_stride);
    } else {
      half_tile<Format, T, 0, 4>(panel, x, half, y, y_stride);
      half_tile<Format, T, 4, 4>(panel, x, half, y, y_stride);
    }
  }
}

template <std::size_t T, std::size_t First, std::size_t Count, bool IsF16>
[[QN_TARGET, gnu::always_inline]] inline void float_part(const PanelView& panel, const ActivationTile& x,
                                                         float* y, std::size_t y_stride) noexcept {
  __m256 sums[Count][2];
  for (auto& pair : sums) pair[0] = pair[1] = _mm256_setzero_ps();
  constexpr std::size_t kBytes = IsF16 ? 2 : 4;
  for (std::size_t k = 0; k < panel.n_cols; ++k) {
    const std::uint8_t* p = panel.codes + k * kBytes * kPanelRows;
    const __m256 w0 = IsF16 ? load_f16(p) : _mm256_loadu_ps(reinterpret_cast<const float*>(p));
    const __m256 w1 = IsF16 ? load_f16(p + kBytes * kHalf)
                            : _mm256_loadu_ps(reinterpret_cast<const float*>(p + kBytes * kHalf));
    for (std::size_t t = 0; t < Count; ++t) {
      const __m256 value = _mm256_set1_ps(x.floats[k * T + First + t]);
      sums[t][0] = _mm256_fmadd_ps(value, w0, sums[t][0]);
      sums[t][1] = _mm256_fmadd_ps(value, w1, sums[t][1]);
    }
  }
  for (std::size_t t = 0; t < Count; ++t) {
    _mm256_storeu_ps(y + (First + t) * y_stride, sums[t][0]);
    _mm256_storeu_ps(y + (First + t) * y_stride + kHalf, sums[t][1]);
  }
}

template <std::size_t T, bool IsF16>
[[QN_TARGET]] void float_panel(const PanelView& panel, const ActivationTile& x, float* y,
                               std::size_t y_stride) noexcept {
  if constexpr (T <= 4) {
    float_part<T, 0, T, IsF16>(panel, x, y, y_stride);
  } else {
    float_part<T, 0, 4, IsF16>(panel, x, y, y_stride);
    float_part<T, 4, 4, IsF16>(panel, x, y, y_stride);
  }
}

template <std::size_t T, std::size_t First, std::size_t Count>
[[QN_TARGET, gnu::always_inline]] inline void bf16_part(const PanelView& panel, const ActivationTile& x,
                                                        float* y, std::size_t y_stride) noexcept {
  const __m256i high = _mm256_set1_epi32(static_cast<int>(0xFFFF'0000));
  __m256 sums[Count][2];
  for (auto& pair : sums) pair[0] = pair[1] = _mm256_setzero_ps();
  for (std::size_t pair = 0; pair < (panel.n_cols + 1) / 2; ++pair) {
    __m256 first[2], second[2];
    for (std::size_t half = 0; half < 2; ++half) {
      const __m256i both =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(panel.codes + pair * 64 + 32 * half));
      first[half] = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
      second[half] = _mm256_castsi256_ps(_mm256_and_si256(both, high));
    }
    for (std::size_t t = 0; t < Count; ++t) {
      const __m256 x_first = _mm256_broadcast_ss(x.floats + 2 * pair * T + First + t);
      const __m256 x_second = _mm256_broadcast_ss(x.floats + (2 * pair + 1) * T + First + t);
      for (std::size_t half = 0; half < 2; ++half) {
        sums[t][half] = _mm256_fmadd_ps(x_first, first[half], sums[t][half]);
        sums[t][half] = _mm256_fmadd_ps(x_second, second[half], sums[t][half]);
      }
    }
  }
  for (std::size_t t = 0; t < Count; ++t) {
    _mm256_storeu_ps(y + (First + t) * y_stride, sums[t][0]);
    _mm256_storeu_ps(y + (First + t) * y_stride + kHalf, sums[t][1]);
  }
}

template <std::size_t T>
[[QN_TARGET]] void bf16_panel(const PanelView& panel, const ActivationTile& x, float* y,
                              std::size_t y_stride) noexcept {
  if constexpr (T <= 4) {
    bf16_part<T, 0, T>(panel, x, y, y_stride);
  } else {
    bf16_part<T, 0, 4>(panel, x, y, y_stride);
    bf16_part<T, 4, 4>(panel, x, y, y_stride);
  }
}

template <auto Panel>
void each_panel(const PanelView& panels, const ActivationTile& x, float* y, std::size_t y_stride) noexcept {
  for (std::size_t p = 0; p < panels.n_panels; ++p) Panel(panels.at(p), x, y + p * kPanelRows, y_stride);
}

template <bool IsF16>
constexpr MatmulFunctions kFloatFunctions = {
    {each_panel<float_panel<1, IsF16>>, each_panel<float_panel<2, IsF16>>, each_panel<float_panel<4, IsF16>>,
     each_panel<float_panel<8, IsF16>>}};

}  // namespace

bool supported() noexcept {
  return cpu_features().has_avx2;
}

MatmulFunctions matmul_functions(DType type) noexcept {
  MatmulFunctions functions;
  switch (type) {
    case DType::f32: return kFloatFunctions<false>;
    case DType::f16: return kFloatFunctions<true>;
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

[[QN_TARGET]] void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                                std::int32_t* negative_sums, float* scaled_sums) noexcept {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  for (std::size_t b = 0; b < n / kBlock; ++b) {
    __m256 v[4];
    __m256 most = _mm256_setzero_ps();
    for (std::size_t i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + b * kBlock + 8 * i);
      most = _mm256_max_ps(most, _mm256_andnot_ps(sign, v[i]));
    }
    alignas(32) float lanes[8];
    _mm256_store_ps(lanes, most);
    float largest = lanes[0];
    for (const float lane : lanes) largest = lane > largest ? lane : largest;
    const bool is_zero = largest < kSmallestMaximum;
    const float d = is_zero ? 0.0f : largest / 127.0f;
    const __m256 inverse = _mm256_set1_ps(is_zero ? 0.0f : 127.0f / largest);
    std::int32_t sum = 0;
    for (std::size_t half = 0; half < 2; ++half) {
      const __m256i q0 = _mm256_cvtps_epi32(_mm256_mul_ps(v[half * 2], inverse));
      const __m256i q1 = _mm256_cvtps_epi32(_mm256_mul_ps(v[half * 2 + 1], inverse));
      const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(q0, q1), 0b11'01'10'00);
      const __m128i bytes =
          _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + b * kBlock + 16 * half), bytes);
      alignas(32) std::int32_t q[8];
      _mm256_store_si256(reinterpret_cast<__m256i*>(q), _mm256_add_epi32(q0, q1));
      std::int32_t half_sum = 0;
      for (const std::int32_t lane : q) half_sum += lane;
      negative_sums[b * 2 + half] = -half_sum;
      sum += half_sum;
    }
    scales[b] = d;
    scaled_sums[b] = d * static_cast<float>(sum);
  }
}

}  // namespace quintet::kernels::avx2

#endif  // __x86_64__
