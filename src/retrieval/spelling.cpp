#include "retrieval/spelling.h"

#include <algorithm>

#include "core/text.h"

namespace quintet::retrieval {

namespace {

constexpr std::size_t kMinLetters = 5;
constexpr std::size_t kMaxLetters = 32;

std::u32string letters_of(std::string_view word) {
  std::u32string letters;
  for (std::size_t pos = 0; pos < word.size();) letters.push_back(next_code_point(word, pos));
  return letters;
}

/// Hash of `letters` without the one at `skip` (none when skip == size).
std::uint64_t hash_without(const std::u32string& letters, std::size_t skip) {
  std::uint64_t h = 0xCBF2'9CE4'8422'2325;
  for (std::size_t i = 0; i < letters.size(); ++i)
    if (i != skip) h = (h ^ letters[i]) * 0x0000'0100'0000'01B3;
  return h ^ (h >> 29);
}

/// One insertion, deletion, substitution or swap of neighbours.
bool is_one_edit(const std::u32string& a, const std::u32string& b) {
  const std::u32string& longer = a.size() >= b.size() ? a : b;
  const std::u32string& shorter = a.size() >= b.size() ? b : a;
  if (longer.size() - shorter.size() > 1) return false;
  std::size_t i = 0;
  while (i < shorter.size() && longer[i] == shorter[i]) ++i;
  if (longer.size() != shorter.size()) return longer.substr(i + 1) == shorter.substr(i);
  if (i == longer.size() || longer.substr(i + 1) == shorter.substr(i + 1)) return true;
  return i + 1 < longer.size() && longer[i] == shorter[i + 1] && longer[i + 1] == shorter[i] &&
         longer.substr(i + 2) == shorter.substr(i + 2);
}

bool is_number(const std::u32string& letters) {
  for (const char32_t c : letters)
    if (c >= U'0' && c <= U'9') return true;
  return false;
}

}  // namespace

void SpellingIndex::add(std::string_view word, std::size_t weight) {
  const auto [found, is_new] =
      ids_.try_emplace(std::hash<std::string_view>{}(word), static_cast<std::uint32_t>(words_.size()));
  if (!is_new) {
    words_[found->second].weight += weight;
    return;
  }
  words_.push_back({letters_of(word), std::string(word), weight});
  const std::u32string& letters = words_.back().letters;
  if (letters.size() < kMinLetters || letters.size() > kMaxLetters || is_number(letters)) return;
  for (std::size_t skip = 0; skip <= letters.size(); ++skip) {
    deletions_.push_back({hash_without(letters, skip), found->second});
  }
}

void SpellingIndex::finish() {
  std::sort(deletions_.begin(), deletions_.end(), [](const Deletion& a, const Deletion& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.word < b.word;
  });
  deletions_.shrink_to_fit();
}

std::string_view SpellingIndex::nearest(std::string_view word) const {
  const std::u32string letters = letters_of(word);
  if (letters.size() < kMinLetters || letters.size() > kMaxLetters || is_number(letters)) return {};
  const Word* best = nullptr;
  for (std::size_t skip = 0; skip <= letters.size(); ++skip) {
    const std::uint64_t hash = hash_without(letters, skip);
    auto it = std::lower_bound(deletions_.begin(), deletions_.end(), hash,
                               [](const Deletion& d, std::uint64_t h) { return d.hash < h; });
    for (; it != deletions_.end() && it->hash == hash; ++it) {
      const Word& known = words_[it->word];
      // Slips rarely touch the first letter, and other words often differ in it ("ration", "nation").
      if (letters[0] != known.letters[0] || !is_one_edit(letters, known.letters)) continue;
      if (!best || known.weight > best->weight || (known.weight == best->weight && known.text < best->text)) {
        best = &known;
      }
    }
  }
  return best ? std::string_view(best->text) : std::string_view();
}

}  // namespace quintet::retrieval
