#pragma once

#include <vector>

#include "documents/document.h"
#include "fitz.h"

namespace quintet::pdf {

/// What a page draws besides readable text, gathered while it is interpreted.
struct PageMarks {
  std::vector<Box> rules;  // straight strokes along an axis and thin filled boxes, in places of the page
  std::vector<Box> images;
  int n_visible_glyphs = 0;
  int n_invisible_glyphs = 0;  // render mode 3: the text layer of a scan
};

/// A MuPDF device that hands text on to `text` and notes rules and images in `marks`. Both outlive it. What
/// it notes is bounded; a page that draws more loses the rest of its rules. Throws as MuPDF does: call in
/// guard().
fz_device* new_page_device(fz_context* context, fz_device* text, PageMarks* marks);

}  // namespace quintet::pdf
