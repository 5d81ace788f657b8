#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

/// The processor's tile registers (Intel AMX; "Intel 64 and IA-32 Architectures Software Developer's Manual",
/// volume 1, chapter 18), as functions whose tiles are template arguments. With QN_EMULATE_TILES the same
/// functions work on memory, so that a kernel's arithmetic is tested where there are no tiles.
namespace quintet::kernels {

/// Rows and bytes per row of each tile.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  constexpr void set(int tile, std::size_t n_rows, std::size_t n_bytes) noexcept {
    rows[tile] = static_cast<std::uint8_t>(n_rows);
    row_bytes[tile] = static_cast<std::uint16_t>(n_bytes);
  }
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace quintet::kernels

#if !defined(QN_EMULATE_TILES)

#define QN_TILE_TARGET "amx-tile,amx-int8,amx-bf16"
#define QN_TILE_INLINE [[gnu::target(QN_TILE_TARGET), gnu::always_inline]] inline

namespace quintet::kernels::tiles {

QN_TILE_INLINE void configure(const TileConfig& config) noexcept {
  _tile_loadconfig(&config);
}
/// Gives the registers back, so that a switch of threads need not save them.
QN_TILE_INLINE void release() noexcept {
  _tile_release();
}
template <int Tile>
QN_TILE_INLINE void zero() noexcept {
  _tile_zero(Tile);
}
template <int Tile>
QN_TILE_INLINE void load(const void* base, std::size_t stride) noexcept {
  _tile_loadd(Tile, base, stride);
}
template <int Tile>
QN_TILE_INLINE void store(void* base, std::size_t stride) noexcept {
  _tile_stored(Tile, base, stride);
}
/// sums[m][n] += Σ a[m][k] · b[k / 4][n][k % 4], a of signed and b of unsigned bytes, sums of 32 bits.
template <int Sums, int A, int B>
QN_TILE_INLINE void add_byte_products() noexcept {
  _tile_dpbsud(Sums, A, B);
}
/// sums[m][n] += Σ a[m][k] · b[k / 2][n][k % 2] of bf16, sums of f32: even and odd k apart, then both.
template <int Sums, int A, int B>
QN_TILE_INLINE void add_bf16_products() noexcept {
  _tile_dpbf16ps(Sums, A, B);
}

}  // namespace quintet::kernels::tiles

#else

#define QN_TILE_TARGET "sse2"
#define QN_TILE_INLINE inline

namespace quintet::kernels::tiles {

struct EmulatedTiles {
  TileConfig config;
  std::uint8_t data[8][16][64];
};
inline thread_local EmulatedTiles emulated;

inline void configure(const TileConfig& config) noexcept {
  emulated = {};
  emulated.config = config;
}
inline void release() noexcept {
  emulated = {};
}
template <int Tile>
void zero() noexcept {
  std::memset(emulated.data[Tile], 0, sizeof emulated.data[Tile]);
}
template <int Tile>
void load(const void* base, std::size_t stride) noexcept {
  zero<Tile>();
  for (std::size_t r = 0; r < emulated.config.rows[Tile]; ++r)
    std::memcpy(emulated.data[Tile][r], static_cast<const std::uint8_t*>(base) + r * stride,
                emulated.config.row_bytes[Tile]);
}
template <int Tile>
void store(void* base, std::size_t stride) noexcept {
  for (std::size_t r = 0; r < emulated.config.rows[Tile]; ++r)
    std::memcpy(static_cast<std::uint8_t*>(base) + r * stride, emulated.data[Tile][r],
                emulated.config.row_bytes[Tile]);
}
template <int Sums, int A, int B>
void add_byte_products() noexcept {
  for (std::size_t m = 0; m < emulated.config.rows[Sums]; ++m)
    for (std::size_t n = 0; n < emulated.config.row_bytes[Sums] / 4u; ++n) {
      std::int32_t sum;
      std::memcpy(&sum, &emulated.data[Sums][m][4 * n], 4);
      for (std::size_t k = 0; k < emulated.config.row_bytes[A]; ++k)
        sum += static_cast<std::int8_t>(emulated.data[A][m][k]) * emulated.data[B][k / 4][4 * n + k % 4];
      std::memcpy(&emulated.data[Sums][m][4 * n], &sum, 4);
    }
}
template <int Sums, int A, int B>
void add_bf16_products() noexcept {
  const auto value = [](const std::uint8_t* at) {
    std::uint16_t half;
    std::memcpy(&half, at, 2);
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    float result;
    std::memcpy(&result, &bits, 4);
    return result;
  };
  for (std::size_t m = 0; m < emulated.config.rows[Sums]; ++m)
    for (std::size_t n = 0; n < emulated.config.row_bytes[Sums] / 4u; ++n) {
      float parts[2] = {};
      for (std::size_t k = 0; k < emulated.config.row_bytes[A] / 2u; ++k)
        parts[k % 2] +=
            value(&emulated.data[A][m][2 * k]) * value(&emulated.data[B][k / 2][4 * n + 2 * (k % 2)]);
      float sum;
      std::memcpy(&sum, &emulated.data[Sums][m][4 * n], 4);
      sum += parts[0] + parts[1];
      std::memcpy(&emulated.data[Sums][m][4 * n], &sum, 4);
    }
}

}  // namespace quintet::kernels::tiles

#endif
