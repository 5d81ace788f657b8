#pragma once

#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "kernels/packed_format.h"

/// Reading packed weights with AVX-512, for every kernel that multiplies them there.
#define QN_AVX512_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"

namespace quintet::kernels::avx512 {

[[gnu::target(QN_AVX512_TARGET), gnu::always_inline]] inline __m512 load_f16(const std::uint8_t* p) noexcept {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
[[gnu::target(QN_AVX512_TARGET), gnu::always_inline]] inline __m512 load_bf16(
    const std::uint8_t* p) noexcept {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
[[gnu::target(QN_AVX512_TARGET), gnu::always_inline]] inline __m512 load_bytes(const std::uint8_t* p,
                                                                               bool is_signed) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
}

/// Quads j and, in `second`, j + 4 of a block's codes, j < 4.
template <typename Format>
[[gnu::target(QN_AVX512_TARGET), gnu::always_inline]] inline void unpack(const std::uint8_t* codes, int j,
                                                                         __m512i table, __m512i& first,
                                                                         __m512i& second) noexcept {
  if constexpr (Format::kBits == 8) {
    first = _mm512_loadu_si512(codes + 64 * j);
    second = _mm512_loadu_si512(codes + 64 * (j + 4));
    return;
  }
  const __m512i low = _mm512_set1_epi8(15);
  const __m512i both = _mm512_loadu_si512(codes + 64 * j);
  first = _mm512_and_si512(both, low);
  second = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  if constexpr (Format::kTable != nullptr) {
    first = _mm512_shuffle_epi8(table, first);
    second = _mm512_shuffle_epi8(table, second);
  }
  for (int plane = 0; plane < Format::kBits - 4; ++plane) {
    const __m512i value = _mm512_set1_epi8(static_cast<char>(16 << plane));
    std::uint64_t first_bits, second_bits;
    std::memcpy(&first_bits, codes + 256 + 64 * plane + 8 * j, sizeof first_bits);
    std::memcpy(&second_bits, codes + 256 + 64 * plane + 8 * (j + 4), sizeof second_bits);
    first = _mm512_mask_add_epi8(first, _cvtu64_mask64(first_bits), first, value);
    second = _mm512_mask_add_epi8(second, _cvtu64_mask64(second_bits), second, value);
  }
}

template <typename Format>
[[gnu::target(QN_AVX512_TARGET), gnu::always_inline]] inline __m512i table_of() noexcept {
  if constexpr (Format::kTable == nullptr) {
    return _mm512_setzero_si512();
  } else {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(Format::kTable));
    return _mm512_broadcast_i32x4(_mm_xor_si128(values, _mm_set1_epi8(static_cast<char>(0x80))));
  }
}

}  // namespace quintet::kernels::avx512
