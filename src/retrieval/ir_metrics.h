#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace quintet::retrieval {

/// How well rankings agree with people's judgements, as trec_eval computes it: a document is relevant when
/// its grade is above 0, documents without a judgement are not. A ranking is a list of document names, best
/// first, each once.

/// Grades of the documents judged for one query, by document name.
using Judgements = std::unordered_map<std::string, int>;
/// Judgements by query name.
using Qrels = std::map<std::string, Judgements>;

/// Reads TREC's format: a line "query iteration document grade" per judgement, separated by white space;
/// empty lines are skipped. The last judgement of a pair counts. Throws CorruptData with the number of the
/// first line that is none.
Qrels read_qrels(std::string_view text);

/// Discounted gain of the first k, over that of the best possible ranking: gain = grade, discount = 1 /
/// log2(rank + 1) (Järvelin & Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002, in
/// trec_eval's form). 0 when nothing is relevant.
double ndcg_at(std::span<const std::string> ranking, const Judgements& judgements, std::size_t k);

/// Share of the relevant documents that are among the first k.
double recall_at(std::span<const std::string> ranking, const Judgements& judgements, std::size_t k);

/// 1 / rank of the first relevant document.
double reciprocal_rank(std::span<const std::string> ranking, const Judgements& judgements);

/// Mean over the relevant documents of the precision at their rank; those not in the ranking count 0.
double average_precision(std::span<const std::string> ranking, const Judgements& judgements);

/// Means over queries.
struct IrScores {
  std::size_t n_queries = 0;
  double ndcg_at_10 = 0;
  double recall_at_10 = 0;
  double recall_at_100 = 0;
  double mrr = 0;
  double map = 0;
};

/// Adds up queries one by one.
class IrEvaluation {
 public:
  void add(std::span<const std::string> ranking, const Judgements& judgements);
  IrScores mean() const;

 private:
  IrScores sum_;
};

/// Area under the ROC curve: the chance that a random positive scores above a random negative, ties half. 0.5
/// where one side is empty.
double auroc(std::span<const double> positives, std::span<const double> negatives);

}  // namespace quintet::retrieval
