#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/faq/entry.h"

namespace quintet::faq {

/// How a FAQ is written down; docs/faq-formats.md says what each may look like.
enum class FaqFormat : std::uint8_t { json, jsonl, csv, markdown, text, html };

/// "json", "jsonl", "csv", "markdown", "text", "html", and the usual file extensions; nothing for other
/// names.
std::optional<FaqFormat> parse_format(std::string_view name);
std::string_view format_name(FaqFormat format) noexcept;
/// What a caller asked for by name: nothing for "auto". Throws InvalidArgument that lists the names.
std::optional<FaqFormat> requested_format(std::string_view name);

/// By the extension of `filename`, and by looking at `content` when there is none that we know.
FaqFormat detect_format(std::string_view filename, std::string_view content);

enum class Severity : std::uint8_t { warning, error };

/// What is wrong and where. An error leaves something out; a warning only says what was done.
struct ImportProblem {
  std::size_t line = 0;    // from 1; 0 = the file as a whole
  std::size_t column = 0;  // from 1, in characters; 0 = the line as a whole
  Severity severity = Severity::error;
  std::string message;
  std::string file = {};  // set by import_files only
};

/// "faq.json:12:3: error: ..." as compilers write it, so that editors can jump there.
std::string to_text(const ImportProblem& problem);

struct ImportLimits {
  std::size_t max_bytes = 100'000'000;      // of one file
  std::size_t max_entries = 1'000'000;      // of one import
  std::size_t max_question_bytes = 10'000;  // of a question or an alternative
  std::size_t max_answer_bytes = 1'000'000;
  std::size_t max_alternatives = 10'000;  // of one entry
  std::size_t max_tags = 100;             // of one entry
  std::size_t max_problems = 500;         // kept; a last one counts the rest
};

struct ImportResult {
  FaqFormat format = FaqFormat::json;
  std::vector<FaqEntry> entries;         // `id` is empty where the source gives none; ids here are unique
  std::vector<std::size_t> entry_lines;  // of each entry; 0 = unknown
  std::vector<ImportProblem> problems;   // in the order of the text
  std::size_t n_duplicates = 0;  // repeated questions: merged when the answers agree, else the first is kept

  bool has_errors() const noexcept;
};

/// Reads every entry of `content`. Bad content never throws: the problems say where it is, and what is sound
/// is in `entries`. Text comes out as valid UTF-8 without control characters; questions are plain text of one
/// line, answers Markdown. `source_url` is the address of an HTML page: it completes relative links and
/// starts each entry's url.
ImportResult import_entries(std::string_view content, FaqFormat format, const ImportLimits& limits = {},
                            std::string_view source_url = {});

/// Reads files, and folders with all files below them whose extension is known, into one list: a question
/// that two files share is found. A link to a file that is read anyway is not read twice. With `base_url`, an
/// HTML file's address is its path below the given folder, appended to it. A file that cannot be read is a
/// problem, not an exception; so is a path that does not exist.
ImportResult import_files(std::span<const std::filesystem::path> paths, const ImportLimits& limits = {},
                          std::string_view base_url = {});

/// `entries` as text that import_entries reads back unchanged (json, jsonl, csv, markdown). Throws
/// Unsupported for html and text, which cannot hold every field.
std::string export_entries(std::span<const FaqEntry> entries, FaqFormat format);

}  // namespace quintet::faq
