#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace quintet {

/// Mixes the bytes of a short string (multiply and fold, as in wyhash).
inline std::uint64_t hash_bytes(std::string_view bytes) noexcept {
  const char* p = bytes.data();
  const std::size_t n = bytes.size();
  const auto fold = [](std::uint64_t a, std::uint64_t b) noexcept {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto load8 = [](const char* at) noexcept {
    std::uint64_t value;
    std::memcpy(&value, at, 8);
    return value;
  };
  const auto load4 = [](const char* at) noexcept {
    std::uint32_t value;
    std::memcpy(&value, at, 4);
    return static_cast<std::uint64_t>(value);
  };
  constexpr std::uint64_t kA = 0x9E3779B97F4A7C15, kB = 0xD6E8FEB86659FD93;
  std::uint64_t hash = n * kA;
  if (n > 16) {
    std::size_t i = 0;
    for (; i + 16 < n; i += 16) hash = fold(load8(p + i) ^ kA ^ hash, load8(p + i + 8) ^ kB);
    return fold(load8(p + n - 16) ^ kA ^ hash, load8(p + n - 8) ^ kB);
  }
  if (n >= 8) return fold(load8(p) ^ kA ^ hash, load8(p + n - 8) ^ kB);
  if (n >= 4) return fold((load4(p) << 32 | load4(p + n - 4)) ^ kA, kB ^ hash);
  if (n == 0) return kB;
  const auto first = static_cast<unsigned char>(p[0]);
  const auto middle = static_cast<unsigned char>(p[n / 2]);
  const auto last = static_cast<unsigned char>(p[n - 1]);
  return fold((static_cast<std::uint64_t>(first) << 16 | static_cast<std::uint64_t>(middle) << 8 | last) ^ kA,
              kB ^ hash);
}

/// Byte strings to ids, for looking words up without allocating. Keeps one copy of all strings. Filled once,
/// then immutable; `find` may run concurrently.
class PieceTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  explicit PieceTable(std::size_t n_expected = 0);
  /// Returns the id that `piece` has now: `id`, or the one it was given before.
  std::uint32_t insert(std::string_view piece, std::uint32_t id);

  std::uint32_t find(std::string_view piece) const noexcept {
    const std::uint64_t hash = hash_bytes(piece);
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.id == kNone) return kNone;
      if (slot.tag == static_cast<std::uint32_t>(hash >> 32) && slot.length == piece.size() &&
          std::memcmp(bytes_.data() + slot.offset, piece.data(), piece.size()) == 0) {
        return slot.id;
      }
    }
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t id = kNone;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
  };
  void grow();

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t n_ = 0;
  std::vector<char> bytes_;
};

}  // namespace quintet
