#include <algorithm>
#include <string>
#include <vector>

#include "apps/faq/import_readers.h"
#include "core/csv.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

bool names_question_and_answer(const std::vector<std::string>& cells) {
  bool question = false;
  bool answer = false;
  for (const auto& cell : cells) {
    const auto field = field_named(trim(cell));
    question = question || field == Field::question;
    answer = answer || field == Field::answer;
  }
  return question && answer;
}

/// The delimiter under which the first record is a header, else the one that gives it most cells.
char find_delimiter(std::string_view text) {
  char best = ',';
  std::size_t most_cells = 1;
  for (const char delimiter : {',', ';', '\t'}) {
    CsvRecord record;
    if (!CsvReader(text, delimiter).next(record)) continue;
    if (record.fault.empty() && names_question_and_answer(record.cells)) return delimiter;
    if (record.cells.size() > most_cells) {
      most_cells = record.cells.size();
      best = delimiter;
    }
  }
  return best;
}

FaqEntry to_entry(const std::vector<Field>& columns, std::vector<std::string>& cells) {
  FaqEntry entry;
  for (std::size_t i = 0; i < columns.size() && i < cells.size(); ++i) {
    auto& cell = cells[i];
    switch (columns[i]) {
      case Field::none: break;
      case Field::id: entry.id = std::move(cell); break;
      case Field::question:
        if (entry.question.empty()) {
          entry.question = std::move(cell);
        } else {
          entry.alternatives.push_back(std::move(cell));
        }
        break;
      case Field::answer:
        if (entry.answer.empty()) entry.answer = std::move(cell);
        break;
      case Field::alternatives:
        for (auto& item : split_items(cell, false)) entry.alternatives.push_back(std::move(item));
        break;
      case Field::tags:
        for (auto& item : split_items(cell, true)) entry.tags.push_back(std::move(item));
        break;
      case Field::language: entry.language = std::move(cell); break;
      case Field::url: entry.url = std::move(cell); break;
    }
  }
  return entry;
}

bool is_blank(const std::vector<std::string>& cells) {
  return std::all_of(cells.begin(), cells.end(), [](const std::string& cell) { return trim(cell).empty(); });
}

}  // namespace

void import_csv(std::string_view text, ImportCollector& collector) {
  LineCounter lines(text);
  CsvReader splitter(text, find_delimiter(text));
  CsvRecord record;
  std::vector<Field> columns;
  bool is_header = false;
  if (!splitter.next(record)) return;
  if (record.fault.empty() && names_question_and_answer(record.cells)) {
    for (const auto& cell : record.cells) columns.push_back(field_named(trim(cell)));
    is_header = true;
  } else if (record.cells.size() == 2 || !record.fault.empty()) {
    columns = {Field::question, Field::answer};
  } else {
    collector.error(
        lines.at(record.start),
        cat("the first line names no question and no answer column (it has ", record.cells.size(),
            " cells); expected a header such as question,answer,alternatives,tags, or exactly two columns"));
    return;
  }
  if (is_header && !splitter.next(record)) {
    collector.warning({0, 0}, "there is a header but no entry");
    return;
  }
  // Each unclosed quote is found by reading to the end; a file of nothing else must not take quadratic time.
  constexpr std::size_t kMaxUnclosed = 50;
  std::size_t n_unclosed = 0;
  do {
    if (collector.full()) return;
    if (!record.fault.empty()) {
      collector.error(lines.at(record.fault_offset),
                      cat("not valid CSV: ", record.fault, "; this line is left out"));
      if (record.fault.starts_with("this quote") && ++n_unclosed == kMaxUnclosed) {
        collector.error(lines.at(record.start), "too many quotes are not closed; reading stops here");
        return;
      }
      continue;
    }
    if (is_blank(record.cells)) continue;
    while (record.cells.size() > columns.size() && trim(record.cells.back()).empty()) record.cells.pop_back();
    if (record.cells.size() > columns.size()) {
      collector.error(lines.at(record.start),
                      cat("this line has ", record.cells.size(), " cells, but there are ", columns.size(),
                          " columns; put cells that contain the delimiter in double quotes"));
      continue;
    }
    const auto position = lines.at(record.start);
    collector.add({to_entry(columns, record.cells), position});
  } while (splitter.next(record));
}

}  // namespace quintet::faq
