#include "apps/faq/linear_model.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace quintet::faq {
namespace {

using retrieval::SparseVector;

/// Three classes, each with a feature of its own (0, 1, 2) and all with a common one (3).
struct Sample {
  std::vector<SparseVector> texts;
  std::vector<std::uint32_t> labels;
  std::vector<float> importance;

  Sample() {
    const float own = std::sqrt(0.8f), common = std::sqrt(0.2f);
    for (std::uint32_t label = 0; label < 3; ++label) {
      for (int copy = 0; copy < 4; ++copy) add({{label, own}, {3, common}}, label, 1.0f);
    }
  }
  void add(SparseVector text, std::uint32_t label, float times) {
    texts.push_back(std::move(text));
    labels.push_back(label);
    importance.push_back(times);
  }
};

constexpr std::size_t kFeatures = 5;

std::vector<float> scores_of(const LinearModel& model, const SparseVector& text) {
  std::vector<float> scores(model.n_classes());
  model.score(text, scores);
  return scores;
}

LinearModel train(const Sample& sample, const LinearOptions& options = {}) {
  return LinearModel::train(sample.texts, sample.labels, sample.importance, 3, kFeatures, options);
}

TEST(LinearModel, EveryPartAloneFindsTheClasses) {
  const Sample sample;
  LinearOptions margin_only;
  margin_only.logistic_weight = margin_only.bayes_weight = 0.0f;
  LinearOptions mostly_logistic = margin_only;
  mostly_logistic.logistic_weight = 1000.0f;
  LinearOptions mostly_bayes = margin_only;
  mostly_bayes.bayes_weight = 1000.0f;
  for (const LinearOptions& options : {margin_only, mostly_logistic, mostly_bayes}) {
    const LinearModel model = train(sample, options);
    for (std::uint32_t label = 0; label < 3; ++label) {
      const auto scores = scores_of(model, {{label, 1.0f}});
      EXPECT_EQ(std::max_element(scores.begin(), scores.end()) - scores.begin(), label);
    }
  }
}

TEST(LinearModel, TheLogisticPartMeetsItsOptimalityCondition) {
  // At the optimum w = c · sum over the texts of (1{label} - p) · x, so the scores can be computed from p.
  const Sample sample;
  LinearOptions with, without;
  with.bayes_weight = without.bayes_weight = without.logistic_weight = 0.0f;
  with.logistic_weight = with.logistic_c = 1.0f;
  with.max_epochs = without.max_epochs = 1'000;
  with.tolerance = without.tolerance = 0.001f;
  const LinearModel both = train(sample, with), margin = train(sample, without);
  const auto logistic = [&](const SparseVector& text) {
    auto scores = scores_of(both, text);
    const auto subtracted = scores_of(margin, text);
    for (std::size_t c = 0; c < scores.size(); ++c) scores[c] -= subtracted[c];
    return scores;
  };
  const SparseVector probe = {{0, 0.6f}, {3, 0.8f}};
  std::vector<float> expected(3, 0.0f);
  for (std::size_t i = 0; i < sample.texts.size(); ++i) {
    auto p = logistic(sample.texts[i]);
    float total = 0.0f;
    for (float& value : p) total += value = std::exp(value);
    const float kernel = retrieval::dot(probe, sample.texts[i]) + 1.0f;  // and the bias
    for (std::uint32_t c = 0; c < 3; ++c) {
      const float target = sample.labels[i] == c ? 1.0f : 0.0f;
      expected[c] += with.logistic_c * (target - p[c] / total) * kernel;
    }
  }
  const auto found = logistic(probe);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(found[c], expected[c], 0.02f);
}

TEST(LinearModel, AnImportantTextWeighsMoreThanAnother) {
  const SparseVector disputed = {{4, 1.0f}};
  for (const std::uint32_t favourite : {0u, 1u}) {
    Sample sample;
    sample.add(disputed, 0, favourite == 0 ? 3.0f : 1.0f);
    sample.add(disputed, 1, favourite == 1 ? 3.0f : 1.0f);
    const auto scores = scores_of(train(sample), disputed);
    EXPECT_GT(scores[favourite], scores[1 - favourite]);
  }
}

TEST(LinearModel, OneClassAndNoTextsAreFine) {
  const std::vector<SparseVector> texts = {{{0, 1.0f}}};
  const std::vector<std::uint32_t> labels = {0};
  const std::vector<float> importance = {1.0f};
  const LinearModel one = LinearModel::train(texts, labels, importance, 1, 1);
  EXPECT_TRUE(std::isfinite(scores_of(one, texts[0])[0]));
  EXPECT_EQ(LinearModel::train({}, {}, {}, 3, 1).n_classes(), 3u);
}

}  // namespace
}  // namespace quintet::faq
