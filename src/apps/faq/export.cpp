#include <algorithm>
#include <string>

#include "apps/faq/import.h"
#include "apps/faq/markdown_text.h"
#include "core/error.h"
#include "core/json.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

/// Members in the order people read them; empty ones are left out.
JsonObject to_object(const FaqEntry& entry, bool with_texts) {
  JsonObject object;
  if (!entry.id.empty()) object["id"] = entry.id;
  if (with_texts) {
    object["question"] = entry.question;
    object["answer"] = entry.answer;
  }
  if (!entry.alternatives.empty()) object["alternatives"] = to_json_array(entry.alternatives);
  if (!entry.tags.empty()) object["tags"] = to_json_array(entry.tags);
  if (!entry.language.empty()) object["language"] = entry.language;
  if (!entry.url.empty()) object["url"] = entry.url;
  return object;
}

void append_cell(std::string& out, std::string_view cell) {
  const bool plain = cell.find_first_of(",;\t\"\n\r") == std::string_view::npos &&
                     (cell.empty() || (cell.front() != ' ' && cell.back() != ' '));
  if (plain) {
    out += cell;
    return;
  }
  out += '"';
  for (const char c : cell) {
    out += c;
    if (c == '"') out += '"';
  }
  out += '"';
}

/// The inverse of split_items: '|' between items, or line ends when an item holds a separator.
std::string join_items(const std::vector<std::string>& items, std::string_view separators) {
  const bool by_line = std::any_of(items.begin(), items.end(), [&](const std::string& item) {
    return item.find_first_of(separators) != std::string::npos;
  });
  if (!by_line) return join(items, "|");
  std::string out;
  for (const auto& item : items) out += item + "\n";
  return out;
}

std::string to_csv(std::span<const FaqEntry> entries) {
  std::string out = "id,question,answer,alternatives,tags,language,url\n";
  for (const auto& entry : entries) {
    const std::string cells[] = {entry.id,
                                 entry.question,
                                 entry.answer,
                                 join_items(entry.alternatives, "|"),
                                 join_items(entry.tags, "|,;"),
                                 entry.language,
                                 entry.url};
    for (std::size_t i = 0; i < std::size(cells); ++i) {
      if (i > 0) out += ',';
      append_cell(out, cells[i]);
    }
    out += '\n';
  }
  return out;
}

std::string to_markdown(std::span<const FaqEntry> entries) {
  std::string out = "# FAQ\n";
  for (const auto& entry : entries) {
    std::string marker = to_json(to_object(entry, false));
    if (marker.find("--") != std::string::npos)
      marker = replace_all(marker, "-", "\\u002d");  // would end the comment
    out += cat("\n", kEntryMarker, marker, " -->\n## ", entry.question, "\n\n");
    for (const auto line : split(entry.answer, '\n')) {
      if (trim_left(line, "\\").starts_with(kEntryMarker)) out += '\\';
      out += line;
      out += '\n';
    }
  }
  return out;
}

}  // namespace

std::string export_entries(std::span<const FaqEntry> entries, FaqFormat format) {
  std::string out;
  switch (format) {
    case FaqFormat::json: {
      JsonArray array;
      array.reserve(entries.size());
      for (const auto& entry : entries) array.push_back(to_object(entry, true));
      return to_pretty_json(JsonObject{{"faqs", std::move(array)}}) + "\n";
    }
    case FaqFormat::jsonl:
      for (const auto& entry : entries) out += to_json(to_object(entry, true)) + "\n";
      return out;
    case FaqFormat::csv: return to_csv(entries);
    case FaqFormat::markdown: return to_markdown(entries);
    case FaqFormat::text:
    case FaqFormat::html: break;
  }
  throw Unsupported(
      cat("export: ", format_name(format), " cannot hold every field; use json, jsonl, csv or markdown"));
}

}  // namespace quintet::faq
