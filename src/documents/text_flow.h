#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "documents/chunk.h"

namespace quintet {

using TokenCounter = std::function<std::size_t(std::string_view)>;

/// The smallest piece a chunk is made of: a sentence, a row of a table, a line of code, or a word.
struct FlowUnit {
  std::size_t begin = 0;  // in the flow's text
  std::size_t end = 0;
  std::uint32_t n_tokens = 0;  // of its text and the white space behind it
  BlockKind kind = BlockKind::paragraph;
  bool begins_block = false;
  bool is_header_row = false;
  std::shared_ptr<const std::vector<std::string>> headings;  // the path it stands under
  std::shared_ptr<const std::string> table_header;           // of a table with a header row
};

/// Blocks of pages as one text that goes on from page to page, cut into units, each byte with its way back to
/// its page. A chunk is a run of units.
class TextFlow {
 public:
  enum class Cut : std::uint8_t { sentences, words };
  /// A unit has at most `max_unit_tokens`, as far as a single character does.
  TextFlow(TokenCounter count_tokens, std::size_t max_unit_tokens, Cut cut);

  /// Appends a block; one that continues is joined to the open block, if that is of its kind.
  void add(const Page& page, const Block& block, std::shared_ptr<const std::vector<std::string>> headings);
  /// Ends the open block. Only now its units appear.
  void close();

  std::size_t n_units() const noexcept { return units_.size() - first_; }
  const FlowUnit& unit(std::size_t i) const { return units_[first_ + i]; }
  std::string_view text_of(std::size_t i) const;
  /// Units [first, last) as a chunk.
  Chunk chunk(std::size_t first, std::size_t last) const;
  /// Forgets the first n units.
  void drop(std::size_t n);

 private:
  struct Piece {
    std::size_t begin = 0;  // in text_
    PageRange source;
    std::size_t end() const noexcept { return begin + source.range.size(); }
  };
  void append(const Page& page, TextRange range, std::string_view joint);
  bool join_hyphenated(std::string_view next);
  void note_header(const Page& page, const Block& block, std::size_t begin);
  void cut_pieces();
  void cut_piece(std::size_t begin, std::size_t end);
  void add_unit(std::size_t begin, std::size_t end);

  TokenCounter count_tokens_;
  std::size_t max_unit_tokens_;
  Cut cut_;
  std::string text_;
  std::vector<Piece> pieces_;
  std::vector<FlowUnit> units_;
  std::size_t first_ = 0;  // units before it are forgotten, and removed once they are many
  // The open block.
  bool is_open_ = false;
  std::size_t open_begin_ = 0;
  FlowUnit open_;
  std::vector<std::size_t> header_cells_;  // where header cells begin in text_
};

}  // namespace quintet
