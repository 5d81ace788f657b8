#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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
  void finish();

  bool contains(std::string_view word) const { return ids_.contains(std::hash<std::string_view>{}(word)); }

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
  struct Deletion {
    std::uint64_t hash = 0;
    std::uint32_t word = 0;
  };
  std::unordered_map<std::size_t, std::uint32_t> ids_;  // by hash of the word
  std::vector<Deletion> deletions_;                     // sorted by finish()
};

}  // namespace quintet::retrieval
