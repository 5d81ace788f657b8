#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "apps/faq/import.h"
#include "core/json.h"

namespace quintet::faq {

/// Line and column of byte offsets. A question costs the distance from the one before, so asking in ascending
/// order is one pass over the text in total, whatever the length of its lines. Keeps a view of the text.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : text_(text) {}
  TextPosition at(std::size_t offset) noexcept;

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
  TextPosition position_;
};

/// What a reader found before anything was checked.
struct FoundEntry {
  FaqEntry entry;
  TextPosition position = {0, 0};
  std::string context = {};  // the section it stands in; tells two entries titled alike apart
};

/// Where every reader puts its entries and problems: cleans text, applies the limits and finds duplicates, so
/// that these rules are the same for each format. One import, one thread.
class ImportCollector {
 public:
  explicit ImportCollector(const ImportLimits& limits) : limits_(limits) {}

  /// Names the file that the following entries and problems come from.
  void begin_file(std::string name) { file_ = std::move(name); }

  void add(FoundEntry found);
  void error(TextPosition position, std::string message) {
    problem(position, Severity::error, std::move(message));
  }
  void warning(TextPosition position, std::string message) {
    problem(position, Severity::warning, std::move(message));
  }

  /// No further entry is accepted: readers may stop.
  bool full() const noexcept { return full_; }
  std::size_t n_entries() const noexcept { return result_.entries.size(); }
  std::size_t n_problems() const noexcept { return result_.problems.size() + n_problems_left_out_; }
  const ImportLimits& limits() const noexcept { return limits_; }

  ImportResult finish(FaqFormat format);

 private:
  struct Known {
    std::size_t index;
    std::string file;
  };

  void problem(TextPosition position, Severity severity, std::string message);
  bool clean(FoundEntry& found);
  void clean_list(std::vector<std::string>& list, std::size_t max_items, std::string_view what,
                  const FoundEntry& found);
  void merge(FaqEntry& kept, FaqEntry&& other);

  ImportLimits limits_;
  ImportResult result_;
  std::string file_;
  std::unordered_map<std::string, Known> by_question_;  // folded question → where
  std::unordered_map<std::string, std::size_t> by_id_;
  std::size_t n_problems_left_out_ = 0;
  bool left_out_an_error_ = false;
  bool full_ = false;
};

/// Field names people use, compared without case, spaces, '_', '-' and trailing digits ("Alternative 2").
enum class Field : std::uint8_t { none, id, question, answer, alternatives, tags, language, url };
Field field_named(std::string_view name);

/// The items of one cell: lines when there are several, else parts between '|'; a list of tags may also use ,
/// and ;
std::vector<std::string> split_items(std::string_view cell, bool commas_too);

/// `text` without control characters except line feed and tab; CRLF and CR become LF.
std::string clean_text(std::string_view text, bool* removed_any = nullptr);
/// As clean_text, on one line, runs of white space as one space.
std::string clean_line(std::string_view text, bool* removed_any = nullptr);

/// Begins of `text` as they are quoted in messages.
std::string quoted_start(std::string_view text);

}  // namespace quintet::faq
