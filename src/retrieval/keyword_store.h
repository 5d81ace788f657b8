#pragma once

// Inside the keyword index only: how its rows are laid out.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quintet::retrieval {

/// Numbers of a chunk's words in the dictionary, in order.
struct ChunkWords {
  std::vector<std::int64_t> headings;
  std::vector<std::int64_t> body;
};

/// LEB128: the number of words in headings, those words, the words of the body.
std::string encode_words(const ChunkWords& words);
/// Throws CorruptData when `bytes` was not written by encode_words.
void decode_words(std::string_view bytes, ChunkWords& words);

/// What a chunk gives FTS5 for the stem numbered `stem`: its number, with a mark for two and for four
/// occurrences. A word in a heading counts twice.
enum class TermLevel : std::uint8_t { once, twice, four_times };
constexpr std::size_t kHeadingOccurrences = 2;
std::string posting_token(std::int64_t stem, TermLevel level);

}  // namespace quintet::retrieval
