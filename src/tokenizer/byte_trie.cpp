#include "tokenizer/byte_trie.h"

#include <algorithm>

namespace quintet {

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, std::uint32_t>> entries) {
  std::erase_if(entries, [](const auto& entry) { return entry.first.empty(); });
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  entries.erase(std::unique(entries.begin(), entries.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }),
                entries.end());
  // One level at a time: a node is the range of entries that share its first `depth` bytes.
  struct Range {
    std::size_t begin, end;
  };
  std::vector<Range> level{{0, entries.size()}};
  labels_.push_back('\0');
  values_.push_back(kNoValue);
  for (std::size_t depth = 0; !level.empty(); ++depth) {
    std::vector<Range> next;
    for (const Range& range : level) {
      children_.push_back(static_cast<std::uint32_t>(labels_.size()));
      std::size_t i = range.begin;
      if (i < range.end && entries[i].first.size() == depth) ++i;
      while (i < range.end) {
        const char c = entries[i].first[depth];
        const std::size_t begin = i;
        while (i < range.end && entries[i].first[depth] == c) ++i;
        if (depth == 0) first_[static_cast<unsigned char>(c)] = static_cast<std::uint32_t>(labels_.size());
        labels_.push_back(c);
        values_.push_back(entries[begin].first.size() == depth + 1 ? entries[begin].second : kNoValue);
        next.push_back({begin, i});
      }
    }
    level = std::move(next);
  }
  children_.push_back(static_cast<std::uint32_t>(labels_.size()));
}

ByteTrie::Found ByteTrie::longest_prefix(std::string_view text) const noexcept {
  Found found;
  std::uint32_t node = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    node = child(node, text[i]);
    if (node == kNoNode) break;
    if (values_[node] != kNoValue) found = {static_cast<std::uint32_t>(i + 1), values_[node]};
  }
  return found;
}

}  // namespace quintet
