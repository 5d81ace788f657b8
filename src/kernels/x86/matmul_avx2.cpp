#if defined(__x86_64__)
#include <bit>
#include <cstring>
#include <immintrin.h>
#include <limits>

#include "kernels/cpu_features.h"
#include "kernels/matmul.h"

#define QN_ISA avx2
#define QN_TARGET gnu::target("avx2,fma,f16c")
#define QN_HAS_VNNI 0
#include "kernels/x86/matmul_256.inc"

namespace quintet::kernels::avx2 {

bool supported() noexcept {
  return cpu_features().has_avx2;
}

[[QN_TARGET]] void quantize_row(const float* x, std::size_t n, std::int8_t* codes, float* scales,
                                std::int32_t* negative_sums, float* scaled_sums) noexcept {
  const __m256i magnitude = _mm256_set1_epi32(0x7FFF'FFFF);
  for (std::size_t b = 0; b < n / kBlock; ++b) {
    __m256 v[4];
    __m256i most = _mm256_setzero_si256();
    for (std::size_t i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + b * kBlock + 8 * i);
      most = _mm256_max_epu32(most, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude));
    }
    alignas(32) std::uint32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), most);
    std::uint32_t largest_bits = 0;
    for (const std::uint32_t lane : lanes) largest_bits = lane > largest_bits ? lane : largest_bits;
    if (largest_bits >= kInfinityBits) {
      std::memset(codes + b * kBlock, 0, kBlock);
      negative_sums[b * 2] = negative_sums[b * 2 + 1] = 0;
      scales[b] = scaled_sums[b] = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const auto largest = std::bit_cast<float>(largest_bits);
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
