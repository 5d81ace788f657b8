#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Sixteen bytes at once, in the compiler's own vectors: every target that is built for has registers of that
/// size (SSE2, NEON), so what only moves bytes needs no table of instruction sets.
namespace quintet::kernels {

using Bytes = std::uint8_t __attribute__((vector_size(16)));
using Words = std::uint16_t __attribute__((vector_size(16)));
using Dwords = std::uint32_t __attribute__((vector_size(16)));

template <typename Vector = Bytes>
Vector load_vector(const void* p) noexcept {
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <typename Vector>
void store_vector(void* p, Vector v) noexcept {
  std::memcpy(p, &v, sizeof v);
}

/// Bit i is the top bit of byte i.
inline std::uint32_t top_bits(Bytes v) noexcept {
  using Signed = std::int8_t __attribute__((vector_size(16)));
  using Mask = bool __attribute__((ext_vector_type(16)));
  return std::bit_cast<std::uint16_t>(__builtin_convertvector(reinterpret_cast<Signed>(v) < 0, Mask));
}

inline Bytes low_halves(Bytes a, Bytes b) noexcept {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
inline Bytes high_halves(Bytes a, Bytes b) noexcept {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
inline Words low_halves(Words a, Words b) noexcept {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
inline Words high_halves(Words a, Words b) noexcept {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/// Transposes a matrix of 2^Rounds rows that fills N vectors. Each round interleaves the first half of the
/// elements with the second, which rotates the bits of every element's index by one place to the left; after
/// as many rounds as the row's number has bits, it stands below the column's.
template <std::size_t Rounds, typename Vector, std::size_t N>
void transpose(Vector (&m)[N]) noexcept {
  for (std::size_t round = 0; round < Rounds; ++round) {
    Vector next[N];
    for (std::size_t i = 0; i < N / 2; ++i) {
      next[2 * i] = low_halves(m[i], m[i + N / 2]);
      next[2 * i + 1] = high_halves(m[i], m[i + N / 2]);
    }
    std::memcpy(m, next, sizeof next);
  }
}

/// Four elements of 4 bytes of 16 rows: element j of row r to out + 64 · j + 4 · r.
inline void store_quads(const Bytes (&rows)[16], std::uint8_t* out) noexcept {
  for (std::size_t r = 0; r < 16; r += 4) {
    const auto a = reinterpret_cast<Dwords>(rows[r]), b = reinterpret_cast<Dwords>(rows[r + 1]);
    const auto c = reinterpret_cast<Dwords>(rows[r + 2]), d = reinterpret_cast<Dwords>(rows[r + 3]);
    const Dwords ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Dwords ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Dwords cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Dwords cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store_vector(out + 4 * r, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
    store_vector(out + 4 * r + 64, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
    store_vector(out + 4 * r + 128, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
    store_vector(out + 4 * r + 192, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
  }
}

}  // namespace quintet::kernels
