#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/connection.h"

namespace quintet::retrieval {

/// A stem that at least one chunk has.
struct StemEntry {
  std::int64_t id = 0;
  std::int64_t n_chunks = 0;
};
std::optional<StemEntry> find_stem(Connection& connection, std::string_view stem);

/// What a word that the keyword index does not know may stand for.
struct KeywordRepair {
  std::vector<StemEntry> stems;    // each once
  std::vector<std::string> words;  // of the index, best first
  float confidence = 0;            // how much a hit counts against one on the word itself
};

/// Words of the index that contain `word`; where there are none, the commonest that is one slip away (two in
/// words of nine letters and more: a letter missing, added, changed, two neighbours swapped; never the first
/// letter). A single character of a script without spaces stands for the pairs that begin or end with it.
/// Nothing for words under three characters otherwise.
KeywordRepair repair_keyword(Connection& connection, std::string_view word);

}  // namespace quintet::retrieval
