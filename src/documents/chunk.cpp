#include "documents/chunk.h"

#include <algorithm>

namespace quintet {
namespace {

TextRange overlap(TextRange a, TextRange b) noexcept {
  const TextRange both{std::max(a.begin, b.begin), std::min(a.end, b.end)};
  return both.begin < both.end ? both : TextRange{};
}

std::size_t n_characters(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The part of a word's box that its characters [part.begin, part.end) take, all taken to be as wide.
Box part_of(const Page& page, const Word& word, TextRange part) {
  if (part == word.range) return word.box;
  const std::string_view text = page.text;
  const auto n = static_cast<float>(n_characters(text.substr(word.range.begin, word.range.size())));
  const auto before =
      static_cast<float>(n_characters(text.substr(word.range.begin, part.begin - word.range.begin)));
  const auto inside = static_cast<float>(n_characters(text.substr(part.begin, part.size())));
  const float width = word.box.x1 - word.box.x0;
  return {word.box.x0 + width * before / n, word.box.y0, word.box.x0 + width * (before + inside) / n,
          word.box.y1};
}

/// Boxes of one line: they share more than half the height of the lower one, and the next one begins after
/// the last.
bool is_same_line(const Box& a, const Box& b) noexcept {
  const float shared = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const float height = std::min(a.y1 - a.y0, b.y1 - b.y0);
  const float gap = std::max(b.x0 - a.x1, a.x0 - b.x1);
  return shared > 0.5F * height && gap < 3 * std::max(a.y1 - a.y0, b.y1 - b.y0);
}

}  // namespace

std::vector<PageRange> locate(const Chunk& chunk, TextRange range) {
  std::vector<PageRange> places;
  for (const ChunkSpan& span : chunk.spans) {
    const TextRange part = overlap(range, {span.begin, span.begin + span.source.range.size()});
    if (part.size() == 0) continue;
    const std::uint32_t shift = part.begin - span.begin;
    const std::uint32_t begin = span.source.range.begin + shift;
    places.push_back(PageRange{span.source.page, {begin, begin + part.size()}});
  }
  return places;
}

std::vector<Box> boxes_of(const Page& page, TextRange range) {
  std::vector<Box> boxes;
  auto word = std::lower_bound(page.words.begin(), page.words.end(), range.begin,
                               [](const Word& a, std::uint32_t begin) { return a.range.end <= begin; });
  for (; word != page.words.end() && word->range.begin < range.end; ++word) {
    const TextRange part = overlap(word->range, range);
    if (part.size() == 0) continue;
    const Box box = part_of(page, *word, part);
    if (!boxes.empty() && is_same_line(boxes.back(), box)) {
      Box& last = boxes.back();
      last = {std::min(last.x0, box.x0), std::min(last.y0, box.y0), std::max(last.x1, box.x1),
              std::max(last.y1, box.y1)};
    } else {
      boxes.push_back(box);
    }
  }
  return boxes;
}

}  // namespace quintet
