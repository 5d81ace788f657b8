#include "apps/faq/import.h"

#include <algorithm>
#include <array>

#include "apps/faq/import_readers.h"
#include "core/error.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

struct FormatRow {
  FaqFormat format;
  std::string_view name;
  std::array<std::string_view, 4> extensions;
};

constexpr std::array kFormats = {
    FormatRow{FaqFormat::json, "json", {"json", "", "", ""}},
    FormatRow{FaqFormat::jsonl, "jsonl", {"jsonl", "ndjson", "", ""}},
    FormatRow{FaqFormat::csv, "csv", {"csv", "tsv", "", ""}},
    FormatRow{FaqFormat::markdown, "markdown", {"md", "markdown", "mdown", "mkd"}},
    FormatRow{FaqFormat::text, "text", {"txt", "text", "", ""}},
    FormatRow{FaqFormat::html, "html", {"html", "htm", "xhtml", ""}},
};

std::optional<FaqFormat> format_of_extension(std::string_view extension) {
  for (const auto& row : kFormats)
    for (const auto known : row.extensions)
      if (!known.empty() && iequals_ascii(known, extension)) return row.format;
  return std::nullopt;
}

FaqFormat sniff(std::string_view content) {
  content = content.substr(0, 64 * 1024);
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  const auto text = trim(content);
  if (text.empty()) return FaqFormat::text;
  const auto lines = split_lines(text);
  const auto first = trim(lines.front());
  if (text.front() == '[') return FaqFormat::json;
  if (text.front() == '{')
    return lines.size() > 1 && lines[1].starts_with("{") && try_parse_json(first) ? FaqFormat::jsonl
                                                                                  : FaqFormat::json;
  if (text.front() == '<' && !text.starts_with("<!-- quintet:")) return FaqFormat::html;
  for (const char delimiter : {',', ';', '\t'}) {
    bool question = false;
    bool answer = false;
    for (auto cell : split(first, delimiter)) {
      cell = trim(cell);
      if (cell.size() >= 2 && cell.front() == '"') cell = cell.substr(1, cell.size() - 2);
      question = question || field_named(cell) == Field::question;
      answer = answer || field_named(cell) == Field::answer;
    }
    if (question && answer) return FaqFormat::csv;
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with("#") || lines[i].starts_with("<!-- quintet:")) return FaqFormat::markdown;
    if (i > 0 && !trim(lines[i - 1]).empty() && lines[i].starts_with("===")) return FaqFormat::markdown;
  }
  return FaqFormat::text;
}

/// UTF-16 as spreadsheets save "Unicode text".
std::string from_utf16(std::string_view bytes, bool big_endian) {
  std::string out;
  out.reserve(bytes.size());
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    char32_t c = unit(i);
    if (c >= 0xD800 && c < 0xDC00 && i + 3 < bytes.size() && unit(i + 2) >= 0xDC00 && unit(i + 2) < 0xE000) {
      c = 0x10000 + ((c - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    } else if (c >= 0xD800 && c < 0xE000) {
      c = 0xFFFD;
    }
    append_utf8(out, c);
  }
  return out;
}

/// Makes `content` what the readers expect; reports what had to be repaired. `storage` keeps a changed copy.
std::string_view prepare(std::string_view content, std::string& storage, ImportCollector& collector) {
  if (content.starts_with("\xFF\xFE") || content.starts_with("\xFE\xFF")) {
    storage = from_utf16(content.substr(2), content.front() == '\xFE');
    content = storage;
  } else if (content.starts_with("\xEF\xBB\xBF")) {
    content.remove_prefix(3);
  }
  if (const auto bad = find_invalid_utf8(content)) {
    collector.warning(position_at(content, *bad),
                      "the text is not valid UTF-8 here (save the file as UTF-8); such bytes were replaced "
                      "by \xEF\xBF\xBD");
    storage = sanitize_utf8(content);
    content = storage;
  }
  if (const auto nul = content.find('\0'); nul != std::string_view::npos) {
    collector.warning(position_at(content, nul), "NUL bytes were removed");
    std::string without;
    without.reserve(content.size());
    std::copy_if(content.begin(), content.end(), std::back_inserter(without),
                 [](char c) { return c != '\0'; });
    storage = std::move(without);
    content = storage;
  }
  if (content.find('\r') != std::string_view::npos) {
    std::string unix_lines;
    unix_lines.reserve(content.size());
    for (std::size_t i = 0; i < content.size(); ++i) {
      if (content[i] != '\r') {
        unix_lines += content[i];
      } else if (i + 1 >= content.size() || content[i + 1] != '\n') {
        unix_lines += '\n';
      }
    }
    storage = std::move(unix_lines);
    content = storage;
  }
  return content;
}

}  // namespace

