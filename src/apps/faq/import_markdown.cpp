#include <algorithm>
#include <string>
#include <vector>

#include "apps/faq/import_readers.h"
#include "apps/faq/import_sections.h"
#include "apps/faq/markdown_text.h"
#include "core/error.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

std::size_t indent_of(std::string_view line) noexcept {
  return std::min(line.find_first_not_of(' '), line.size());
}

/// Knows at each line whether it is inside a code fence or a comment (CommonMark 4.5 and 4.6).
class BlockState {
 public:
  /// True when the line belongs to code or a comment, its delimiters included.
  bool is_verbatim(std::string_view line) {
    const auto text = indent_of(line) < 4 ? trim_left(line, " ") : std::string_view{};
    if (in_comment_) {
      in_comment_ = line.find("-->") == std::string_view::npos;
      return true;
    }
    if (fence_length_ > 0) {
      const auto length = run(text, fence_);
      if (length >= fence_length_ && trim(text.substr(length)).empty()) fence_length_ = 0;
      return true;
    }
    for (const char c : {'`', '~'}) {
      const auto length = run(text, c);
      if (length < 3 || (c == '`' && text.find('`', length) != std::string_view::npos)) continue;
      fence_ = c;
      fence_length_ = length;
      return true;
    }
    if (text.starts_with("<!--")) {
      in_comment_ = text.find("-->", 4) == std::string_view::npos;
      return true;
    }
    return false;
  }

 private:
  static std::size_t run(std::string_view text, char c) noexcept {
    return std::min(text.find_first_not_of(c), text.size());
  }

  char fence_ = 0;
  std::size_t fence_length_ = 0;
  bool in_comment_ = false;
};

/// "## Title ##" → level 2 and "Title"; 0 when the line is none (CommonMark 4.2).
int atx_heading(std::string_view line, std::string_view& title) {
  const auto indent = indent_of(line);
  if (indent > 3) return 0;
  line.remove_prefix(indent);
  const auto level = std::min(line.find_first_not_of('#'), line.size());
  if (level == 0 || level > 6) return 0;
  if (level < line.size() && line[level] != ' ' && line[level] != '\t') return 0;
  title = trim(line.substr(level));
  const auto last = title.find_last_not_of('#');
  if (last == std::string_view::npos) {
    title = {};
  } else if (last + 1 < title.size() && (title[last] == ' ' || title[last] == '\t')) {
    title = trim(title.substr(0, last));
  }
  return static_cast<int>(level);
}

/// The line under a setext heading: 1 for "===", 2 for "---" (CommonMark 4.3).
int setext_level(std::string_view line) {
  if (indent_of(line) > 3) return 0;
  const auto text = trim(line);
  if (text.empty() || text.find_first_not_of(text.front()) != std::string_view::npos) return 0;
  return text.front() == '=' ? 1 : text.front() == '-' ? 2 : 0;
}

/// A paragraph that may become a setext heading: not a list, quote, table row or indented code.
bool is_plain_line(std::string_view line) {
  const auto text = trim(line);
  if (text.empty() || indent_of(line) > 3) return false;
  for (const std::string_view start : {">", "- ", "* ", "+ ", "|"})
    if (text.starts_with(start)) return false;
  return true;
}

/// A whole line in bold that asks something, as FAQs without headings have it.
bool is_bold_question(std::string_view line, std::string_view& title) {
  const auto text = trim(line);
  for (const std::string_view mark : {"**", "__"}) {
    if (text.size() < 6 || !text.starts_with(mark) || !text.ends_with(mark)) continue;
    const auto inner = text.substr(2, text.size() - 4);
    if (inner.find(mark) != std::string_view::npos || !reads_as_question(inner)) continue;
    title = inner;
    return true;
  }
  return false;
}

/// Front matter is for another program: "---" to "---", or "+++" to "+++". Gives the first line after it.
std::size_t skip_front_matter(const std::vector<std::string_view>& lines) {
  if (lines.empty() || (trim(lines[0]) != "---" && trim(lines[0]) != "+++")) return 0;
  const auto fence = trim(lines[0]);
  for (std::size_t i = 1; i < lines.size(); ++i)
    if (trim(lines[i]) == fence || (fence == "---" && trim(lines[i]) == "...")) return i + 1;
  return 0;
}

