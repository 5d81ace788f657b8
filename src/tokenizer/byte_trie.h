#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace quintet {

/// Byte strings to numbers, for finding all entries that start at a place of a text. Nodes are numbered level
/// by level, so that the children of node n are children_[n] … children_[n + 1] - 1. Immutable; may be used
/// concurrently.
class ByteTrie {
 public:
  ByteTrie() = default;
  /// Of equal keys the first counts; empty keys are left out. The strings need not outlive the call.
  explicit ByteTrie(std::vector<std::pair<std::string_view, std::uint32_t>> entries);

  struct Found {
    std::uint32_t length = 0;  // 0 = nothing found
    std::uint32_t value = 0;
  };
  Found longest_prefix(std::string_view text) const noexcept;
  bool is_empty() const noexcept { return labels_.size() <= 1; }
  bool may_start_with(char c) const noexcept { return first_[static_cast<unsigned char>(c)] != 0; }

  static constexpr std::uint32_t kNoValue = 0xFFFFFFFF;
  static constexpr std::uint32_t kNoNode = 0;  // the root is nobody's child
  /// The child of `node` (0 is the root) along `c`, or kNoNode.
  std::uint32_t child(std::uint32_t node, char c) const noexcept {
    if (node == 0) return first_[static_cast<unsigned char>(c)];
    const char* const labels = labels_.data() + children_[node];
    const std::uint32_t n = children_[node + 1] - children_[node];
    const void* const at = n > 0 ? std::memchr(labels, c, n) : nullptr;
    return at == nullptr
               ? kNoNode
               : children_[node] + static_cast<std::uint32_t>(static_cast<const char*>(at) - labels);
  }
  std::uint32_t value(std::uint32_t node) const noexcept { return values_[node]; }

 private:
  std::uint32_t first_[256] = {};
  std::vector<std::uint32_t> children_;
  std::vector<char> labels_;
  std::vector<std::uint32_t> values_;
};

}  // namespace quintet
