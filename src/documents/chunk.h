#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "documents/document.h"

namespace quintet {

/// A passage of a page's text.
struct PageRange {
  int page = 0;  // Page::number
  TextRange range;
  bool operator==(const PageRange&) const = default;
};

/// One piece of a chunk's text and the place it came from, byte for byte the same in both.
struct ChunkSpan {
  std::uint32_t begin = 0;  // where the piece starts in Chunk::text; its length is source.range.size()
  PageRange source;
  bool operator==(const ChunkSpan&) const = default;
};

/// What is retrieved and cited: a passage short enough to read, with its way back to pages.
///
/// Spans are in the order of the text and do not overlap; characters of the text outside every span are the
/// white space that joins two pieces.
struct Chunk {
  std::string text;
  std::vector<ChunkSpan> spans;
  std::vector<std::string> headings;  // the path of headings it stands under, outermost first
  std::size_t n_tokens = 0;           // an estimate, for budgets
  int parent = -1;  // index of the chunk that contains it (parent-child chunking), -1 = none
  bool operator==(const Chunk&) const = default;
};

/// The pages' passages behind `range` of the chunk's text; white space that joins pieces has none.
std::vector<PageRange> locate(const Chunk& chunk, TextRange range);

/// The boxes of the words of `page` that `range` touches, words of one line joined into one box. A word that
/// the range cuts gives its part in proportion to its characters. Empty where the page has no places.
std::vector<Box> boxes_of(const Page& page, TextRange range);

}  // namespace quintet
