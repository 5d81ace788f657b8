#include "documents/text_flow.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "documents/sentences.h"

namespace quintet {
namespace {

// A paragraph or table that goes on over pages is cut here: what is open is held in memory.
constexpr std::size_t kMaxOpenBytes = 64 * 1024;
constexpr std::size_t kMaxHeaderBytes = 200;
constexpr std::size_t kCompactUnits = 1024;

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_all_space(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), is_space);
}

bool is_letter_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

/// The start of the character at or before `offset`.
std::size_t character_at(std::string_view text, std::size_t offset) noexcept {
  while (offset > 0 && offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U)
    --offset;
  return offset;
}

std::string_view joint_before(BlockKind kind) noexcept {
  return kind == BlockKind::list_item ? "\n" : "\n\n";
}

std::string_view joint_within(BlockKind kind) noexcept {
  return kind == BlockKind::table || kind == BlockKind::code ? "\n" : " ";
}

}  // namespace

TextFlow::TextFlow(TokenCounter count_tokens, std::size_t max_unit_tokens, Cut cut)
    : count_tokens_(std::move(count_tokens)), max_unit_tokens_(max_unit_tokens), cut_(cut) {}

std::string_view TextFlow::text_of(std::size_t i) const {
  const FlowUnit& one = unit(i);
  return std::string_view(text_).substr(one.begin, one.end - one.begin);
}

void TextFlow::append(const Page& page, TextRange range, std::string_view joint) {
  const std::string_view source = page.text;
  if (!pieces_.empty()) {
    Piece& last = pieces_.back();
    const TextRange between{last.source.range.end, range.begin};
    // The page's own white space between the two is kept, and both are one piece.
    if (last.source.page == page.number && between.begin < between.end && last.end() == text_.size() &&
        between.size() <= 2 && is_all_space(source.substr(between.begin, between.size()))) {
      text_ += source.substr(between.begin, range.end - between.begin);
      last.source.range.end = range.end;
      return;
    }
  }
  if (!text_.empty()) text_ += joint;
  pieces_.push_back(Piece{text_.size(), {page.number, range}});
  text_ += source.substr(range.begin, range.size());
}

/// A word that the page break hyphenates is one word: drops the hyphen at the end of the text.
bool TextFlow::join_hyphenated(std::string_view next) {
  constexpr std::string_view kHyphen = "\u2010";
  const std::size_t length = text_.ends_with('-') ? 1 : text_.ends_with(kHyphen) ? kHyphen.size() : 0;
  if (length == 0 || text_.size() < length + 2 || next.empty() || next[0] < 'a' || next[0] > 'z')
    return false;
  const std::size_t before = text_.size() - length;
  if (!is_letter_byte(text_[before - 1]) || !is_letter_byte(text_[before - 2])) return false;
  Piece& last = pieces_.back();
  if (last.source.range.size() <= length || before <= open_begin_) return false;
  last.source.range.end -= static_cast<std::uint32_t>(length);
  text_.resize(before);
  return true;
}

void TextFlow::add(const Page& page, const Block& block,
                   std::shared_ptr<const std::vector<std::string>> headings) {
  TextRange range = block.range;
  while (range.begin < range.end && is_space(page.text[range.begin])) ++range.begin;
  while (range.begin < range.end && is_space(page.text[range.end - 1])) --range.end;
  if (range.size() == 0) return;
  const bool joins = block.continues && is_open_ && open_.kind == block.kind;
  if (joins && text_.size() - open_begin_ < kMaxOpenBytes) {
    const std::string_view next = std::string_view(page.text).substr(range.begin, range.size());
    const bool is_one_word =
        block.kind != BlockKind::table && block.kind != BlockKind::code && join_hyphenated(next);
    append(page, range, is_one_word ? std::string_view() : joint_within(block.kind));
    note_header(page, block, text_.size() - range.size());
    return;
  }
  std::shared_ptr<const std::string> header = joins ? open_.table_header : nullptr;
  close();
  append(page, range, joint_before(block.kind));
  is_open_ = true;
  open_begin_ = text_.size() - range.size();
  open_ = FlowUnit{};
  open_.kind = block.kind;
  open_.headings = std::move(headings);
  open_.table_header = std::move(header);
  note_header(page, block, open_begin_);
}

