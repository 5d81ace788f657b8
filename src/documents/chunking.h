#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "documents/chunk.h"
#include "documents/document.h"

namespace quintet {

enum class ChunkStrategy : std::uint8_t {
  structure,  // blocks packed under their headings; tables, lists and sentences kept whole where they fit
  fixed,      // as many words as fit, each chunk repeating the end of the one before
  sentence_window,  // a few sentences, neighbours sharing some
  semantic,         // sentences up to where the subject changes
  parent_child      // sections, and within each the chunks of `structure`
};
std::string_view chunk_strategy_name(ChunkStrategy strategy) noexcept;
std::optional<ChunkStrategy> parse_chunk_strategy(std::string_view name) noexcept;

/// A vector for each sentence, all of one length. May throw; Chunker lets it through.
using SentenceEmbedding =
    std::function<std::vector<std::vector<float>>(const std::vector<std::string_view>& sentences)>;

struct ChunkOptions {
  ChunkStrategy strategy = ChunkStrategy::structure;
  std::size_t target_tokens = 220;         // a chunk ends at the first good place behind this
  std::size_t max_tokens = 400;            // and here at the latest
  std::size_t overlap_tokens = 40;         // fixed: repeated from the chunk before
  std::size_t window_sentences = 5;        // sentence_window
  std::size_t overlap_sentences = 2;       // sentence_window: shared with the chunk before
  std::size_t parent_target_tokens = 900;  // parent_child: of the sections
  std::size_t parent_max_tokens = 1600;
  /// Tokens of a text. Empty: a character of a script without spaces is one, other bytes a quarter.
  std::function<std::size_t(std::string_view)> count_tokens;
  /// semantic: empty = by the words that neighbouring sentences share (TextTiling).
  SentenceEmbedding embed;
};

/// Cuts a document into chunks while its pages come in.
///
/// Running headers and footers are left out, footnotes are gathered into chunks of their own, paragraphs and
/// tables that a page break cuts are joined ("inter-" and "national" on the next page give "international").
/// Headings stand before what they head, never at a chunk's end; a chunk's `headings` are what all of it
/// stands under, and, where it begins within a table, the table's header row. Every word of the other blocks
/// is in a chunk, and with `structure` and `semantic` in one only.
///
/// With parent_child a parent comes before its children; `Chunk::parent` counts all chunks given, from 0. A
/// section no longer than one child is given once, as a chunk that is nobody's parent. Memory is bounded by
/// the largest page and a section. Not thread-safe.
class Chunker {
 public:
  /// Throws InvalidArgument when the options contradict each other.
  explicit Chunker(ChunkOptions options = {});
  ~Chunker();
  Chunker(const Chunker&) = delete;
  Chunker& operator=(const Chunker&) = delete;

  /// Throws InvalidArgument where a block is not within the page's text.
  void add(const Page& page);
  /// After the last page.
  void finish();
  /// What is ready, in order; each chunk is given once.
  std::vector<Chunk> take();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quintet
