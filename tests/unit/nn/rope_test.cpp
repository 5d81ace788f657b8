#include "nn/rope.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/error.h"

namespace quintet {
namespace {

/// Cosine of pair `pair` at position 1: its frequency, as long as that is below pi.
double frequency(const RopeConfig& config, std::size_t pair) {
  Compute compute(1, "ref");
  const Rope rope(config);
  const Scratch::Scope scope(compute.scratch);
  const std::uint32_t position = 1;
  const RopeAngles angles = rope.angles(compute, std::span(&position, 1));
  return std::atan2(angles.sin.row(0)[pair], angles.cos.row(0)[pair]);
}

RopeConfig config_of(RopeScaling scaling) {
  RopeConfig config;
  config.dim = 64;
  config.scaling = scaling;
  config.factor = 2.0f;
  config.original_seq_len = 1'024;
  return config;
}

TEST(Rope, TurnsSlowerWithEachPair) {
  const RopeConfig config = config_of(RopeScaling::none);
  EXPECT_NEAR(frequency(config, 0), 1.0, 1e-6);
  EXPECT_NEAR(frequency(config, 16), 0.01, 1e-8);
}

TEST(Rope, DynamicNtkChangesNothingUpToTheTrainedLength) {
  RopeConfig config = config_of(RopeScaling::dynamic_ntk);
  config.seq_len = 1'024;
  EXPECT_EQ(frequency(config, 16), frequency(config_of(RopeScaling::none), 16));
}

TEST(Rope, DynamicNtkRaisesThetaByHowMuchLongerSequencesAre) {
  RopeConfig config = config_of(RopeScaling::dynamic_ntk);
  config.seq_len = 4'096;
  // As in transformers: base · (factor · length / trained - (factor - 1))^(dim / (dim - 2))
  const double theta = 10'000.0 * std::pow(2.0 * 4.0 - 1.0, 64.0 / 62.0);
  for (const std::size_t pair : {0u, 1u, 16u, 31u})
    EXPECT_NEAR(frequency(config, pair), std::pow(theta, -static_cast<double>(pair) / 32.0), 1e-7) << pair;
}

TEST(Rope, LongRopeDividesEachPairAndLengthensVectors) {
  RopeConfig config = config_of(RopeScaling::none);
  config.frequency_factors.assign(32, 4.0f);
  config.attention_factor = longrope_attention_factor(32.0f, 4'096);
  EXPECT_NEAR(frequency(config, 0), 0.25, 1e-7);
  EXPECT_NEAR(config.attention_factor, std::sqrt(1.0 + std::log(32.0) / std::log(4'096.0)), 1e-6);  // 1.1902
  EXPECT_EQ(longrope_attention_factor(1.0f, 4'096), 1.0f);
  Compute compute(1, "ref");
  const Scratch::Scope scope(compute.scratch);
  const std::uint32_t position = 0;
  EXPECT_EQ(Rope(config).angles(compute, std::span(&position, 1)).cos.row(0)[5], config.attention_factor);
}

TEST(Rope, RefusesDivisorsForAnotherNumberOfPairs) {
  RopeConfig config = config_of(RopeScaling::none);
  config.frequency_factors.assign(31, 1.0f);
  EXPECT_THROW(Rope{config}, InvalidArgument);
}

}  // namespace
}  // namespace quintet
