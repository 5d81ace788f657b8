#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "documents/chunking.h"
#include "documents/text_flow.h"

namespace quintet {

/// Where a chunk that begins at some unit ends, and where the next one begins: before `end` where they
/// overlap.
struct ChunkCut {
  std::size_t end = 0;
  std::size_t next = 0;
};

/// Bounds of a chunk in tokens; target <= max.
struct ChunkBounds {
  std::size_t target = 0;
  std::size_t max = 0;
};

/// By structure: whole blocks from unit `first` (before `last`), up to the target. Nothing while what is
/// there could still take more and the document goes on.
std::optional<std::size_t> pack_blocks(const TextFlow& flow, std::size_t first, std::size_t last,
                                       ChunkBounds bounds, bool is_final);

/// Units up to the target, the next chunk repeating `overlap` tokens.
std::optional<ChunkCut> pack_tokens(const TextFlow& flow, ChunkBounds bounds, std::size_t overlap,
                                    bool is_final);

/// `n_sentences` sentences within one section, the next chunk repeating `n_overlap`.
std::optional<ChunkCut> pack_window(const TextFlow& flow, ChunkBounds bounds, std::size_t n_sentences,
                                    std::size_t n_overlap, bool is_final);

/// Ends of chunks up to the end of the section or of a long stretch of sentences, where the subject changes;
/// nothing while the section may go on.
std::vector<std::size_t> pack_subjects(const TextFlow& flow, ChunkBounds bounds,
                                       const SentenceEmbedding& embed, bool is_final);

}  // namespace quintet
