#include "retrieval/keyword_repair.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/text.h"

namespace quintet::retrieval {

namespace {

constexpr std::size_t kMaxWords = 24;             // that one unknown word may stand for
constexpr std::size_t kMaxPartPostings = 50'000;  // dictionary words looked at
constexpr float kContainingConfidence = 0.6f;
constexpr float kMisspeltConfidence = 0.8f;

std::u32string letters_of(std::string_view word) {
  std::u32string letters;
  for (std::size_t pos = 0; pos < word.size();) letters.push_back(next_code_point(word, pos));
  return letters;
}

std::string utf8(std::u32string_view letters) {
  std::string out;
  for (const char32_t c : letters) append_utf8(out, c);
  return out;
}

/// Damerau-Levenshtein distance with neighbours swapped at most once (optimal string alignment), or `limit`
/// + 1.
std::size_t edit_distance(const std::u32string& a, const std::u32string& b, std::size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

struct KnownWord {
  std::string word;
  StemEntry stem;
};

/// Words that at least one chunk has, most frequent stem first.
KeywordRepair take_best(std::vector<KnownWord> words, float confidence) {
  std::sort(words.begin(), words.end(), [](const KnownWord& a, const KnownWord& b) {
    return a.stem.n_chunks != b.stem.n_chunks ? a.stem.n_chunks > b.stem.n_chunks : a.word < b.word;
  });
  if (words.size() > kMaxWords) words.resize(kMaxWords);
  KeywordRepair repair{.stems = {}, .words = {}, .confidence = confidence};
  for (KnownWord& known : words) {
    const auto same = [&](const StemEntry& stem) { return stem.id == known.stem.id; };
    if (std::none_of(repair.stems.begin(), repair.stems.end(), same)) repair.stems.push_back(known.stem);
    repair.words.push_back(std::move(known.word));
  }
  return repair;
}

std::vector<KnownWord> read_words(Statement& find) {
  std::vector<KnownWord> words;
  while (find.step()) words.push_back({find.text(0), {find.integer(1), find.integer(2)}});
  return words;
}

/// Pairs of characters with `character` in them.
std::vector<KnownWord> pairs_with(Connection& connection, std::string_view character) {
  Statement find = connection.prepare(
      "SELECT w.word, s.id, s.n_chunks FROM keyword_word w JOIN keyword_stem s ON s.id = w.stem_id "
      "WHERE w.word >= ? AND w.word < ? AND s.n_chunks > 0 LIMIT 256");
  find.bind(character, cat(character, "\xF4\x8F\xBF\xBF"));
  return read_words(find);
}

/// How many of the three-character parts of `letters` each word of the dictionary has. `n_parts` becomes the
/// number of different parts.
std::unordered_map<std::int64_t, std::size_t> count_parts(Connection& connection,
                                                          const std::u32string& letters,
                                                          std::size_t& n_parts) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i + 3 <= letters.size(); ++i) {
    std::string part = utf8(std::u32string_view(letters).substr(i, 3));
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
  }
  n_parts = parts.size();
  std::unordered_map<std::int64_t, std::size_t> counts;
  std::size_t n_read = 0;
  Statement find = connection.prepare("SELECT rowid FROM keyword_parts WHERE keyword_parts MATCH ?");
  for (const std::string& part : parts) {
    find.bind(cat("\"", replace_all(part, "\"", "\"\""), "\""));
    while (find.step() && ++n_read <= kMaxPartPostings) ++counts[find.integer(0)];
    find.reset();
  }
  return counts;
}

}  // namespace

std::optional<StemEntry> find_stem(Connection& connection, std::string_view stem) {
  Statement find =
      connection.prepare("SELECT id, n_chunks FROM keyword_stem WHERE stem = ? AND n_chunks > 0");
  find.bind(stem);
  if (!find.step()) return std::nullopt;
  return StemEntry{find.integer(0), find.integer(1)};
}

KeywordRepair repair_keyword(Connection& connection, std::string_view word) {
  const std::u32string letters = letters_of(word);
  if (letters.size() == 1 && is_unspaced_script(letters[0]))
    return take_best(pairs_with(connection, word), kContainingConfidence);
  if (letters.size() < 3) return {};

  std::size_t n_parts = 0;
  const auto counts = count_parts(connection, letters, n_parts);
  // A slip touches at most three of the parts (a swap four), and each is one of the word's n_parts.
  const std::size_t max_slips = letters.size() >= 9 ? 2 : (letters.size() >= 5 ? 1 : 0);
  const std::size_t n_needed = n_parts > 4 * max_slips ? n_parts - 4 * max_slips : 1;
  std::vector<KnownWord> containing;
  std::map<std::size_t, std::vector<KnownWord>> misspelt;  // by distance
  Statement find = connection.prepare(
      "SELECT w.word, s.id, s.n_chunks FROM keyword_word w JOIN keyword_stem s ON s.id = w.stem_id "
      "WHERE w.id = ? AND s.n_chunks > 0");
  for (const auto& [id, count] : counts) {
    if (count < n_needed) continue;
    find.bind(id);
    for (KnownWord& known : read_words(find)) {
      if (known.word.find(word) != std::string::npos) {
        containing.push_back(std::move(known));
        continue;
      }
      const std::u32string other = letters_of(known.word);
      if (max_slips == 0 || other.empty() || other[0] != letters[0]) continue;
      const std::size_t distance = edit_distance(letters, other, max_slips);
      if (distance <= max_slips) misspelt[distance].push_back(std::move(known));
    }
    find.reset();
  }
  if (!misspelt.empty() && containing.empty()) {
    auto repair = take_best(std::move(misspelt.begin()->second), kMisspeltConfidence);
    repair.stems.resize(1);
    repair.words.resize(1);
    return repair;
  }
  return take_best(std::move(containing), kContainingConfidence);
}

}  // namespace quintet::retrieval
