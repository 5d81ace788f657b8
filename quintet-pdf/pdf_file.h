#pragma once

#include <string>
#include <vector>

#include "documents/document.h"
#include "documents/raw_page.h"
#include "fitz.h"

namespace quintet::pdf {

struct PdfLimits {
  int max_pages = 20'000;
};

/// An open PDF. Pages are numbered from 1 and read one at a time, in any order.
class PdfFile {
 public:
  /// Takes over `stream`. `password` may be empty. Throws DocumentError: password_required, wrong_password,
  /// corrupt, empty, too_large.
  PdfFile(fz_context* context, Stream stream, const std::string& password, const PdfLimits& limits);

  int n_pages() const noexcept { return static_cast<int>(pages_.size()); }
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  /// Metadata and outline. What is damaged in them is left out.
  DocumentInfo info();
  /// The text and marks of page `number`; a page that cannot be read, or only in part, says so in its
  /// problem. `cookie` lets a timer end it.
  RawPage page(int number, fz_cookie* cookie);
  /// Page `number` in grey at `dpi`, or less where that would be more than `max_pixels`. Throws FitzError.
  Pixmap render(int number, float dpi, std::size_t max_pixels, fz_cookie* cookie);

 private:
  void open(Stream stream, const std::string& password);
  void find_pages(int max_pages);
  PdfPage load(int number);
  void read_text(int number, RawPage& raw, fz_cookie* cookie);

  fz_context* context_;
  PdfDocument document_;
  std::vector<int> pages_;  // object numbers; 0 = the page is no object of its own
  std::vector<std::string> labels_;
  std::vector<std::string> warnings_;
};

}  // namespace quintet::pdf
