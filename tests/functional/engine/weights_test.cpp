// Weights in and out: folders of Hugging Face's become GGUF files, both are inspected and compared.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "core/text.h"
#include "running_server.h"
#include "testing/test_data.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;

class Weights : public ::testing::Test {
 protected:
  ScratchFolder folder;
  std::filesystem::path model;

  void SetUp() override {
    model = test_data("lm/tinystories-656k");
    if (model.empty()) GTEST_SKIP() << kNoTestData;
  }
  CommandResult run(std::vector<std::string> arguments) {
    return run_quintet({.folder = folder.path(), .arguments = std::move(arguments)});
  }
  std::string story(const std::filesystem::path& path) {
    const auto result = run({"generate", "-m", path.string(), "-p", "Once upon a time, there was", "-n", "40",
                             "--temp", "0", "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return std::string(result.json().at("text").as_string());
  }
};

TEST_F(Weights, AFolderBecomesAFileThatTellsTheSameStory) {
  const auto file = folder.path() / "model.gguf";
  const auto result = run({"quantize", model.string(), file.string(), "--type", "f32"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("32.00 bits per weight"));
  EXPECT_EQ(story(file), story(model));
  EXPECT_THAT(story(file), HasSubstr("who lived in a big tree"));
}

TEST_F(Weights, AFolderIsConvertedAndQuantizedInOneGo) {
  const auto file = folder.path() / "small.gguf", text = folder.write("text.txt", [this] {
    std::string all;
    for (int i = 0; i < 12; ++i) all += cat("Once upon a time, there was", story(model), "\n");
    return all;
  }());
  const auto written = run({"quantize", model.string(), file.string(), "--type", "q4_0", "--json"}).json();
  EXPECT_LT(written.at("bits_per_weight").as_double(), 6.5);
  const auto compared = run({"perplexity", "-m", file.string(), text.string(), "--against", model.string(),
                             "--window", "128", "--json"})
                            .json();
  EXPECT_GT(compared.at("mean_kl").as_double(), 1e-4);
  EXPECT_LT(compared.at("mean_kl").as_double(), 0.5);
  EXPECT_GT(compared.at("top1_agreement").as_double(), 0.7);
  const auto itself = run({"perplexity", "-m", model.string(), text.string(), "--against", model.string(),
                           "--window", "128", "--json"})
                          .json();
  EXPECT_EQ(itself.at("max_kl").to_number<double>(), 0.0);
  EXPECT_EQ(itself.at("perplexity_ratio").to_number<double>(), 1.0);
}

TEST_F(Weights, InspectTellsTheSameOfAFolderAndTheFileMadeOfIt) {
  const auto file = folder.path() / "model.gguf";
  ASSERT_EQ(run({"quantize", model.string(), file.string(), "--type", "f32"}).status, 0);
  const auto of_folder = run({"inspect", model.string(), "--json"}).json();
  const auto of_file = run({"inspect", file.string(), "--json"}).json();
  EXPECT_EQ(of_folder.at("format").as_string(), "safetensors");
  EXPECT_EQ(of_file.at("format").as_string(), "gguf");
  for (const char* member : {"architecture", "n_parameters", "supported", "types", "chat_template"})
    EXPECT_EQ(of_folder.at(member), of_file.at(member)) << member;
  for (const char* member : {"vocab_size", "special", "adds_tokens_before"})
    EXPECT_EQ(of_folder.at("tokenizer").at(member), of_file.at("tokenizer").at(member)) << member;
  for (const char* member : {"weight_bytes", "kv_bytes_per_1000_tokens", "kv_bytes_at_context"})
    EXPECT_EQ(of_folder.at("memory").at(member), of_file.at("memory").at(member)) << member;
  const std::string text = run({"inspect", model.string(), "--tensors"}).out;
  EXPECT_THAT(text, HasSubstr("hidden_size = 128"));
  EXPECT_THAT(text, HasSubstr("model.layers.1.mlp.down_proj.weight"));
  EXPECT_THAT(text, HasSubstr("for the model's 512"));
}

TEST_F(Weights, WhatCantBeConvertedIsNamedAndNothingIsWritten) {
  const auto copy = folder.path() / "copy";
  std::filesystem::create_directories(copy);
  for (const char* name : {"config.json", "model.safetensors"})
    std::filesystem::copy_file(model / name, copy / name);
  const auto out = folder.path() / "out.gguf";
  const auto bare = run({"quantize", copy.string(), out.string()});
  EXPECT_NE(bare.status, 0);
  EXPECT_THAT(bare.err, HasSubstr("has no tokenizer.json"));
  write_file_atomically(copy / "config.json", R"({"model_type": "rwkv"})");
  EXPECT_THAT(run({"quantize", copy.string(), out.string()}).err, HasSubstr("those that work are llama"));
  std::filesystem::rename(copy / "model.safetensors", copy / "elsewhere");
  EXPECT_THAT(run({"quantize", copy.string(), out.string()}).err, HasSubstr("model.safetensors"));
  EXPECT_THAT(run({"quantize", model.string(), out.string(), "--type", "q9"}).err, HasSubstr("q4_k_m"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(Bench, MeasuresEncodersByTheTokensTheyTakeIn) {
  const ScratchFolder folder;
  const auto file = (folder.path() / "minilm.gguf").string();
  ASSERT_EQ(run_quintet(folder.path(), {"models", "synthesize", "--shape", "minilm-l6", "-o", file}).status,
            0);
  const auto result =
      run_quintet(folder.path(), {"bench", "-m", file, "-p", "700", "-b", "1,3", "-r", "1", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const JsonObject report = result.json();
  EXPECT_EQ(text_of(report, "architecture"), "bert");
  EXPECT_EQ(int_of(report, "prompt_tokens"), 512) << "what the model knows at most";
  ASSERT_EQ(array_of(report, "embed").size(), 2u);
  for (const auto& row : array_of(report, "embed"))
    EXPECT_GT(row.as_object().at("median").to_number<double>(), 0.0);
  EXPECT_GT(report.at("embed_tokens_per_s").to_number<double>(), 0.0);
}

}  // namespace
}  // namespace quintet::functional