/// Remembers a table's header row, and where its header cells stand. `begin`: where the block's text begins.
void TextFlow::note_header(const Page& page, const Block& block, std::size_t begin) {
  std::string header;
  for (const TableCell& cell : block.cells) {
    if (!cell.is_header || cell.range.size() == 0 || cell.range.begin < block.range.begin ||
        cell.range.end > page.text.size())
      continue;
    header_cells_.push_back(begin + (cell.range.begin - block.range.begin));
    if (open_.table_header != nullptr || header.size() >= kMaxHeaderBytes) continue;
    if (!header.empty()) header += " | ";
    header += truncate_utf8(std::string_view(page.text).substr(cell.range.begin, cell.range.size()),
                            kMaxHeaderBytes);
  }
  if (open_.table_header == nullptr && !header.empty())
    open_.table_header = std::make_shared<const std::string>(truncate_utf8(header, kMaxHeaderBytes));
}

void TextFlow::close() {
  if (!is_open_) return;
  is_open_ = false;
  const std::size_t n_before = units_.size();
  cut_pieces();
  if (units_.size() > n_before) units_[n_before].begins_block = true;
  header_cells_.clear();
}

void TextFlow::cut_pieces() {
  const std::string_view open = std::string_view(text_).substr(open_begin_);
  if (cut_ == Cut::sentences && open_.kind != BlockKind::table && open_.kind != BlockKind::code) {
    for (const TextRange sentence : split_sentences(open))
      cut_piece(open_begin_ + sentence.begin, open_begin_ + sentence.end);
    return;
  }
  const bool by_words = cut_ == Cut::words;
  std::size_t pos = 0;
  while (pos < open.size()) {
    std::size_t end = pos;
    while (end < open.size() && !(by_words ? is_space(open[end]) : open[end] == '\n')) ++end;
    const std::string_view piece = open.substr(pos, end - pos);
    if (!is_all_space(piece)) cut_piece(open_begin_ + pos, open_begin_ + end);
    pos = end + 1;
  }
}

/// One unit, or several where it is too long: at white space, else anywhere between characters.
void TextFlow::cut_piece(std::size_t begin, std::size_t end) {
  const std::string_view text = text_;
  while (begin < end) {
    const std::size_t n_bytes = end - begin;
    if (n_bytes < max_unit_tokens_) break;  // a token is a byte at least
    const std::size_t n_tokens = count_tokens_(text.substr(begin, n_bytes)) + 1;
    if (n_tokens <= max_unit_tokens_) break;
    std::size_t length =
        std::max<std::size_t>(1, n_bytes / ((n_tokens + max_unit_tokens_ - 1) / max_unit_tokens_ + 1));
    std::size_t cut = begin;
    for (;; length /= 2) {
      cut = begin + length;
      std::size_t blank = cut;
      while (blank > begin + length / 2 && !is_space(text[blank])) --blank;
      cut = is_space(text[blank]) && blank > begin ? blank : character_at(text, cut);
      if (cut <= begin) {  // a single character
        cut = begin + 1;
        while (cut < end && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) ++cut;
        break;
      }
      if (length == 1 || count_tokens_(text.substr(begin, cut - begin)) + 1 <= max_unit_tokens_) break;
    }
    add_unit(begin, cut);
    begin = cut;
    while (begin < end && is_space(text[begin])) ++begin;
  }
  if (begin < end) add_unit(begin, end);
}

