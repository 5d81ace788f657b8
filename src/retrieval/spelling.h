#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quintet::retrieval {

/// Finds the known word that a mistyped one stands for: one letter missing, added, changed, or two neighbours
/// swapped. Every known word is filed under itself without one letter (W. Garbe's symmetric delete), so a
/// look-up costs one probe per letter whatever the number of words. const methods may run concurrently.
class SpellingIndex {
 public:
  /// `weight` decides between equally near words: the more frequent wins.
  void add(std::string_view word, std::size_t weight = 1);

  bool contains(std::string_view word) const { return ids_.contains(std::string(word)); }

  /// The known word nearest to `word`, or "" where none is near enough. Words shorter than five letters are
  /// too easily another word and never corrected, nor is a first letter.
  std::string_view nearest(std::string_view word) const;

 private:
  struct Word {
    std::u32string letters;
    std::string text;
    std::size_t weight = 0;
  };
  std::vector<Word> words_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_deletion_;
};

}  // namespace quintet::retrieval
