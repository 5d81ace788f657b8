#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// SentencePiece's precompiled normalisation rules: a double array (Darts-clone's layout) from source strings
/// to offsets in a block of NUL-terminated replacements. Every read is bounds-checked; a lookup of a broken
/// map finds nothing. Immutable; may be used concurrently.
class Charsmap {
 public:
  Charsmap() = default;
  /// "" makes a map that changes nothing. Throws CorruptData when sizes disagree.
  explicit Charsmap(std::string_view blob);

  struct Found {
    std::uint32_t length = 0;  // bytes of the source; 0 = nothing found
    std::string_view replacement;
  };
  Found longest_prefix(std::string_view text) const noexcept { return find(text, false); }
  Found shortest_prefix(std::string_view text) const noexcept { return find(text, true); }
  bool is_empty() const noexcept { return units_.empty(); }

 private:
  Found find(std::string_view text, bool shortest) const noexcept;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace quintet
