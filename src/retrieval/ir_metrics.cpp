#include "retrieval/ir_metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace quintet::retrieval {

namespace {

int grade_of(const std::string& document, const Judgements& judgements) {
  const auto found = judgements.find(document);
  return found == judgements.end() ? 0 : found->second;
}

std::size_t count_relevant(const Judgements& judgements) {
  return static_cast<std::size_t>(
      std::count_if(judgements.begin(), judgements.end(), [](const auto& pair) { return pair.second > 0; }));
}

double discount(std::size_t index) {
  return 1.0 / std::log2(static_cast<double>(index) + 2.0);
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t at = line.find_first_not_of(" \t"); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(" \t", end);
  }
  return fields;
}

}  // namespace

Qrels read_qrels(std::string_view text) {
  Qrels qrels;
  std::size_t number = 0;
  for (const std::string_view line : split_lines(text)) {
    ++number;
    const auto fields = fields_of(line);
    if (fields.empty()) continue;
    const auto grade = fields.size() == 4 ? parse_int(fields[3]) : std::nullopt;
    if (!grade || *grade < -1'000 || *grade > 1'000)
      throw CorruptData(cat("qrels: line ", number, " should be \"query iteration document grade\", got \"",
                            sanitize_utf8(line.substr(0, 80)), "\""));
    qrels[std::string(fields[0])].insert_or_assign(std::string(fields[2]), static_cast<int>(*grade));
  }
  return qrels;
}

double ndcg_at(std::span<const std::string> ranking, const Judgements& judgements, std::size_t k) {
  double gain = 0;
  for (std::size_t i = 0; i < std::min(k, ranking.size()); ++i)
    gain += std::max(0, grade_of(ranking[i], judgements)) * discount(i);
  std::vector<int> grades;
  for (const auto& [document, grade] : judgements)
    if (grade > 0) grades.push_back(grade);
  std::sort(grades.begin(), grades.end(), std::greater<>());
  double best = 0;
  for (std::size_t i = 0; i < std::min(k, grades.size()); ++i) best += grades[i] * discount(i);
  return best > 0 ? gain / best : 0;
}

double recall_at(std::span<const std::string> ranking, const Judgements& judgements, std::size_t k) {
  const std::size_t n_relevant = count_relevant(judgements);
  if (n_relevant == 0) return 0;
  const auto found = std::count_if(
      ranking.begin(), ranking.begin() + static_cast<std::ptrdiff_t>(std::min(k, ranking.size())),
      [&](const std::string& document) { return grade_of(document, judgements) > 0; });
  return static_cast<double>(found) / static_cast<double>(n_relevant);
}

double reciprocal_rank(std::span<const std::string> ranking, const Judgements& judgements) {
  for (std::size_t i = 0; i < ranking.size(); ++i)
    if (grade_of(ranking[i], judgements) > 0) return 1.0 / static_cast<double>(i + 1);
  return 0;
}

double average_precision(std::span<const std::string> ranking, const Judgements& judgements) {
  const std::size_t n_relevant = count_relevant(judgements);
  if (n_relevant == 0) return 0;
  double sum = 0;
  std::size_t n_found = 0;
  for (std::size_t i = 0; i < ranking.size(); ++i)
    if (grade_of(ranking[i], judgements) > 0)
      sum += static_cast<double>(++n_found) / static_cast<double>(i + 1);
  return sum / static_cast<double>(n_relevant);
}

void IrEvaluation::add(std::span<const std::string> ranking, const Judgements& judgements) {
  ++sum_.n_queries;
  sum_.ndcg_at_10 += ndcg_at(ranking, judgements, 10);
  sum_.recall_at_10 += recall_at(ranking, judgements, 10);
  sum_.recall_at_100 += recall_at(ranking, judgements, 100);
  sum_.mrr += reciprocal_rank(ranking, judgements);
  sum_.map += average_precision(ranking, judgements);
}

IrScores IrEvaluation::mean() const {
  IrScores mean = sum_;
  if (mean.n_queries == 0) return mean;
  const auto n = static_cast<double>(mean.n_queries);
  for (double* score : {&mean.ndcg_at_10, &mean.recall_at_10, &mean.recall_at_100, &mean.mrr, &mean.map})
    *score /= n;
  return mean;
}

double auroc(std::span<const double> positives, std::span<const double> negatives) {
  if (positives.empty() || negatives.empty()) return 0.5;
  std::vector<double> sorted(negatives.begin(), negatives.end());
  std::sort(sorted.begin(), sorted.end());
  double wins = 0;
  for (const double score : positives) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), score);
    wins += static_cast<double>(low - sorted.begin()) + 0.5 * static_cast<double>(high - low);
  }
  return wins / static_cast<double>(positives.size()) / static_cast<double>(negatives.size());
}

}  // namespace quintet::retrieval
