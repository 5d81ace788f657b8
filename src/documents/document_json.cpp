#include "documents/document_json.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "core/json.h"
#include "core/text.h"

namespace quintet {
namespace {

constexpr int kMaxPages = 1'000'000;
constexpr float kMaxPlace = 1e6F;  // points; PDF's largest page is 200 inches

constexpr BlockKind kBlockKinds[] = {BlockKind::paragraph, BlockKind::heading,     BlockKind::list_item,
                                     BlockKind::table,     BlockKind::caption,     BlockKind::footnote,
                                     BlockKind::code,      BlockKind::page_header, BlockKind::page_footer};
constexpr PageUnit kPageUnits[] = {PageUnit::page, PageUnit::slide, PageUnit::sheet, PageUnit::chapter,
                                   PageUnit::section};
constexpr DocumentFault kFaults[] = {DocumentFault::password_required, DocumentFault::wrong_password,
                                     DocumentFault::corrupt,           DocumentFault::empty,
                                     DocumentFault::unsupported,       DocumentFault::too_large,
                                     DocumentFault::out_of_time,       DocumentFault::out_of_memory,
                                     DocumentFault::crashed,           DocumentFault::reader_missing};

// ---- writing: by hand, because a page has a thousand words and a book a thousand pages

void append_place(std::string& out, float value) {
  if (!std::isfinite(value)) value = 0;
  char buffer[32];
  const double rounded = std::round(static_cast<double>(value) * 100) / 100;
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, rounded);
  out.append(buffer, error == std::errc{} ? end : buffer);
}

void append_count(std::string& out, std::uint32_t value) {
  char buffer[16];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_range(std::string& out, TextRange range) {
  append_count(out, range.begin);
  out += ',';
  append_count(out, range.end);
}

void append_box(std::string& out, const Box& box) {
  append_place(out, box.x0);
  out += ',';
  append_place(out, box.y0);
  out += ',';
  append_place(out, box.x1);
  out += ',';
  append_place(out, box.y1);
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += cat(",\"", name, "\":");
  out += json_quote(text);
}

void append_block(std::string& out, const Block& block) {
  out += cat("{\"kind\":\"", block_kind_name(block.kind), "\",\"range\":[");
  append_range(out, block.range);
  out += ']';
  if (block.box != Box{}) {
    out += ",\"box\":[";
    append_box(out, block.box);
    out += ']';
  }
  if (block.level != 0) out += cat(",\"level\":", block.level);
  if (block.continues) out += ",\"continues\":true";
  if (!block.cells.empty()) {
    out += ",\"cells\":[";
    for (std::size_t i = 0; i < block.cells.size(); ++i) {
      const TableCell& cell = block.cells[i];
      out += i == 0 ? "[" : ",[";
      append_range(out, cell.range);
      out += cat(',', int{cell.row}, ',', int{cell.column}, ',', int{cell.row_span}, ',',
                 int{cell.column_span}, ',', int{cell.is_header}, ']');
    }
    out += ']';
  }
  out += '}';
}

// ---- reading

[[noreturn]] void broken(std::string_view what) {
  throw CorruptData(cat("reading a document: the reader process broke its protocol: ", what));
}

template <typename T, std::size_t N, typename NameOf>
T by_name(const T (&values)[N], NameOf name_of, const std::string& name) {
  for (const T value : values)
    if (name_of(value) == name) return value;
  broken(cat("unknown name \"", truncate_utf8(name, 60), "\""));
}

/// The numbers of an array, each checked by its caller.
class Numbers {
 public:
  explicit Numbers(const Json& value, std::size_t n) : array_(value.if_array()) {
    if (array_ == nullptr || array_->size() != n) broken(cat("expected an array of ", n, " numbers"));
  }
  std::int64_t whole(std::size_t i, std::int64_t max) const {
    const Json& value = (*array_)[i];
    const std::int64_t* number = value.if_int64();
    if (number == nullptr || *number < 0 || *number > max) broken("a number is out of its range");
    return *number;
  }
  float place(std::size_t i) const {
    const Json& value = (*array_)[i];
    if (!value.is_number()) broken("a place is not a number");
    const auto place = value.to_number<float>();
    if (!(std::fabs(place) <= kMaxPlace)) broken("a place is off every page");
    return place;
  }
  Box box(std::size_t first) const {
    const Box box{place(first), place(first + 1), place(first + 2), place(first + 3)};
    if (box.x0 > box.x1 || box.y0 > box.y1) broken("a box is inside out");
    return box;
  }

 private:
  const JsonArray* array_;
};

bool is_border(std::string_view text, std::uint32_t offset) noexcept {
  return offset == text.size() || (static_cast<unsigned char>(text[offset]) & 0xC0U) != 0x80U;
}

/// A range within `text`, on character borders, not before `from`.
TextRange read_range(const Numbers& numbers, std::size_t first, std::string_view text, std::uint32_t from) {
  const auto size = static_cast<std::int64_t>(text.size());
  const TextRange range{static_cast<std::uint32_t>(numbers.whole(first, size)),
                        static_cast<std::uint32_t>(numbers.whole(first + 1, size))};
  if (range.begin < from || range.end < range.begin) broken("ranges are not in order");
  if (!is_border(text, range.begin) || !is_border(text, range.end)) broken("a range cuts a character");
  return range;
}

int whole_at(const JsonObject& object, std::string_view key, int max) {
  const std::optional<std::int64_t> value = get_int(object, key);
  if (value.has_value() && (*value < 0 || *value > max)) broken(cat(key, " is out of its range"));
  return static_cast<int>(value.value_or(0));
}

float place_at(const JsonObject& object, std::string_view key) {
  const double value = get_double(object, key).value_or(0);
  if (!(value >= 0 && value <= static_cast<double>(kMaxPlace))) broken(cat(key, " is out of its range"));
  return static_cast<float>(value);
}

DocumentInfo read_info(const JsonObject& object) {
  DocumentInfo info;
  info.format = require_string(object, "format");
  info.unit = by_name(kPageUnits, page_unit_name, get_string(object, "unit").value_or("page"));
  info.n_pages = whole_at(object, "n_pages", kMaxPages);
  info.title = get_string(object, "title").value_or("");
  info.author = get_string(object, "author").value_or("");
  info.subject = get_string(object, "subject").value_or("");
  info.keywords = get_string(object, "keywords").value_or("");
  info.created = get_string(object, "created").value_or("");
  info.language = get_string(object, "language").value_or("");
  if (const JsonArray* outline = get_array(object, "outline"))
    for (const Json& entry : *outline) {
      const JsonObject& fields = require_object(entry, "outline entry");
      info.outline.push_back(OutlineEntry{.title = get_string(fields, "title").value_or(""),
                                          .page = whole_at(fields, "page", kMaxPages),
                                          .level = whole_at(fields, "level", 1000)});
    }
  return info;
}

std::vector<TableCell> read_cells(const JsonArray& array, std::string_view text, TextRange within) {
  constexpr std::int64_t kMaxSpan = std::numeric_limits<std::uint16_t>::max();
  std::vector<TableCell> cells;
  std::uint32_t from = within.begin;
  for (const Json& value : array) {
    const Numbers numbers(value, 7);
    TableCell cell;
    cell.range = read_range(numbers, 0, text, from);
    if (cell.range.end > within.end) broken("a cell is outside its table");
    from = cell.range.end;
    cell.row = static_cast<std::uint16_t>(numbers.whole(2, kMaxSpan));
    cell.column = static_cast<std::uint16_t>(numbers.whole(3, kMaxSpan));
    cell.row_span = static_cast<std::uint16_t>(numbers.whole(4, kMaxSpan));
    cell.column_span = static_cast<std::uint16_t>(numbers.whole(5, kMaxSpan));
    cell.is_header = numbers.whole(6, 1) == 1;
    cells.push_back(cell);
  }
  return cells;
}

Page read_page(const JsonObject& object) {
  Page page;
  page.number = whole_at(object, "number", kMaxPages);
  page.label = get_string(object, "label").value_or("");
  page.width = place_at(object, "width");
  page.height = place_at(object, "height");
  page.text = get_string(object, "text").value_or("");
  page.is_ocr = get_bool(object, "is_ocr").value_or(false);
  page.ocr_confidence = place_at(object, "ocr_confidence");
  page.problem = get_string(object, "problem").value_or("");
  if (const JsonArray* words = get_array(object, "words")) {
    page.words.reserve(words->size());
    std::uint32_t from = 0;
    for (const Json& value : *words) {
      const Numbers numbers(value, 6);
      page.words.push_back(Word{read_range(numbers, 0, page.text, from), numbers.box(2)});
      from = page.words.back().range.end;
    }
  }
  if (const JsonArray* blocks = get_array(object, "blocks")) {
    std::uint32_t from = 0;
    for (const Json& value : *blocks) {
      const JsonObject& fields = require_object(value, "block");
      const Json* range = fields.if_contains("range");
      if (range == nullptr) broken("a block has no range");
      Block block;
      block.kind = by_name(kBlockKinds, block_kind_name, require_string(fields, "kind"));
      block.range = read_range(Numbers(*range, 2), 0, page.text, from);
      from = block.range.end;
      if (const Json* box = fields.if_contains("box")) block.box = Numbers(*box, 4).box(0);
      block.level = whole_at(fields, "level", 1000);
      block.continues = get_bool(fields, "continues").value_or(false);
      if (const JsonArray* cells = get_array(fields, "cells"))
        block.cells = read_cells(*cells, page.text, block.range);
      page.blocks.push_back(std::move(block));
    }
  }
  return page;
}

}  // namespace

std::string document_line(const DocumentInfo& info) {
  std::string out = cat(R"({"type":"document","format":)", json_quote(info.format), R"(,"unit":")",
                        page_unit_name(info.unit), '"');
  if (info.n_pages != 0) out += cat(",\"n_pages\":", info.n_pages);
  append_text(out, "title", info.title);
  append_text(out, "author", info.author);
  append_text(out, "subject", info.subject);
  append_text(out, "keywords", info.keywords);
  append_text(out, "created", info.created);
  append_text(out, "language", info.language);
  if (!info.outline.empty()) {
    out += ",\"outline\":[";
    for (std::size_t i = 0; i < info.outline.size(); ++i) {
      const OutlineEntry& entry = info.outline[i];
      out += cat(i == 0 ? "" : ",", "{\"title\":", json_quote(entry.title), ",\"page\":", entry.page,
                 ",\"level\":", entry.level, '}');
    }
    out += ']';
  }
  out += '}';
  return out;
}

