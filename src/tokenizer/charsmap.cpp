#include "tokenizer/charsmap.h"

#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

std::uint32_t read_u32(const char* p) noexcept {
  const auto* b = reinterpret_cast<const unsigned char*>(p);
  return b[0] | b[1] << 8 | b[2] << 16 | static_cast<std::uint32_t>(b[3]) << 24;
}

// Bits of a unit (github.com/s-yata/darts-clone, "DoubleArrayUnit"): 31 and 0-7 label, 8 has a value child,
// 9 the offset is stored shifted by 8, 10-30 offset; of a value child 0-30 are the value.
std::uint32_t label_of(std::uint32_t unit) noexcept {
  return unit & (1U << 31 | 0xFF);
}
bool has_value(std::uint32_t unit) noexcept {
  return (unit >> 8 & 1) != 0;
}
std::uint32_t offset_of(std::uint32_t unit) noexcept {
  return (unit >> 10) << ((unit & 1U << 9) >> 6);
}
std::uint32_t value_of(std::uint32_t unit) noexcept {
  return unit & ((1U << 31) - 1);
}

}  // namespace

Charsmap::Charsmap(std::string_view blob) {
  if (blob.empty()) return;
  if (blob.size() <= 4)
    throw CorruptData(cat("precompiled charsmap: ", blob.size(), " bytes, expected more than 4"));
  const std::uint32_t trie_bytes = read_u32(blob.data());
  if (trie_bytes > blob.size() - 4 || trie_bytes % 4 != 0 || trie_bytes < 1024) {
    throw CorruptData(
        cat("precompiled charsmap: a trie of ", trie_bytes, " bytes in a block of ", blob.size()));
  }
  units_.resize(trie_bytes / 4);
  for (std::size_t i = 0; i < units_.size(); ++i) units_[i] = read_u32(blob.data() + 4 + 4 * i);
  replacements_ = blob.substr(4 + trie_bytes);
  if (replacements_.empty() || replacements_.back() != '\0') replacements_ += '\0';
}

Charsmap::Found Charsmap::find(std::string_view text, bool shortest) const noexcept {
  Found found;
  if (units_.empty()) return found;
  std::uint32_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    node ^= c;
    if (node >= units_.size()) break;
    const std::uint32_t unit = units_[node];
    if (label_of(unit) != c) break;
    node ^= offset_of(unit);
    if (!has_value(unit)) continue;
    if (node >= units_.size()) break;
    const std::uint32_t at = value_of(units_[node]);
    if (at >= replacements_.size()) break;
    found.length = static_cast<std::uint32_t>(i + 1);
    found.replacement = std::string_view(replacements_.data() + at);
    if (shortest) break;
  }
  return found;
}

}  // namespace quintet
