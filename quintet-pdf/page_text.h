#pragma once

#include <vector>

#include "documents/raw_page.h"
#include "fitz.h"

namespace quintet::pdf {

/// The words of MuPDF's structured text, line by line. `first_block` is the number of the first block; what
/// lies wholly outside `page` is left out.
///
/// A word's box spans the advances of its glyphs and, across the line, the ascent and descent of its font, so
/// that it covers what a text layer over the rendered page would mark.
std::vector<RawLine> lines_of(fz_context* context, const fz_stext_page& text, const Box& page,
                              int first_block);

/// The text as it stands in `lines`, words joined by blanks, for deciding whether it is worth anything.
std::size_t n_unreadable_characters(const std::vector<RawLine>& lines);

}  // namespace quintet::pdf
