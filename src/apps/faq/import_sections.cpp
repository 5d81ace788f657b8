#include "apps/faq/import_sections.h"

#include <algorithm>

#include "apps/faq/markdown_text.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

/// Facts about all sections below one, gathered in one pass from the end.
struct Below {
  bool any = false;
  bool question = false;
  bool numbered = false;
  bool entry = false;
};

std::vector<Below> look_below(const std::vector<Section>& sections) {
  std::vector<Below> below(sections.size());
  std::vector<std::size_t> open;  // ancestors of the section at hand, by ascending level
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].level == 0) continue;
    while (!open.empty() && sections[open.back()].level >= sections[i].level) open.pop_back();
    // At most 7 levels, so this is linear.
    for (const auto ancestor : open) {
      below[ancestor].any = true;
      below[ancestor].question = below[ancestor].question || reads_as_question(sections[i].title);
      below[ancestor].numbered = below[ancestor].numbered || sections[i].is_numbered;
      below[ancestor].entry = below[ancestor].entry || sections[i].is_entry;
    }
    open.push_back(i);
  }
  return below;
}

}  // namespace

void add_sections(const std::vector<Section>& sections, bool lone_title_counts, const std::string& language,
                  ImportCollector& collector) {
  const auto below = look_below(sections);
  const auto n_titles =
      std::count_if(sections.begin(), sections.end(), [](const Section& s) { return s.level == 1; });
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < sections.size() && !collector.full(); ++i) {
    const Section& section = sections[i];
    if (section.level == 0) continue;
    while (!open.empty() && sections[open.back()].level >= section.level) open.pop_back();

    const bool is_question = section.is_entry || reads_as_question(section.title);
    const bool is_title = section.level == 1 && n_titles == 1 && !is_question && !section.is_entry;
    const bool has_body = !trim(section.body).empty();
    const bool absorbs =
        is_question && below[i].any && !below[i].question && !below[i].numbered && !below[i].entry;
    FoundEntry found{{}, section.position};
    found.entry.question = section.title;
    found.entry.answer = section.body;
    found.entry.language = language;
    found.entry.url = section.url;
    found.entry.alternatives = section.alternatives;
    for (const auto ancestor : open) {
      const Section& above = sections[ancestor];
      if (above.level == 1 && n_titles == 1 && !above.is_numbered) continue;
      found.entry.tags.push_back(above.title);
    }
    if (!open.empty()) found.context = sections[open.back()].title;

    std::size_t next = i + 1;
    if (absorbs || (is_question && !has_body && below[i].any)) {
      for (std::size_t j = i + 1; j < sections.size() && sections[j].level > section.level; ++j) {
        found.entry.answer += cat("\n\n", sections[j].heading, "\n\n", sections[j].body);
        if (found.entry.answer.size() > 2 * collector.limits().max_answer_bytes) break;  // refused anyway
        if (absorbs) next = j + 1;
      }
      if (absorbs)
        while (next < sections.size() && sections[next].level > section.level) ++next;
    }
    const bool is_lone = is_title && !below[i].any && lone_title_counts;
    if (is_title && !is_lone) {
      open.push_back(i);
    } else if (has_body || absorbs || is_question) {
      // A question without any text is reported as one without an answer.
      collector.add(std::move(found));
      open.push_back(i);
    } else if (!below[i].any && !is_title) {
      collector.warning(section.position, cat("section ", quoted_start(section.title), " has no text"));
    } else {
      open.push_back(i);
    }
    i = next - 1;
  }
}

}  // namespace quintet::faq
