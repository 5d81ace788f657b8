#include "inference/perplexity.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "formats/quantize_file.h"
#include "formats/synthesize.h"
#include "models/hf_source.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

std::vector<float> logits_of(std::vector<double> probabilities, double shift = 0.0) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p) + shift));
  return logits;
}

TEST(KlDivergence, IsWhatOneComputesByHand) {
  // 0.5 ln(0.5 / 0.25) + 0.25 ln(0.25 / 0.5) + 0.25 ln(0.25 / 0.25) = 0.25 ln 2
  EXPECT_NEAR(kl_divergence(logits_of({0.5, 0.25, 0.25}), logits_of({0.25, 0.5, 0.25})), 0.25 * std::log(2.0),
              1e-7);
  // 0.9 ln(0.9 / 0.5) + 0.1 ln(0.1 / 0.5), whatever is added to all logits
  const double expected = 0.9 * std::log(1.8) + 0.1 * std::log(0.2);
  EXPECT_NEAR(kl_divergence(logits_of({0.9, 0.1}, 3.0), logits_of({0.5, 0.5}, -7.0)), expected, 1e-6);
  // The other way round it is another number: 0.5 ln(0.5 / 0.9) + 0.5 ln(0.5 / 0.1)
  EXPECT_NEAR(kl_divergence(logits_of({0.5, 0.5}), logits_of({0.9, 0.1})), 0.5 * std::log(25.0 / 9.0), 1e-6);
}

TEST(KlDivergence, IsExactlyZeroForTheSameLogits) {
  std::vector<float> logits;
  for (int i = 0; i < 1000; ++i) logits.push_back(std::sin(static_cast<float>(i)) * 20.0f);
  EXPECT_EQ(kl_divergence(logits, logits), 0.0);
}

TEST(KlDivergence, CountsNothingForWhatTheReferenceRulesOut) {
  const std::vector<float> reference{0.0f, -INFINITY, 0.0f}, logits{0.0f, 5.0f, 0.0f};
  EXPECT_NEAR(kl_divergence(reference, logits), std::log((2.0 + std::exp(5.0)) / 2.0), 1e-6);
}

/// A small model with random weights, and the same in a few bits.
class Divergence : public testing::Test {
 protected:
  Divergence() {
    ModelShape shape = *find_model_shape("smollm2-135m");
    shape.n_layers = 2;
    shape.hidden_dim = 128;
    shape.n_heads = 4;
    shape.n_kv_heads = 2;
    shape.ffn_dim = 256;
    shape.vocab_size = 300;
    synthesize_model(shape, {.type = "f32"}, folder_ / "f32.gguf");
    for (std::uint32_t i = 0; i < 200; ++i) tokens_.push_back((i * i * 7 + 3 * i) % 300);
  }
  std::unique_ptr<Model> load(const std::string& name) {
    return load_model(*open_model_source(folder_.path() / name), compute_);
  }
  std::unique_ptr<Model> quantized(const std::string& type) {
    quantize_checkpoint(folder_ / "f32.gguf", folder_.path() / (type + ".gguf"), {.type = type});
    return load(type + ".gguf");
  }

  ScratchFolder folder_;
  Compute compute_{2};
  std::vector<TokenId> tokens_;
  PerplexityOptions options_{.window = 48};
};

TEST_F(Divergence, OfAModelFromItselfIsExactlyZero) {
  const auto model = load("f32.gguf");
  const auto report = divergence(*model, *model, compute_, tokens_, options_);
  EXPECT_EQ(report.n_windows, 4u);
  EXPECT_EQ(report.n_scored, 4u * 23u);
  EXPECT_EQ(report.mean_kl, 0.0);
  EXPECT_EQ(report.max_kl, 0.0);
  EXPECT_EQ(report.top1_agreement, 1.0);
  EXPECT_EQ(report.perplexity_ratio, 1.0);
  EXPECT_EQ(report.perplexity_ratio_standard_error, 0.0);
}

TEST_F(Divergence, GrowsAsBitsGoAndAgreesWithPerplexity) {
  const auto reference = load("f32.gguf");
  double last = 0.0;
  for (const char* type : {"q8_0", "q5_0", "q4_0"}) {
    const auto model = quantized(type);
    const auto report = divergence(*model, *reference, compute_, tokens_, options_);
    EXPECT_GT(report.mean_kl, 2.0 * last) << type;
    last = report.mean_kl;
    EXPECT_LE(report.median_kl, report.p99_kl);
    EXPECT_LE(report.p99_kl, report.max_kl);
    EXPECT_GT(report.mean_kl_standard_error, 0.0);
    EXPECT_NEAR(report.perplexity, perplexity(*model, compute_, tokens_, options_).perplexity, 1e-9) << type;
    EXPECT_NEAR(report.perplexity_ratio, report.perplexity / report.reference_perplexity, 1e-9);
  }
}

TEST_F(Divergence, SaysWhatCantBeCompared) {
  const auto model = load("f32.gguf");
  EXPECT_THROW(divergence(*model, *model, compute_, std::span(tokens_).first(40), options_), InvalidArgument);
  EXPECT_THROW(divergence(*model, *model, compute_, tokens_, {.window = 3}), InvalidArgument);
  ModelShape shape = *find_model_shape("smollm2-135m");
  shape.n_layers = 1;
  shape.vocab_size = 310;
  synthesize_model(shape, {.type = "q8_0"}, folder_ / "other.gguf");
  const auto other = load("other.gguf");
  EXPECT_THROW(divergence(*model, *other, compute_, tokens_, options_), InvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(divergence(*model, *model, compute_, tokens_, options_, {}, stop.get_token()), Cancelled);
}

}  // namespace
}  // namespace quintet
