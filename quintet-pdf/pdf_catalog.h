#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "documents/document.h"
#include "fitz.h"

namespace quintet::pdf {

/// What a PDF's catalogue says of its pages, read from the objects with bounds on depth, number and cycles.
/// What is damaged is left out; only FitzError for a lack of memory is thrown.

/// The printed labels of `n_pages` pages (ISO 32000-1, 12.4.2), or none where the file has no /PageLabels.
std::vector<std::string> page_labels(fz_context* context, pdf_document* document, int n_pages);

/// The outline in reading order. `page_of` gives the page from 1 of a page object's number, or 0.
std::vector<OutlineEntry> outline_of(fz_context* context, pdf_document* document, int n_pages,
                                     const std::function<int(int object_number)>& page_of);

/// Title, author, subject, keywords, date and language.
void read_metadata(fz_context* context, pdf_document* document, DocumentInfo& info);

/// "D:20240131120000+02'00'" as "2024-01-31T12:00:00+02:00", as far as it is given and makes sense; else "".
std::string iso_date(std::string_view pdf_date);

}  // namespace quintet::pdf
