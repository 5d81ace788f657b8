#include "retrieval/ir_metrics.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace quintet::retrieval {
namespace {

using Ranking = std::vector<std::string>;
const Judgements kJudgements = {{"a", 3}, {"b", 1}, {"c", 0}, {"d", 2}};

TEST(IrMetrics, NdcgDiscountsGradesByTheLogarithmOfTheRank) {
  const Ranking ranking = {"b", "x", "a"};
  const double gain = 1 / std::log2(2) + 3 / std::log2(4);
  const double best = 3 / std::log2(2) + 2 / std::log2(3) + 1 / std::log2(4);
  EXPECT_NEAR(ndcg_at(ranking, kJudgements, 10), gain / best, 1e-12);
  EXPECT_NEAR(ndcg_at(ranking, kJudgements, 1), 1.0 / 3.0, 1e-12);
  EXPECT_NEAR(ndcg_at(Ranking{"a", "d", "b"}, kJudgements, 10), 1.0, 1e-12);
}

TEST(IrMetrics, RecallCountsTheRelevantOnly) {
  EXPECT_NEAR(recall_at(Ranking{"c", "a", "d"}, kJudgements, 2), 1.0 / 3.0, 1e-12);
  EXPECT_NEAR(recall_at(Ranking{"c", "a", "d"}, kJudgements, 100), 2.0 / 3.0, 1e-12);
}

TEST(IrMetrics, AveragePrecisionDividesByAllThatIsRelevant) {
  // Found at ranks 2 and 4; b is missing.
  EXPECT_NEAR(average_precision(Ranking{"c", "a", "x", "d"}, kJudgements), (1.0 / 2 + 2.0 / 4) / 3, 1e-12);
}

TEST(IrMetrics, ReciprocalRankIsThatOfTheFirstRelevant) {
  EXPECT_DOUBLE_EQ(reciprocal_rank(Ranking{"c", "x", "d", "a"}, kJudgements), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(reciprocal_rank(Ranking{"c"}, kJudgements), 0.0);
}

TEST(IrMetrics, AQueryWithoutRelevantDocumentsScoresZero) {
  const Judgements none = {{"a", 0}};
  EXPECT_EQ(ndcg_at(Ranking{"a"}, none, 10), 0.0);
  EXPECT_EQ(recall_at(Ranking{"a"}, none, 10), 0.0);
  EXPECT_EQ(average_precision(Ranking{"a"}, none), 0.0);
  EXPECT_EQ(ndcg_at(Ranking{}, {}, 10), 0.0);
}

TEST(IrMetrics, MeansAreOverQueries) {
  IrEvaluation evaluation;
  evaluation.add(Ranking{"a", "d", "b"}, kJudgements);
  evaluation.add(Ranking{}, kJudgements);
  const IrScores mean = evaluation.mean();
  EXPECT_EQ(mean.n_queries, 2u);
  EXPECT_NEAR(mean.ndcg_at_10, 0.5, 1e-12);
  EXPECT_NEAR(mean.recall_at_100, 0.5, 1e-12);
  EXPECT_NEAR(mean.map, 0.5, 1e-12);
  EXPECT_NEAR(mean.mrr, 0.5, 1e-12);
  EXPECT_EQ(IrEvaluation().mean().n_queries, 0u);
}

TEST(IrMetrics, QrelsAreReadAsTrecWritesThem) {
  const Qrels qrels = read_qrels("1 0 doc-7 2\n1\t0\tdoc-9 -1\n\n2 Q0 doc-7 1\r\n");
  ASSERT_EQ(qrels.size(), 2u);
  EXPECT_EQ(qrels.at("1").at("doc-7"), 2);
  EXPECT_EQ(qrels.at("1").at("doc-9"), -1);
  EXPECT_EQ(qrels.at("2").at("doc-7"), 1);
}

TEST(IrMetrics, ALineThatIsNoJudgementIsNamedByItsNumber) {
  try {
    read_qrels("1 0 a 1\n1 0 b\n");
    FAIL() << "no exception";
  } catch (const CorruptData& error) {
    EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
  }
  EXPECT_THROW(read_qrels("1 0 a one"), CorruptData);
  EXPECT_THROW(read_qrels("1 0 a 99999999999999999999"), CorruptData);
}

TEST(IrMetrics, AurocIsTheChanceThatAPositiveScoresHigher) {
  const std::vector<double> positives = {0.9, 0.5};
  const std::vector<double> negatives = {0.1, 0.5, 0.7};
  EXPECT_NEAR(auroc(positives, negatives), (3 + 1.5) / 6, 1e-12);
  EXPECT_EQ(auroc({}, negatives), 0.5);
}

}  // namespace
}  // namespace quintet::retrieval