std::string page_line(const Page& page) {
  std::string out;
  out.reserve(256 + page.text.size() + page.words.size() * 40);
  out += cat(R"({"type":"page","number":)", page.number);
  append_text(out, "label", page.label);
  if (page.width != 0 || page.height != 0) {
    out += ",\"width\":";
    append_place(out, page.width);
    out += ",\"height\":";
    append_place(out, page.height);
  }
  append_text(out, "text", page.text);
  if (!page.words.empty()) {
    out += ",\"words\":[";
    for (std::size_t i = 0; i < page.words.size(); ++i) {
      out += i == 0 ? "[" : ",[";
      append_range(out, page.words[i].range);
      out += ',';
      append_box(out, page.words[i].box);
      out += ']';
    }
    out += ']';
  }
  if (!page.blocks.empty()) {
    out += ",\"blocks\":[";
    for (std::size_t i = 0; i < page.blocks.size(); ++i) {
      if (i != 0) out += ',';
      append_block(out, page.blocks[i]);
    }
    out += ']';
  }
  if (page.is_ocr) {
    out += ",\"is_ocr\":true,\"ocr_confidence\":";
    append_place(out, page.ocr_confidence);
  }
  append_text(out, "problem", page.problem);
  out += '}';
  return out;
}

std::string end_line(const std::vector<std::string>& warnings) {
  JsonObject object;
  object["type"] = "end";
  object["warnings"] = to_json_array(warnings);
  return to_json(object);
}