/// What export_entries wrote: each entry from its marker to the next one, every byte of it kept.
void import_marked(const std::vector<std::string_view>& lines, ImportCollector& collector) {
  std::size_t i = 0;
  while (i < lines.size() && !lines[i].starts_with(kEntryMarker)) ++i;
  while (i < lines.size()) {
    const TextPosition position{i + 1, 1};
    FoundEntry found{{}, position};
    auto fields = lines[i].substr(kEntryMarker.size());
    fields = fields.substr(0, fields.rfind("-->"));
    JsonFault fault;
    const auto json = try_parse_json(trim(fields), &fault);
    const auto* object = json ? json->if_object() : nullptr;
    if (object != nullptr) {
      try {
        found.entry.id = get_string(*object, "id").value_or("");
        found.entry.alternatives = get_strings(*object, "alternatives");
        found.entry.tags = get_strings(*object, "tags");
        found.entry.language = get_string(*object, "language").value_or("");
        found.entry.url = get_string(*object, "url").value_or("");
      } catch (const InvalidArgument& error) {  // the entry's text is still there
        collector.error(position, cat("the entry's comment: ", error.what()));
      }
    } else {
      collector.error({i + 1, kEntryMarker.size() + 1 + fault.offset},
                      cat("the entry's comment is not valid JSON: ", fault.reason));
    }
    ++i;
    while (i < lines.size() && trim(lines[i]).empty()) ++i;
    if (i < lines.size() && lines[i].starts_with("## ")) found.entry.question = lines[i++].substr(3);
    while (i < lines.size() && !lines[i].starts_with(kEntryMarker)) {
      // A line of the answer that looks like a marker bears one backslash more.
      const bool escaped = lines[i].starts_with('\\') && trim_left(lines[i], "\\").starts_with(kEntryMarker);
      found.entry.answer += lines[i].substr(escaped ? 1 : 0);
      found.entry.answer += '\n';
      ++i;
    }
    collector.add(std::move(found));
  }
}

std::vector<Section> sections_of(const std::vector<std::string_view>& lines, std::size_t first) {
  std::vector<Section> sections(1);
  BlockState state;
  bool previous_is_plain = false;
  const auto begin = [&](int level, std::string_view title, std::size_t line) {
    Section section;
    section.level = level;
    section.heading = level > 6 ? cat("**", title, "**")
                                : cat(std::string(static_cast<std::size_t>(level), '#'), " ", title);
    bool numbered = false;
    const auto marked = trim_left(trim(title), "*_");
    strip_number(marked, &numbered);
    section.is_numbered = numbered;
    section.title = plain_heading(title);
    section.position = {line + 1, 1};
    sections.push_back(std::move(section));
  };
  for (std::size_t i = first; i < lines.size(); ++i) {
    const auto line = lines[i];
    std::string_view title;
    if (state.is_verbatim(line)) {
      previous_is_plain = false;
    } else if (const int level = atx_heading(line, title); level > 0 && !title.empty()) {
      begin(level, title, i);
      previous_is_plain = false;
      continue;
    } else if (const int under = setext_level(line); under > 0 && previous_is_plain) {
      // The line above was taken for text of the section before.
      auto& body = sections.back().body;
      const auto start = body.size() < 2 ? std::string::npos : body.rfind('\n', body.size() - 2);
      body.resize(start == std::string::npos ? 0 : start + 1);
      begin(under, trim(lines[i - 1]), i - 1);
      previous_is_plain = false;
      continue;
    } else if (is_bold_question(line, title)) {
      begin(7, title, i);
      previous_is_plain = false;
      continue;
    } else {
      // Only a paragraph of one line becomes a heading here.
      previous_is_plain = is_plain_line(line) && (i == first || !previous_is_plain);
    }
    sections.back().body += line;
    sections.back().body += '\n';
  }
  return sections;
}

/// "A:" in front of an answer under a heading says nothing more.
void drop_answer_mark(Section& section) {
  const auto body = trim_left(section.body, " \t\n");
  for (const std::string_view mark : {"A:", "**A:**", "**A**:", "Answer:", "**Answer:**"}) {
    if (!body.starts_with(mark)) continue;
    section.body = std::string(trim_left(body.substr(mark.size()), " \t"));
    return;
  }
}

}  // namespace

void import_markdown(std::string_view text, ImportCollector& collector) {
  const auto lines = split(text, '\n');
  const auto is_marker = [](std::string_view line) { return line.starts_with(kEntryMarker); };
  if (std::any_of(lines.begin(), lines.end(), is_marker)) {
    import_marked(lines, collector);
    return;
  }
  if (import_marked_questions(lines, skip_front_matter(lines), collector)) return;
  auto sections = sections_of(lines, skip_front_matter(lines));
  for (auto& section : sections) drop_answer_mark(section);
  add_sections(sections, true, {}, collector);
}

}  // namespace quintet::faq