std::optional<FaqFormat> parse_format(std::string_view name) {
  for (const auto& row : kFormats)
    if (iequals_ascii(row.name, name)) return row.format;
  return format_of_extension(name);
}

std::string_view format_name(FaqFormat format) noexcept {
  for (const auto& row : kFormats)
    if (row.format == format) return row.name;
  return "unknown";
}

std::optional<FaqFormat> requested_format(std::string_view name) {
  if (name == "auto") return std::nullopt;
  if (const auto format = parse_format(name)) return format;
  throw InvalidArgument(cat("format \"", truncate_utf8(sanitize_utf8(name), 40),
                            "\" is not known; use auto, json, jsonl, csv, markdown, text or html"));
}

FaqFormat detect_format(std::string_view filename, std::string_view content) {
  if (const auto dot = filename.rfind('.'); dot != std::string_view::npos)
    if (const auto format = format_of_extension(filename.substr(dot + 1))) return *format;
  return sniff(content);
}

std::string to_text(const ImportProblem& problem) {
  std::string out = problem.file;
  if (problem.line > 0) {
    if (!out.empty()) out += ':';
    out += cat(out.empty() ? "line " : "", problem.line);
    if (problem.column > 0) out += cat(problem.file.empty() ? ", column " : ":", problem.column);
  }
  if (!out.empty()) out += ": ";
  out += problem.severity == Severity::error ? "error: " : "warning: ";
  return out + problem.message;
}

bool ImportResult::has_errors() const noexcept {
  return std::any_of(problems.begin(), problems.end(),
                     [](const ImportProblem& problem) { return problem.severity == Severity::error; });
}

void import_into(std::string_view content, FaqFormat format, std::string_view source_url,
                 ImportCollector& collector) {
  if (content.size() > collector.limits().max_bytes) {
    collector.error({0, 0}, cat("the file has ", content.size(), " bytes; at most ",
                                collector.limits().max_bytes, " are read (split it)"));
    return;
  }
  const std::size_t n_entries = collector.n_entries();
  const std::size_t n_problems = collector.n_problems();
  std::string storage;
  const auto text = format == FaqFormat::html ? content : prepare(content, storage, collector);
  if (trim(text).empty()) {
    collector.error({0, 0}, "the file is empty");
    return;
  }
  switch (format) {
    case FaqFormat::json: import_json(text, collector); break;
    case FaqFormat::jsonl: import_jsonl(text, collector); break;
    case FaqFormat::csv: import_csv(text, collector); break;
    case FaqFormat::markdown: import_markdown(text, collector); break;
    case FaqFormat::text: import_text(text, collector); break;
    case FaqFormat::html: import_html(text, source_url, collector); break;
  }
  if (collector.n_entries() == n_entries && collector.n_problems() == n_problems)
    collector.warning({0, 0}, cat("no questions were found (read as ", format_name(format), ")"));
}

ImportResult import_entries(std::string_view content, FaqFormat format, const ImportLimits& limits,
                            std::string_view source_url) {
  ImportCollector collector(limits);
  import_into(content, format, source_url, collector);
  return collector.finish(format);
}

}  // namespace quintet::faq
