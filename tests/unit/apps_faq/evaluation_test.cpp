#include "apps/faq/evaluation.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace quintet::faq {
namespace {

TEST(ShareOf, IsWilsonsInterval) {
  // Reference values: 8 of 10, Wilson 95 % without continuity correction.
  const Estimate estimate = share_of(8, 10);
  EXPECT_DOUBLE_EQ(estimate.value, 0.8);
  EXPECT_NEAR(estimate.low, 0.4902, 5e-4);
  EXPECT_NEAR(estimate.high, 0.9433, 5e-4);
  EXPECT_EQ(share_of(0, 10).low, 0.0);
  EXPECT_GT(share_of(0, 10).high, 0.2);
  EXPECT_EQ(share_of(0, 0).n, 0u);
}

TEST(Auroc, IntervalHoldsTheValueAndNarrowsWithData) {
  std::vector<double> inside, outside;
  for (int i = 0; i < 400; ++i) {
    inside.push_back(0.4 + 0.001 * (i * 37 % 400));
    outside.push_back(0.001 * (i * 53 % 600));
  }
  const Estimate all = auroc_with_interval(inside, outside);
  EXPECT_LT(all.low, all.value);
  EXPECT_GT(all.high, all.value);
  const Estimate few = auroc_with_interval(std::span(inside).first(20), std::span(outside).first(20));
  EXPECT_GT(few.high - few.low, all.high - all.low);
}

std::vector<FaqEntry> two_entries() {
  FaqEntry a{.id = "a",
             .question = "How do I reset my password?",
             .answer = "Settings.",
             .alternatives = {},
             .tags = {},
             .language = "",
             .url = ""};
  FaqEntry b = a;
  b.id = "b";
  b.question = "Where is my parcel?";
  return {a, b};
}

TEST(Evaluate, CountsRightWrongRefusedAndFalseAnswers) {
  const auto matcher = Matcher::train(two_entries());
  const std::vector<LabelledQuestion> questions = {
      {"reset password", 0},
      {"parcel where", 1},
      {"where is my parcel", 0},  // the last label is deliberately wrong
      {"capital of France", std::nullopt},
      {"reset my password", std::nullopt}};
  const EvaluationReport report = evaluate(*matcher, questions);
  EXPECT_EQ(report.top1.n, 3u);
  EXPECT_NEAR(report.top1.value, 2.0 / 3.0, 1e-9);
  EXPECT_NEAR(report.precision.value, 2.0 / 3.0, 1e-9);
  EXPECT_EQ(report.false_answers.n, 2u);
  EXPECT_NEAR(report.false_answers.value, 0.5, 1e-9);
}

TEST(Evaluate, Bm25AnswersWhateverSharesAWord) {
  const std::vector<LabelledQuestion> questions = {
      {"reset password", 0}, {"parcel", 1}, {"lasagna", std::nullopt}};
  const EvaluationReport report = evaluate_bm25(two_entries(), questions);
  EXPECT_DOUBLE_EQ(report.top1.value, 1.0);
  EXPECT_DOUBLE_EQ(report.false_answers.value, 0.0);
}

TEST(HoldOut, HidesTheRequestedSharesAndLosesNothing) {
  std::vector<FaqEntry> entries;
  for (int e = 0; e < 10; ++e) {
    FaqEntry entry = two_entries()[0];
    entry.id = std::to_string(e);
    for (int i = 0; i < 10; ++i) entry.alternatives.push_back(entry.id + " way " + std::to_string(i));
    entries.push_back(entry);
  }
  const HeldOut held = hold_out(entries, {.share_of_alternatives = 0.3, .share_of_entries = 0.2, .seed = 5});
  ASSERT_EQ(held.entries.size(), 8u);
  std::size_t n_inside = 0, n_outside = 0;
  for (const LabelledQuestion& question : held.questions) {
    if (!question.entry) {
      ++n_outside;
      continue;
    }
    ++n_inside;
    EXPECT_EQ(question.text.substr(0, 1), held.entries[*question.entry].id);
  }
  EXPECT_EQ(n_inside, 8u * 3u);
  EXPECT_EQ(n_outside, 2u * 11u);
  for (const FaqEntry& entry : held.entries) EXPECT_EQ(entry.alternatives.size(), 7u);
  EXPECT_THROW(hold_out(entries, {.share_of_alternatives = 1.5}), InvalidArgument);
}

}  // namespace
}  // namespace quintet::faq
