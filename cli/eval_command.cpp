#include <algorithm>
#include <array>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "apps/faq/evaluation.h"
#include "commands.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet::cli {

namespace {

constexpr std::array<std::string_view, 3> kQuestionColumns = {"question", "text", "query"};
constexpr std::array<std::string_view, 6> kEntryColumns = {"entry", "expected", "category",
                                                           "id",    "label",    "intent"};

std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       std::span<const std::string_view> names) {
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = ascii_lower(trim(header[i]));
    if (std::find(names.begin(), names.end(), name) != names.end()) return i;
  }
  return std::nullopt;
}

/// Entries by id and by question, so that a file may name either. "card_arrival" names "card arrival" too.
class EntryNames {
 public:
  explicit EntryNames(const faq::TrainedKnowledge& knowledge) : knowledge_(knowledge) {
    for (std::size_t i = 0; i < knowledge.entries.size(); ++i)
      by_question_.emplace(folded(knowledge.entries[i].question), i);
  }

  std::optional<std::size_t> find(std::string_view name) const {
    if (const auto found = knowledge_.by_id.find(std::string(name)); found != knowledge_.by_id.end())
      return found->second;
    const auto found = by_question_.find(folded(name));
    if (found == by_question_.end()) return std::nullopt;
    return found->second;
  }

 private:
  static std::string folded(std::string_view text) {
    std::string out = fold_for_search(trim(text));
    std::replace(out.begin(), out.end(), '_', ' ');
    return out;
  }

  const faq::TrainedKnowledge& knowledge_;
  std::unordered_map<std::string, std::size_t> by_question_;
};

std::vector<faq::LabelledQuestion> read_questions(const std::filesystem::path& file,
                                                  const faq::TrainedKnowledge& knowledge) {
  const std::string text =
      replace_all(replace_all(sanitize_utf8(read_file(file)), "\r\n", "\n"), "\xEF\xBB\xBF", "");
  CsvReader reader(text, ',');
  CsvRecord record;
  if (!reader.next(record)) throw InvalidArgument(cat(file.string(), " is empty"));
  const auto question_column = find_column(record.cells, kQuestionColumns);
  const auto entry_column = find_column(record.cells, kEntryColumns);
  if (!question_column || !entry_column)
    throw InvalidArgument(cat(file.string(), " line 1: needs the columns question and entry (found: ",
                              join(record.cells, ", "), ")"));
  const EntryNames names(knowledge);
  std::vector<faq::LabelledQuestion> questions;
  while (reader.next(record)) {
    const TextPosition position = position_at(text, record.start);
    if (!record.fault.empty())
      throw InvalidArgument(cat(file.string(), " line ", position.line, ": ", record.fault));
    if (record.cells.size() <= std::max(*question_column, *entry_column))
      throw InvalidArgument(
          cat(file.string(), " line ", position.line, ": has only ", record.cells.size(), " columns"));
    faq::LabelledQuestion question{record.cells[*question_column], std::nullopt};
    const auto name = trim(record.cells[*entry_column]);
    if (!name.empty()) {
      question.entry = names.find(name);
      if (!question.entry)
        throw InvalidArgument(
            cat(file.string(), " line ", position.line, ": \"", name,
                "\" is neither an entry's id nor its question; leave the cell empty for a question "
                "that is outside the FAQ"));
    }
    questions.push_back(std::move(question));
  }
  if (questions.empty()) throw InvalidArgument(cat(file.string(), " has a header but no questions"));
  return questions;
}

Json estimate_json(const faq::Estimate& estimate) {
  if (estimate.n == 0) return nullptr;
  return JsonObject{
      {"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}, {"n", estimate.n}};
}

JsonObject report_json(const faq::EvaluationReport& report) {
  return {{"top1", estimate_json(report.top1)},
          {"top3", estimate_json(report.top3)},
          {"answered", estimate_json(report.answered)},
          {"precision", estimate_json(report.precision)},
          {"false_answers", estimate_json(report.false_answers)},
          {"auroc", estimate_json(report.separation)},
          {"threshold", report.threshold}};
}

std::string shown(const faq::Estimate& estimate) {
  if (estimate.n == 0) return "-";
  std::ostringstream out;
  out << std::fixed << std::setprecision(3) << estimate.value << " [" << estimate.low << ", " << estimate.high
      << "]";
  return out.str();
}

}  // namespace

int faq_eval(Application& app, const FaqEvalArguments& arguments) {
  const auto knowledge = app.cache.get(arguments.kb);
  const auto questions = read_questions(arguments.file, *knowledge);
  const auto matcher = faq::evaluate(*knowledge->matcher, questions);
  const auto bm25 = faq::evaluate_bm25(knowledge->entries, questions);
  if (arguments.as_json) {
    std::cout << to_json(JsonObject{{"kb", arguments.kb},
                                    {"n_questions", questions.size()},
                                    {"matcher", report_json(matcher)},
                                    {"bm25", report_json(bm25)}})
              << '\n';
    return 0;
  }
  struct Row {
    std::string_view name;
    faq::Estimate faq::EvaluationReport::* value;
  };
  constexpr Row kRows[] = {{"right entry first", &faq::EvaluationReport::top1},
                           {"right entry among three", &faq::EvaluationReport::top3},
                           {"answered, of inside questions", &faq::EvaluationReport::answered},
                           {"right, of those answered", &faq::EvaluationReport::precision},
                           {"false answers, of outside ones", &faq::EvaluationReport::false_answers},
                           {"AUROC inside against outside", &faq::EvaluationReport::separation}};
  std::cout << questions.size() << " questions, 95 % intervals, threshold " << std::setprecision(3)
            << matcher.threshold << "\n\n"
            << std::left << std::setw(32) << "" << std::setw(26) << "matcher" << "plain BM25\n";
  for (const auto& row : kRows)
    std::cout << std::setw(32) << row.name << std::setw(26) << shown(matcher.*row.value)
              << shown(bm25.*row.value) << '\n';
  return 0;
}

}  // namespace quintet::cli
