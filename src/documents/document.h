#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace quintet {

/// A rectangle on a page: points (1/72 inch), origin at the top left of the page as it is shown (rotation and
/// crop box applied), x0 <= x1 and y0 <= y1.
struct Box {
  float x0 = 0;
  float y0 = 0;
  float x1 = 0;
  float y1 = 0;
  bool operator==(const Box&) const = default;
};

/// Bytes [begin, end) of a page's text; never cuts a UTF-8 character.
struct TextRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t size() const noexcept { return end - begin; }
  bool operator==(const TextRange&) const = default;
};

/// A run of characters without a space, and where it stands. A word hyphenated at a line's end gives two, one
/// per line, whose ranges touch ("exam" "ple"; the hyphen is in neither).
struct Word {
  TextRange range;
  Box box;
  bool operator==(const Word&) const = default;
};

enum class BlockKind : std::uint8_t {
  paragraph,
  heading,
  list_item,
  table,
  caption,
  footnote,
  code,
  page_header,  // running titles and page numbers: kept on the page, kept out of chunks
  page_footer
};
std::string_view block_kind_name(BlockKind kind) noexcept;

/// Rows and columns count from 0.
struct TableCell {
  TextRange range;
  std::uint16_t row = 0;
  std::uint16_t column = 0;
  std::uint16_t row_span = 1;
  std::uint16_t column_span = 1;
  bool is_header = false;
  bool operator==(const TableCell&) const = default;
};

struct Block {
  BlockKind kind = BlockKind::paragraph;
  TextRange range;
  Box box;        // all zero where the format has no places
  int level = 0;  // of a heading, 1 to 6; depth of a list item from 1
  bool continues =
      false;  // goes on from the last block of the page before (a paragraph or table broken by the page)
  std::vector<TableCell> cells;  // of a table, by row, then column
  bool operator==(const Block&) const = default;
};

/// One page, slide, sheet, chapter or section.
///
/// `text` is what a reader reads, in reading order: UTF-8, ligatures and presentation forms decomposed, soft
/// hyphens gone, words broken at a line's end joined. Lines of a paragraph are joined by a blank, lines of
/// code by "\n", blocks are separated by "\n\n", a table's rows by "\n" and its cells by "\t". `words` and
/// `blocks` are in the order of the text and do not overlap; every character of the text that is no white
/// space lies in one block and, where the format has places, in one word.
struct Page {
  int number = 0;     // from 1, without gaps
  std::string label;  // as printed ("iv", "A-3"); empty when the document names none
  float width = 0;    // points; 0 where the format has no places
  float height = 0;
  std::string text;
  std::vector<Word> words;
  std::vector<Block> blocks;
  bool is_ocr = false;
  float ocr_confidence = 0;  // mean over the words, 0 to 1
  std::string problem;       // why this page could not be read, or only in part; empty = nothing to say
  bool operator==(const Page&) const = default;
};

/// What the numbered parts of a document are called.
enum class PageUnit : std::uint8_t { page, slide, sheet, chapter, section };
std::string_view page_unit_name(PageUnit unit) noexcept;

struct OutlineEntry {
  std::string title;
  int page = 0;  // 0 = leads nowhere
  int level = 1;
  bool operator==(const OutlineEntry&) const = default;
};

/// What is known of a document besides its pages. Absent metadata is empty.
struct DocumentInfo {
  std::string format;  // "pdf", "docx", "html" …
  PageUnit unit = PageUnit::page;
  int n_pages = 0;  // 0 = not known before the last page
  std::string title;
  std::string author;
  std::string subject;
  std::string keywords;
  std::string created;   // ISO 8601, as far as given
  std::string language;  // BCP 47
  std::vector<OutlineEntry> outline;
  bool operator==(const DocumentInfo&) const = default;
};

/// Receives a document while it is read: begin once, pages in order, end once. A reader that throws does not
/// call end, and the pages given so far are good.
class DocumentSink {
 public:
  virtual ~DocumentSink() = default;
  virtual void begin(const DocumentInfo& info) = 0;
  virtual void page(Page page) = 0;
  /// `warnings`: what a person should know ("macros were ignored"), a sentence each.
  virtual void end(const std::vector<std::string>& warnings) = 0;
};

/// Why a document as a whole could not be read.
enum class DocumentFault : std::uint8_t {
  password_required,
  wrong_password,
  corrupt,        // damaged, or not what its name says
  empty,          // opens, and has no page or no text
  unsupported,    // a format or a feature nobody here reads
  too_large,      // beyond a stated limit: file size, pages, unpacked bytes
  out_of_time,    // the reader was stopped at its time limit
  out_of_memory,  // the reader was stopped at its memory limit
  crashed,        // the reader died: a bug in it or in a library
  reader_missing  // the program that reads this format is not installed
};
std::string_view document_fault_name(DocumentFault fault) noexcept;

/// The message says what was being read, what is wrong and what would work.
class DocumentError : public Error {
 public:
  DocumentError(DocumentFault fault, const std::string& message);
  DocumentFault fault() const noexcept { return fault_; }

 private:
  DocumentFault fault_;
};

}  // namespace quintet
