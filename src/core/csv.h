#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// One record of a delimited text (RFC 4180), with quotes undone.
struct CsvRecord {
  std::vector<std::string> cells;
  std::size_t start = 0;  // byte offset
  // Set when a quote is broken: where, and why.
  std::size_t fault_offset = 0;
  std::string_view fault = {};
};

/// Reads records one by one. `text` has LF line ends and outlives the reader.
class CsvReader {
 public:
  CsvReader(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  /// The next record that is not an empty line; false at the end. After a fault, reading goes on with the
  /// line after the one on which the record began, so that a lost quote costs one record and not the rest of
  /// the file.
  bool next(CsvRecord& record);

 private:
  bool read_quoted(CsvRecord& record);

  std::string_view text_;
  char delimiter_;
  std::string breaks_ = {delimiter_, '\n'};
  std::size_t pos_ = 0;
};

}  // namespace quintet
