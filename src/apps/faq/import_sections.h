#pragma once

#include <string>
#include <vector>

#include "apps/faq/import_collector.h"

namespace quintet::faq {

/// A heading with the text up to the next heading, in the order of the document. Level 0 has no heading: text
/// before the first one.
struct Section {
  int level = 0;        // 1 to 6 as in HTML; 7 = a bold line that stands for a heading
  std::string title;    // plain text without its number
  std::string heading;  // as Markdown, to stand inside another section's answer
  std::string body;     // Markdown
  bool is_numbered = false;
  bool is_entry = false;  // a question whatever its level and wording: details, dt
  TextPosition position = {0, 0};
  std::string url = {};
  std::vector<std::string> alternatives = {};
};

/// Decides which sections are entries:
///  - A section with text of its own is an entry; one without is a tag of those below it.
///  - A question ("?") takes the sections below it into its answer unless one of them is a question too or
///  bears a
///    number of its own, as chapters of a manual do.
///  - The first level-1 heading is the title of the document: an entry only when it stands alone
///  (`lone_title_counts`)
///    and a tag only when it bears a number or is one of several.
void add_sections(const std::vector<Section>& sections, bool lone_title_counts, const std::string& language,
                  ImportCollector& collector);

}  // namespace quintet::faq
