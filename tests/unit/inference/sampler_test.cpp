#include "inference/sampler.h"

#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "core/error.h"
#include "inference/stop_strings.h"

namespace quintet {
namespace {

/// How often each token comes out of `n` draws from the same logits.
std::map<std::uint32_t, int> draws(SamplingOptions options, const std::vector<float>& logits, int n) {
  std::map<std::uint32_t, int> counts;
  options.seed = 7;
  Sampler sampler(options);
  for (int i = 0; i < n; ++i) {
    auto copy = logits;
    ++counts[sampler.sample(copy)];
  }
  return counts;
}

const std::vector<float> kLogits{std::log(0.5f), std::log(0.25f), std::log(0.15f), std::log(0.07f),
                                 std::log(0.03f)};

TEST(Sampler, DrawsTokensAsOftenAsTheyAreProbable) {
  const auto counts = draws({}, kLogits, 20'000);
  EXPECT_NEAR(counts.at(0) / 20'000.0, 0.5, 0.015);
  EXPECT_NEAR(counts.at(1) / 20'000.0, 0.25, 0.015);
  EXPECT_NEAR(counts.at(4) / 20'000.0, 0.03, 0.01);
}

TEST(Sampler, TakesTheBestTokenAtTemperatureZeroAndTheFirstOfEquals) {
  EXPECT_EQ(draws({.temperature = 0.0f}, {1.0f, 3.0f, 3.0f, 2.0f}, 5),
            (std::map<std::uint32_t, int>{{1, 5}}));
}

TEST(Sampler, SharpensAndFlattensWithTheTemperature) {
  const auto cold = draws({.temperature = 0.5f}, kLogits, 20'000);  // probabilities squared: 0.25 of 0.3407
  EXPECT_NEAR(cold.at(0) / 20'000.0, 0.25 / 0.34080, 0.015);
}

TEST(Sampler, KeepsTopKTopPAndMinP) {
  EXPECT_EQ(draws({.top_k = 2}, kLogits, 2'000).size(), 2u);
  EXPECT_EQ(draws({.top_p = 0.74f}, kLogits, 2'000).size(), 2u);  // 0.5 alone is less than 0.74
  EXPECT_EQ(draws({.top_p = 0.76f}, kLogits, 2'000).size(), 3u);
  EXPECT_EQ(draws({.top_p = 0.01f}, kLogits, 2'000).size(), 1u);
  EXPECT_EQ(draws({.min_p = 0.2f}, kLogits, 2'000).size(), 3u);  // 0.15 is at least 0.2 · 0.5
}

TEST(Sampler, KeepsTypicalTokensFirst) {
  // Entropy is 1.25 nats: 0.25 (1.39) is the most typical, then 0.5 (0.69) and 0.15 (1.90).
  const auto counts = draws({.typical_p = 0.2f}, kLogits, 100);
  EXPECT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts.begin()->first, 1u);
}

TEST(Sampler, RefusesLogitsThatAreNotNumbers) {
  for (const float temperature : {0.0f, 1.0f}) {
    Sampler sampler({.temperature = temperature});
    std::vector<float> logits(1000, 1.0f);
    logits[777] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(sampler.sample(logits), CorruptData);
  }
  EXPECT_THROW(Sampler({.logit_bias = {{3, std::numeric_limits<float>::quiet_NaN()}}}), InvalidArgument);
}

TEST(Sampler, PenalisesRecentTokens) {
  Sampler sampler({.temperature = 0.0f, .repeat_penalty = 2.0f, .penalty_window = 2});
  std::vector<float> logits{1.0f, 1.5f, -1.0f};
  auto copy = logits;
  EXPECT_EQ(sampler.sample(copy), 1u);
  copy = logits;
  EXPECT_EQ(sampler.sample(copy), 0u);  // 1.5 / 2 is less than 1
  copy = logits;
  EXPECT_EQ(sampler.sample(copy), 1u);  // both halved
  Sampler present({.temperature = 0.0f, .presence_penalty = 1.0f});
  const std::vector<std::uint32_t> seen{1};
  present.accept(seen);
  copy = logits;
  EXPECT_EQ(present.sample(copy), 0u);
}

TEST(Sampler, DryPunishesWhatWouldContinueARepetition) {
  Sampler sampler({.temperature = 0.0f, .dry_multiplier = 1.0f, .dry_allowed_length = 2});
  const std::vector<std::uint32_t> seen{3, 4, 5, 6, 9, 3, 4, 5};  // 6 would follow again
  sampler.accept(seen);
  std::vector<float> logits(10, 0.0f);
  logits[6] = 1.0f;
  logits[7] = 0.5f;
  EXPECT_EQ(sampler.sample(logits), 7u);  // 1 - 1.75^(3 - 2)
}

TEST(Sampler, MirostatKeepsTheSurpriseNearItsTarget) {
  std::vector<float> logits(1000);
  for (std::size_t i = 0; i < logits.size(); ++i)
    logits[i] = -1.1f * std::log(static_cast<float>(i + 1));  // Zipf
  const auto mean_surprise = [&logits](float tau) {
    Sampler sampler({.mirostat_tau = tau, .seed = 3});
    double surprise = 0.0;
    for (int i = 0; i < 3'000; ++i) {
      auto copy = logits;
      surprise -= Sampler::logprob(logits, sampler.sample(copy)) / std::log(2.0);
    }
    return surprise / 3'000;
  };
  // The sampler keeps the surprise of what it draws from, a part of the distribution; the whole's is up to a
  // bit more.
  EXPECT_NEAR(mean_surprise(3.0f), 3.5, 0.7);
  EXPECT_LT(mean_surprise(2.0f) + 0.5, mean_surprise(3.0f));
  EXPECT_LT(mean_surprise(3.0f) + 0.5, mean_surprise(5.0f));
}

TEST(Sampler, AppliesTheLogitBias) {
  EXPECT_EQ(draws({.temperature = 0.0f, .logit_bias = {{4, 100.0f}}}, kLogits, 1),
            (std::map<std::uint32_t, int>{{4, 1}}));
}

TEST(Sampler, RefusesOptionsOutOfRangeByName) {
  const auto message = [](SamplingOptions options) -> std::string {
    try {
      Sampler sampler(options);
      return "";
    } catch (const InvalidArgument& error) {
      return error.what();
    }
  };
  EXPECT_NE(message({.temperature = -1.0f}).find("temperature"), std::string::npos);
  EXPECT_NE(message({.top_k = -2}).find("top_k"), std::string::npos);
  EXPECT_NE(message({.min_p = 1.5f}).find("min_p"), std::string::npos);
  EXPECT_NE(message({.repeat_penalty = 0.0f}).find("repeat_penalty"), std::string::npos);
}

TEST(StopStrings, FindsAStringHoweverItIsCut) {
  const std::string text = "abc</stop>def";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    StopStrings stops({"</stop>", "xyz"});
    std::string shown;
    for (std::size_t at = 0; at < text.size(); at += size)
      shown += stops.push(std::string_view(text).substr(at, size));
    shown += stops.finish();
    EXPECT_TRUE(stops.is_found());
    EXPECT_EQ(shown, "abc") << size;
  }
}

TEST(StopStrings, HoldsBackOnlyWhatMayBecomeOne) {
  StopStrings stops({"END", ""});
  EXPECT_EQ(stops.push("aE"), "a");
  EXPECT_EQ(stops.push("N"), "");
  EXPECT_EQ(stops.push("x"), "ENx");
  EXPECT_EQ(stops.push("EEN"), "E");
  EXPECT_EQ(stops.finish(), "EN");
  EXPECT_FALSE(stops.is_found());
}

}  // namespace
}  // namespace quintet
