#include "models/hf_source.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/error.h"
#include "double_llama.h"
#include "formats/safetensors.h"
#include "models/encoder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

namespace fs = std::filesystem;

/// A folder with this config.json and one small tensor.
class Folder {
 public:
  explicit Folder(const std::string& config, std::vector<NamedTensor> tensors = {}) {
    static int n = 0;
    path_ = fs::temp_directory_path() /
            ("qn-hf-source-" + std::to_string(::getpid()) + "-" + std::to_string(n++));
    fs::create_directories(path_);
    std::ofstream(path_ / "config.json") << config;
    if (tensors.empty()) tensors.push_back({"lm_head.weight", Tensor::zeros(DType::f32, Shape{4, 2})});
    write_safetensors(path_ / "model.safetensors", tensors);
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string message(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(TinyStories656k, ContinuesGreedilyLikeDoublePrecisionFor200Tokens) {
  const auto path = test_data("lm/tinystories-656k");
  if (path.empty()) GTEST_SKIP() << kNoTestData;
  const auto source = open_model_source(path);
  Compute compute(2);
  const auto model = load_model(*source, compute);
  KvCache cache(model->info().kv, DType::f32, 256);
  KvSequence sequence(cache);
  DoubleLlama reference(*source, source->has_rope_pairs());
  // "<s> Once upon a time, there was a little girl named Lily. She loved to", as its tokenizer has it.
  const std::vector<std::uint32_t> prompt{1, 80, 147, 201, 282, 215, 286, 598, 1662, 1145, 88};
  std::vector<float> logits(model->info().vocab_size);
  std::uint32_t token = 0;
  for (std::size_t i = 0; i < prompt.size() + 200; ++i) {
    if (i < prompt.size()) token = prompt[i];
    sequence.reserve(1);
    const BatchSequence piece{&sequence, 0, 1};
    const std::uint32_t wanted = 0;
    model->forward(compute, {std::span(&token, 1), std::span(&piece, 1), std::span(&wanted, 1)},
                   MatrixView<float>(logits.data(), 1, logits.size()));
    sequence.advance(1);
    const auto expected = reference.next(token);
    for (std::size_t v = 0; v < logits.size(); ++v)
      ASSERT_NEAR(logits[v], expected[v], 2e-4) << "token " << i;
    const auto best = std::max_element(expected.begin(), expected.end()) - expected.begin();
    ASSERT_EQ(std::max_element(logits.begin(), logits.end()) - logits.begin(), best) << "token " << i;
    token = static_cast<std::uint32_t>(best);
  }
}

TEST(HfSource, GivesSettingsUnderGgufsNames) {
  const Folder folder(
      R"({"model_type": "mistral", "hidden_size": 8, "num_hidden_layers": 3, "sliding_window": 5,
                          "num_attention_heads": 2, "rms_norm_eps": 1e-6, "rope_theta": 5000})");
  const auto source = open_model_source(folder.path());
  EXPECT_EQ(source->architecture(), "llama");
  EXPECT_EQ(source->integer("embedding_length"), 8);
  EXPECT_EQ(source->integer("block_count"), 3);
  EXPECT_EQ(source->integer("attention.sliding_window"), 5);
  EXPECT_EQ(source->number("rope.freq_base"), 5000.0);
  EXPECT_EQ(source->number("attention.layer_norm_rms_epsilon"), 1e-6);
  EXPECT_FALSE(source->integer("feed_forward_length"));
  EXPECT_TRUE(source->find_tensor("output.weight"));
  EXPECT_FALSE(source->find_tensor("blk.0.attn_q.weight"));
  EXPECT_FALSE(source->find_tensor("..."));
}

TEST(HfSource, LeavesTheOutputOutWhenItIsTied) {
  const Folder folder(R"({"model_type": "llama", "tie_word_embeddings": true})");
  EXPECT_FALSE(open_model_source(folder.path())->find_tensor("output.weight"));
}

TEST(HfSource, ComputesTheDivisorsOfLlama3) {
  const Folder folder(
      R"({"model_type": "llama", "hidden_size": 128, "num_attention_heads": 2, "rope_theta": 500000,
                          "max_position_embeddings": 131072,
                          "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                                           "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}})");
  const auto factors = open_model_source(folder.path())->find_tensor("rope_freqs.weight");
  ASSERT_TRUE(factors);
  ASSERT_EQ(factors->shape(), (Shape{32}));
  EXPECT_EQ(factors->f32()[0], 1.0f);    // one turn in 6 tokens
  EXPECT_EQ(factors->f32()[31], 32.0f);  // one in two million
  EXPECT_GT(factors->f32()[16], 1.0f);   // between
}

