// The matcher on Banking77 (I. Casanueva et al., "Efficient Intent Detection with Dual Sentence Encoders",
// 2020, CC-BY-4.0): the 77 intents are entries named after their category, 80 % of each intent's questions
// their phrasings, the rest is asked. Prints accuracy with all and with 10 alternatives, and how well
// questions of 20 hidden intents are refused, over several seeds. Not part of the tests: the data is not part
// of the project.
//
//   banking77_bench [train.csv] [seeds] [first seed]
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/faq/evaluation.h"
#include "core/text.h"

namespace {

using quintet::faq::EvaluationReport;
using quintet::faq::FaqEntry;
using quintet::faq::LabelledQuestion;

/// Rows of two columns; a field may be quoted and then hold commas, line ends and doubled quotes.
std::map<std::string, std::vector<std::string>> read_questions(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string data((std::istreambuf_iterator<char>(file)), {});
  std::map<std::string, std::vector<std::string>> by_category;
  std::vector<std::string> row(1);
  bool quoted = false, is_header = true;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const char c = data[i];
    if (quoted && c == '"' && i + 1 < data.size() && data[i + 1] == '"') {
      row.back() += data[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      row.emplace_back();
    } else if (!quoted && c == '\n') {
      if (!is_header && row.size() == 2) by_category[std::string(quintet::trim(row[1]))].push_back(row[0]);
      is_header = false;
      row.assign(1, "");
    } else {
      row.back() += c;
    }
  }
  return by_category;
}

std::string show(const quintet::faq::Estimate& e) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", e.value, e.low, e.high);
}

struct Sum {
  double top1 = 0, auroc = 0, false_answers = 0, answered = 0, precision = 0, bm25 = 0;
};

/// One split: hides `share_hidden` of the entries, keeps `n_alternatives` phrasings of each other one.
void measure(const std::vector<FaqEntry>& entries, std::size_t n_alternatives, double share_hidden,
             std::uint64_t seed, Sum& sum) {
  // Two cuts, so that the questions asked do not depend on how many alternatives are kept.
  auto held = quintet::faq::hold_out(
      entries, {.share_of_alternatives = 0.2, .share_of_entries = share_hidden, .seed = seed});
  for (FaqEntry& entry : held.entries) {
    entry.alternatives.resize(std::min(n_alternatives, entry.alternatives.size()));
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto matcher = quintet::faq::Matcher::train(held.entries);
  const auto trained = std::chrono::steady_clock::now();
  const EvaluationReport report = quintet::faq::evaluate(*matcher, held.questions);
  const EvaluationReport bm25 = quintet::faq::evaluate_bm25(held.entries, held.questions);
  fmt::print("  seed {}  top-1 {}  bm25 {:.3f}", seed, show(report.top1), bm25.top1.value);
  if (share_hidden > 0) {
    fmt::print("  auroc {}  false answers {}  answered {:.3f}  precision {:.3f}", show(report.separation),
               show(report.false_answers), report.answered.value, report.precision.value);
  }
  fmt::print("  trained in {:.2f} s\n", std::chrono::duration<double>(trained - begin).count());
  sum.top1 += report.top1.value;
  sum.bm25 += bm25.top1.value;
  sum.auroc += report.separation.value;
  sum.false_answers += report.false_answers.value;
  sum.answered += report.answered.value;
  sum.precision += report.precision.value;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "../shared/data/faq/train.csv";
  const int n_seeds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 4;
  const int first_seed = argc > 3 ? std::max(1, std::atoi(argv[3])) : 1;
  const auto questions = read_questions(path);
  if (questions.empty()) {
    fmt::print("skipped: {} is absent; it is train.csv of github.com/PolyAI-LDN/task-specific-datasets\n",
               path);
    return 0;
  }
  std::vector<FaqEntry> entries;
  for (const auto& [category, texts] : questions) {
    FaqEntry entry;
    entry.id = category;
    entry.question = quintet::replace_all(category, "_", " ");
    entry.alternatives = texts;
    entries.push_back(std::move(entry));
  }
  struct Setting {
    const char* name;
    std::size_t n_alternatives;
    double share_hidden;
  };
  constexpr std::size_t kAll = 1'000'000;
  for (const Setting& setting : {Setting{"all alternatives", kAll, 0.0}, Setting{"10 alternatives", 10, 0.0},
                                 Setting{"all alternatives, 20 of 77 intents hidden", kAll, 20.0 / 77.0},
                                 Setting{"10 alternatives, 20 of 77 intents hidden", 10, 20.0 / 77.0}}) {
    fmt::print("{}\n", setting.name);
    Sum sum;
    for (int seed = first_seed; seed < first_seed + n_seeds; ++seed) {
      measure(entries, setting.n_alternatives, setting.share_hidden, static_cast<std::uint64_t>(seed), sum);
    }
    const double n = n_seeds;
    fmt::print("  mean    top-1 {:.4f}  bm25 {:.4f}", sum.top1 / n, sum.bm25 / n);
    if (setting.share_hidden > 0) {
      fmt::print("  auroc {:.4f}  false answers {:.4f}  answered {:.4f}  precision {:.4f}", sum.auroc / n,
                 sum.false_answers / n, sum.answered / n, sum.precision / n);
    }
    fmt::print("\n");
  }
  return 0;
}
