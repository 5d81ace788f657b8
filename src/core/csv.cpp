#include "core/csv.h"

#include <algorithm>

namespace quintet {

bool CsvReader::next(CsvRecord& record) {
  while (pos_ < text_.size() && text_[pos_] == '\n') ++pos_;
  record.cells.clear();
  record.fault = {};
  record.start = pos_;
  if (pos_ >= text_.size()) return false;
  while (true) {
    record.cells.emplace_back();
    if (pos_ < text_.size() && text_[pos_] == '"') {
      if (!read_quoted(record)) {
        pos_ = std::min(text_.find('\n', record.start), text_.size());
        return true;
      }
    } else {
      const auto end = std::min(text_.find_first_of(breaks_, pos_), text_.size());
      record.cells.back() = text_.substr(pos_, end - pos_);
      pos_ = end;
    }
    if (pos_ >= text_.size()) return true;
    if (text_[pos_++] == '\n') return true;
  }
}

bool CsvReader::read_quoted(CsvRecord& record) {
  const std::size_t opening = pos_++;
  auto& cell = record.cells.back();
  while (true) {
    const auto quote = text_.find('"', pos_);
    if (quote == std::string_view::npos) {
      record.fault_offset = opening;
      record.fault = "this quote is never closed";
      return false;
    }
    cell.append(text_, pos_, quote - pos_);
    pos_ = quote + 1;
    if (pos_ < text_.size() && text_[pos_] == '"') {
      cell += '"';
      ++pos_;
      continue;
    }
    // Spaces between the closing quote and the delimiter are common and harmless.
    const auto after = std::min(text_.find_first_not_of(' ', pos_), text_.size());
    if (after < text_.size() && text_[after] != delimiter_ && text_[after] != '\n') {
      record.fault_offset = after;
      record.fault = "text after a closing quote (write a quote inside a cell as \"\")";
      return false;
    }
    pos_ = after;
    return true;
  }
}

}  // namespace quintet