TEST(HfSource, ChoosesLongRopesDivisorsByTheLengthAskedFor) {
  const Folder folder(R"({"model_type": "phi3", "hidden_size": 8, "num_attention_heads": 2,
                          "max_position_embeddings": 4096, "original_max_position_embeddings": 1024,
                          "rope_scaling": {"type": "longrope", "long_factor": [8, 9], "short_factor": [1, 2]}})");
  const auto source = open_model_source(folder.path());
  EXPECT_EQ(source->text("rope.scaling.type"), "longrope");
  EXPECT_NEAR(*source->number("rope.scaling.attn_factor"), std::sqrt(1.0 + std::log(4.0) / std::log(1024.0)),
              1e-6);
  EXPECT_EQ(source->find_tensor("rope_factors_long.weight")->f32()[1], 9.0f);
  EXPECT_EQ(source->find_tensor("rope_factors_short.weight")->f32()[1], 2.0f);
}

TEST(HfSource, ReadsYarnsLengthOfRotatedVectorsInEachSpelling) {
  const auto factor = [](const std::string& more) {
    const Folder folder(R"({"model_type": "llama", "max_position_embeddings": 4096,
                            "rope_scaling": {"rope_type": "yarn", "factor": 4.0,
                                             "original_max_position_embeddings": 1024)" +
                        more + "}}");
    return open_model_source(folder.path())->number("rope.scaling.attn_factor");
  };
  const double usual = 0.1 * std::log(4.0) + 1.0;
  EXPECT_EQ(factor(""), std::nullopt);
  EXPECT_NEAR(*factor(R"(, "attention_factor": 1.5)"), 1.5 / usual, 1e-12);
  EXPECT_NEAR(*factor(R"(, "mscale": 0.7, "mscale_all_dim": 1.0)"),
              (0.07 * std::log(4.0) + 1.0) / usual / usual, 1e-12);
  EXPECT_EQ(factor(R"(, "mscale": 0.7)"), std::nullopt);
  EXPECT_THROW(factor(R"(, "truncate": false)"), Unsupported);
}

TEST(HfSource, ReadsHowSentencesArePooled) {
  const Folder folder(R"({"model_type": "bert"})");
  fs::create_directories(folder.path() / "1_Pooling");
  std::ofstream(folder.path() / "1_Pooling/config.json")
      << R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})";
  EXPECT_EQ(read_pooling(*open_model_source(folder.path())), Pooling::first);
}

TEST(HfSource, SaysWhatIsWrongWithAFolder) {
  const auto open = [](const std::string& config) {
    return message([&] {
      const Folder folder(config);
      open_model_source(folder.path());
    });
  };
  EXPECT_NE(open(R"({"model_type": "mamba"})")
                .find("model_type \"mamba\" is not known; those that work are llama, "),
            std::string::npos);
  EXPECT_NE(open(R"({})").find("names no model_type"), std::string::npos);
  EXPECT_NE(open(R"({"model_type": "llama", "hidden_act": "relu"})")
                .find("\"hidden_act\" is \"relu\"; this family runs with silu"),
            std::string::npos);
  EXPECT_NE(open(R"({"model_type": "llama", "hidden_size": "wide"})").find("hidden_size"), std::string::npos);
  EXPECT_NE(
      open(R"({"model_type": "llama", "rope_scaling": {"type": "spiral"}})").find("rope scaling \"spiral\""),
      std::string::npos);
  EXPECT_NE(open(R"({"model_type": "phi3", "rope_scaling": {"type": "longrope"}})").find("long_factor"),
            std::string::npos);
}

TEST(HfSource, NamesTheSettingOrTensorThatAModelLacks) {
  Compute compute(1);
  const Folder empty(R"({"model_type": "qwen2"})");
  EXPECT_NE(
      message([&] { load_model(*open_model_source(empty.path()), compute); }).find("block_count is missing"),
      std::string::npos);
  const Folder bert(R"({"model_type": "bert"})");
  EXPECT_NE(message([&] { load_model(*open_model_source(bert.path()), compute); }).find("is an encoder"),
            std::string::npos);
}

TEST(OpenModelSource, SaysWhatItExpected) {
  EXPECT_NE(message([] { open_model_source("/nowhere/model.gguf"); }).find("/nowhere/model.gguf"),
            std::string::npos);
}

}  // namespace
}  // namespace quintet
