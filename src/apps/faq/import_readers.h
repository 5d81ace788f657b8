#pragma once

#include <string_view>
#include <vector>

#include "apps/faq/import_collector.h"

namespace quintet::faq {

// One reader per format. `text` is valid UTF-8 with LF line ends, without byte order mark and NUL bytes,
// except for HTML, which names its own encoding.
void import_json(std::string_view text, ImportCollector& collector);
void import_jsonl(std::string_view text, ImportCollector& collector);
void import_csv(std::string_view text, ImportCollector& collector);
void import_markdown(std::string_view text, ImportCollector& collector);
void import_text(std::string_view text, ImportCollector& collector);
/// "Q: ... A: ..." in text or Markdown, from line `first` on; false, with nothing read, when there are no
/// such marks.
bool import_marked_questions(const std::vector<std::string_view>& lines, std::size_t first,
                             ImportCollector& collector);
/// `url` is where the page lives ("" = unknown): a full address, or a path that only names it in the entries'
/// urls.
void import_html(std::string_view bytes, std::string_view url, ImportCollector& collector);

/// Checks the size, repairs the encoding and calls the reader of `format`.
void import_into(std::string_view content, FaqFormat format, std::string_view source_url,
                 ImportCollector& collector);

/// One parsed JSON value as an entry, or as a group of entries with a category. Used for JSON-LD inside HTML
/// too.
void add_json_entry(const Json& value, TextPosition position, std::string_view tag,
                    ImportCollector& collector);

}  // namespace quintet::faq