std::string error_line(const DocumentError& error) {
  return cat(R"({"type":"error","fault":")", document_fault_name(error.fault()), R"(","message":)",
             json_quote(error.what()), '}');
}

void DocumentLineReader::line(std::string_view line) {
  JsonFault fault;
  const std::optional<Json> value = try_parse_json(line, &fault);
  if (!value.has_value()) broken(cat("a line is not JSON (", fault.reason, ")"));
  const JsonObject* object = value->if_object();
  if (object == nullptr) broken("a line is not an object");
  if (has_ended_) broken("a line after the end");
  try {
    const std::string type = require_string(*object, "type");
    if (type == "error") {
      const DocumentFault kind = by_name(kFaults, document_fault_name, require_string(*object, "fault"));
      throw DocumentError(kind, require_string(*object, "message"));
    }
    if (type == "document") {
      if (has_begun_) broken("a second document");
      has_begun_ = true;
      sink_.begin(read_info(*object));
    } else if (!has_begun_) {
      broken("a page before the document");
    } else if (type == "page") {
      Page page = read_page(*object);
      if (page.number != n_pages_ + 1) broken(cat("page ", page.number, " follows page ", n_pages_));
      ++n_pages_;
      sink_.page(std::move(page));
    } else if (type == "end") {
      has_ended_ = true;
      sink_.end(get_strings(*object, "warnings"));
    } else {
      broken(cat("unknown line \"", truncate_utf8(type, 60), "\""));
    }
  } catch (const InvalidArgument& error) {
    broken(error.what());
  }
}

}  // namespace quintet
