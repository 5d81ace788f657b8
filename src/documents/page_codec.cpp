#include "documents/page_codec.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "core/varint.h"

namespace quintet {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr double kPerPoint = 100;
constexpr std::int64_t kMaxPlace = 100'000'000;  // a million points
constexpr int kLastKind = static_cast<int>(BlockKind::page_footer);

/// Varints; signed numbers zigzag first.
class ByteWriter {
 public:
  void byte(std::uint8_t value) { out_ += static_cast<char>(value); }
  void count(std::uint64_t value) { append_varint(out_, value); }
  void number(std::int64_t value) {
    count((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint8_t byte() {
    if (pos_ == bytes_.size()) fail();
    return static_cast<std::uint8_t>(bytes_[pos_++]);
  }
  std::uint64_t count(std::uint64_t max) {
    const auto value = take_varint(bytes_, pos_);
    if (!value || *value > max) fail();
    return *value;
  }
  std::int64_t number() {
    const std::uint64_t value = count(std::numeric_limits<std::uint64_t>::max());
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  /// How many things follow, each of at least one byte: no more than there are bytes.
  std::size_t n_items() { return static_cast<std::size_t>(count(bytes_.size() - pos_)); }
  bool at_end() const noexcept { return pos_ == bytes_.size(); }
  [[noreturn]] static void fail() { throw CorruptData("reading a stored page: its places are damaged"); }

 private:
  std::string_view bytes_;
  std::size_t pos_ = 0;
};

std::int64_t hundredths(float place) {
  const double value = std::round(static_cast<double>(place) * kPerPoint);
  return std::isfinite(value) ? static_cast<std::int64_t>(value) : 0;
}

/// Boxes relative to the one before: neighbours on a line differ in x only.
class BoxWriter {
 public:
  void write(ByteWriter& out, const Box& box) {
    const std::int64_t x0 = hundredths(box.x0);
    const std::int64_t y0 = hundredths(box.y0);
    out.number(x0 - x_);
    out.number(y0 - y_);
    out.number(hundredths(box.x1) - x0);
    out.number(hundredths(box.y1) - y0);
    x_ = hundredths(box.x1);
    y_ = y0;
  }

 private:
  std::int64_t x_ = 0;
  std::int64_t y_ = 0;
};

class BoxReader {
 public:
  Box read(ByteReader& in) {
    const std::int64_t x0 = place(in, x_);
    const std::int64_t y0 = place(in, y_);
    const std::int64_t x1 = place(in, x0);
    const std::int64_t y1 = place(in, y0);
    if (x1 < x0 || y1 < y0) ByteReader::fail();
    x_ = x1;
    y_ = y0;
    return {points(x0), points(y0), points(x1), points(y1)};
  }

 private:
  static std::int64_t place(ByteReader& in, std::int64_t from) {
    const std::int64_t step = in.number();
    if (step < -2 * kMaxPlace || step > 2 * kMaxPlace) ByteReader::fail();
    const std::int64_t value = from + step;
    if (value < -kMaxPlace || value > kMaxPlace) ByteReader::fail();
    return value;
  }
  static float points(std::int64_t value) {
    return static_cast<float>(static_cast<double>(value) / kPerPoint);
  }

  std::int64_t x_ = 0;
  std::int64_t y_ = 0;
};

void write_range(ByteWriter& out, TextRange range, std::uint32_t from) {
  out.count(range.begin - from);
  out.count(range.size());
}

TextRange read_range(ByteReader& in, std::string_view text, std::uint32_t from, std::uint32_t limit) {
  const auto begin = static_cast<std::uint32_t>(from + in.count(limit - from));
  const auto end = static_cast<std::uint32_t>(begin + in.count(limit - begin));
  for (const std::uint32_t border : {begin, end})
    if (border < text.size() && (static_cast<unsigned char>(text[border]) & 0xC0U) == 0x80U)
      ByteReader::fail();
  return {begin, end};
}

std::uint16_t read_span(ByteReader& in) {
  return static_cast<std::uint16_t>(in.count(std::numeric_limits<std::uint16_t>::max()));
}

}  // namespace

std::string encode_places(const Page& page) {
  ByteWriter out;
  out.byte(kVersion);
  out.count(page.words.size());
  std::uint32_t from = 0;
  BoxWriter word_boxes;
  for (const Word& word : page.words) {
    write_range(out, word.range, from);
    from = word.range.end;
    word_boxes.write(out, word.box);
  }
  out.count(page.blocks.size());
  from = 0;
  BoxWriter block_boxes;
  for (const Block& block : page.blocks) {
    out.byte(static_cast<std::uint8_t>(block.kind));
    write_range(out, block.range, from);
    block_boxes.write(out, block.box);
    out.count(static_cast<std::uint64_t>(block.level));
    out.byte(block.continues ? 1 : 0);
    out.count(block.cells.size());
    std::uint32_t cell_from = block.range.begin;
    for (const TableCell& cell : block.cells) {
      write_range(out, cell.range, cell_from);
      cell_from = cell.range.end;
      for (const std::uint16_t value : {cell.row, cell.column, cell.row_span, cell.column_span})
        out.count(value);
      out.byte(cell.is_header ? 1 : 0);
    }
    from = block.range.end;
  }
  return out.take();
}

void decode_places(std::string_view bytes, Page& page) {
  ByteReader in(bytes);
  const auto size = static_cast<std::uint32_t>(page.text.size());
  if (in.byte() != kVersion) ByteReader::fail();
  page.words.clear();
  page.blocks.clear();
  std::uint32_t from = 0;
  BoxReader word_boxes;
  const std::size_t n_words = in.n_items();
  page.words.reserve(n_words);
  for (std::size_t i = 0; i < n_words; ++i) {
    const TextRange range = read_range(in, page.text, from, size);
    from = range.end;
    page.words.push_back({range, word_boxes.read(in)});
  }
  from = 0;
  BoxReader block_boxes;
  for (std::size_t left = in.n_items(); left > 0; --left) {
    Block block;
    const int kind = in.byte();
    if (kind > kLastKind) ByteReader::fail();
    block.kind = static_cast<BlockKind>(kind);
    block.range = read_range(in, page.text, from, size);
    block.box = block_boxes.read(in);
    block.level = static_cast<int>(in.count(1000));
    block.continues = in.byte() != 0;
    std::uint32_t cell_from = block.range.begin;
    for (std::size_t n_cells = in.n_items(); n_cells > 0; --n_cells) {
      TableCell cell;
      cell.range = read_range(in, page.text, cell_from, block.range.end);
      cell_from = cell.range.end;
      cell.row = read_span(in);
      cell.column = read_span(in);
      cell.row_span = read_span(in);
      cell.column_span = read_span(in);
      cell.is_header = in.byte() != 0;
      block.cells.push_back(cell);
    }
    from = block.range.end;
    page.blocks.push_back(std::move(block));
  }
  if (!in.at_end()) ByteReader::fail();
}

}  // namespace quintet
