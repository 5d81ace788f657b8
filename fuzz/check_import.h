#pragma once

#include <cstdlib>
#include <string_view>

#include "apps/faq/import.h"
#include "apps/faq/knowledge_store.h"
#include "core/text.h"

namespace quintet::faq {

inline void require(bool claim) {
  if (!claim) std::abort();
}

/// What holds for every import, whatever the bytes: nothing is thrown, the store would take each entry, and
/// the entries survive a round trip through each format that can hold them.
inline void check_import(std::string_view text, FaqFormat format) {
  const auto result = import_entries(text, format, {}, "https://example.org/faq/page.html");
  require(result.entries.size() == result.entry_lines.size());
  for (const auto& entry : result.entries) validate(entry);
  for (const auto& problem : result.problems) {
    require(!problem.message.empty());
    require(problem.column == 0 || problem.line > 0);
    require(!find_invalid_utf8(problem.message));
  }
  require(!result.entries.empty() || !result.problems.empty());
  detect_format("", text);
  for (const auto other : {FaqFormat::json, FaqFormat::jsonl, FaqFormat::csv, FaqFormat::markdown}) {
    if (result.entries.empty()) break;
    const auto again = import_entries(export_entries(result.entries, other), other);
    require(again.problems.empty());
    require(again.entries == result.entries);
  }
}

}  // namespace quintet::faq
