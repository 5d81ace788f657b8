#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quintet {

/// Appends `value` in 7-bit groups, the lowest first (unsigned LEB128, DWARF 5 section 7.6).
inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

/// Reads what append_varint() wrote at `pos` and moves past it. Nothing where the bytes end early or do not
/// fit into 64 bits.
inline std::optional<std::uint64_t> take_varint(std::string_view bytes, std::size_t& pos) noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; pos < bytes.size() && shift < 64; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes[pos++]);
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

}  // namespace quintet
