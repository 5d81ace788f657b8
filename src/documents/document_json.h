#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "documents/document.h"

namespace quintet {

/// The readers' protocol: a reader process writes one JSON object per line to its standard output.
///
///   {"type":"document","format":"pdf","unit":"page","n_pages":12,"title":…,"outline":[{"title","page","level"}]}
///   {"type":"page","number":1,"label":"i","width":612,"height":792,"text":…,"words":[[begin,end,x0,y0,x1,y1],…],
///    "blocks":[{"kind","range":[begin,end],"box":[x0,y0,x1,y1],"level","continues","cells":[[begin,end,row,column,row_span,
///    column_span,is_header],…]}],"is_ocr":…,"ocr_confidence":…,"problem":…}
///   {"type":"end","warnings":[…]}           or, instead of it,
///   {"type":"error","fault":"password_required","message":…}
///
/// Members that have their default value are left out. Places are rounded to hundredths of a point.
std::string document_line(const DocumentInfo& info);
std::string page_line(const Page& page);
std::string end_line(const std::vector<std::string>& warnings);
std::string error_line(const DocumentError& error);

/// Writes each call as a line, without its "\n", to `write`.
class DocumentLineWriter final : public DocumentSink {
 public:
  explicit DocumentLineWriter(std::function<void(std::string_view line)> write) : write_(std::move(write)) {}
  void begin(const DocumentInfo& info) override { write_(document_line(info)); }
  void page(Page page) override { write_(page_line(page)); }
  void end(const std::vector<std::string>& warnings) override { write_(end_line(warnings)); }

 private:
  std::function<void(std::string_view)> write_;
};

/// Reads the protocol, line by line, from a process that may have been taken over by a hostile file:
/// everything that Page promises is checked here (order, ranges within the text and on character borders,
/// finite places).
class DocumentLineReader {
 public:
  /// `sink` outlives the reader.
  explicit DocumentLineReader(DocumentSink& sink) : sink_(sink) {}
  /// Throws the DocumentError that an error line carries, and CorruptData where the protocol is broken.
  void line(std::string_view line);
  bool has_ended() const noexcept { return has_ended_; }
  int n_pages() const noexcept { return n_pages_; }

 private:
  DocumentSink& sink_;
  bool has_begun_ = false;
  bool has_ended_ = false;
  int n_pages_ = 0;
};

}  // namespace quintet