void TextFlow::add_unit(std::size_t begin, std::size_t end) {
  FlowUnit unit = open_;
  unit.begin = begin;
  unit.end = end;
  // With the white space behind it, so that the sum over units bounds the whole.
  const std::string_view text = text_;
  const bool is_last = end == text.size();
  unit.n_tokens = static_cast<std::uint32_t>(
      count_tokens_(text.substr(begin, end - begin + (is_last ? 0 : 1))) + (is_last ? 1 : 0));
  const auto cell = std::lower_bound(header_cells_.begin(), header_cells_.end(), begin);
  unit.is_header_row = cell != header_cells_.end() && *cell < end;
  units_.push_back(std::move(unit));
}

Chunk TextFlow::chunk(std::size_t first, std::size_t last) const {
  const std::size_t begin = unit(first).begin;
  const std::size_t end = unit(last - 1).end;
  Chunk chunk;
  chunk.text = text_.substr(begin, end - begin);
  auto piece = std::lower_bound(pieces_.begin(), pieces_.end(), begin,
                                [](const Piece& one, std::size_t at) { return one.end() <= at; });
  for (; piece != pieces_.end() && piece->begin < end; ++piece) {
    const std::size_t from = std::max(begin, piece->begin);
    const std::size_t to = std::min(end, piece->end());
    if (from >= to) continue;
    const auto source = static_cast<std::uint32_t>(piece->source.range.begin + (from - piece->begin));
    chunk.spans.push_back(
        ChunkSpan{static_cast<std::uint32_t>(from - begin),
                  {piece->source.page, {source, static_cast<std::uint32_t>(source + (to - from))}}});
  }
  const std::vector<std::string>* common = nullptr;
  std::size_t n_common = 0;
  for (std::size_t i = first; i < last; ++i) {
    const FlowUnit& one = unit(i);
    if (one.headings == nullptr || one.headings.get() == common) continue;
    // A heading stands under itself; it counts only where there is nothing else.
    if (one.kind == BlockKind::heading && i + 1 < last) continue;
    if (common == nullptr) {
      common = one.headings.get();
      n_common = common->size();
    } else {
      const auto differ =
          std::mismatch(common->begin(), common->begin() + static_cast<std::ptrdiff_t>(n_common),
                        one.headings->begin(), one.headings->end());
      n_common = static_cast<std::size_t>(differ.first - common->begin());
    }
  }
  if (common != nullptr)
    chunk.headings.assign(common->begin(), common->begin() + static_cast<std::ptrdiff_t>(n_common));
  const FlowUnit& head = unit(first);
  if (head.kind == BlockKind::table && !head.begins_block && !head.is_header_row &&
      head.table_header != nullptr)
    chunk.headings.push_back(*head.table_header);
  chunk.n_tokens = count_tokens_(chunk.text);
  return chunk;
}

void TextFlow::drop(std::size_t n) {
  first_ += std::min(n, n_units());
  if (first_ < kCompactUnits || first_ * 2 < units_.size()) return;
  units_.erase(units_.begin(), units_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  const std::size_t keep_from = !units_.empty() ? units_.front().begin
                                : is_open_      ? open_begin_
                                                : text_.size();
  auto piece = std::lower_bound(pieces_.begin(), pieces_.end(), keep_from,
                                [](const Piece& one, std::size_t at) { return one.end() <= at; });
  // The last piece stays, so that the next block may be joined to it.
  if (piece == pieces_.end() && piece != pieces_.begin()) --piece;
  const std::size_t shift = pieces_.empty() ? keep_from : std::min(keep_from, piece->begin);
  pieces_.erase(pieces_.begin(), piece);
  text_.erase(0, shift);
  for (Piece& one : pieces_) one.begin -= shift;
  for (FlowUnit& one : units_) {
    one.begin -= shift;
    one.end -= shift;
  }
  open_begin_ -= std::min(open_begin_, shift);
  for (std::size_t& cell : header_cells_) cell -= std::min(cell, shift);
}

}  // namespace quintet
