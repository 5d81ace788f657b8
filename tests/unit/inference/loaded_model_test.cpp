#include "inference/loaded_model.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../storage/scratch.h"
#include "core/error.h"
#include "formats/synthesize.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

/// Logits of the last of some tokens.
std::vector<float> logits_of(const Model& model, Compute& compute) {
  const std::vector<std::uint32_t> tokens{1, 403, 407, 261, 378};
  KvCache cache(model.info().kv, DType::f32, 64);
  KvSequence sequence(cache);
  sequence.reserve(tokens.size());
  const BatchSequence piece{&sequence, 0, tokens.size()};
  const auto last = static_cast<std::uint32_t>(tokens.size() - 1);
  std::vector<float> logits(model.info().vocab_size);
  model.forward(compute, {tokens, std::span(&piece, 1), std::span(&last, 1)},
                MatrixView<float>(logits.data(), 1, logits.size()));
  return logits;
}

bool is_mapped(const std::filesystem::path& path) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find(path.string()) != std::string::npos) return true;
  return false;
}

/// Expects a model to work on when its file is cut to nothing in place, which is fatal for whoever still maps
/// it.
void expect_no_need_of(const std::filesystem::path& path) {
  Compute compute(2);
  const LoadedModel loaded = LoadedModel::load(path, compute);
  const std::vector<float> before = logits_of(*loaded.model, compute);
  EXPECT_FALSE(is_mapped(path));
  std::filesystem::resize_file(path, 0);
  EXPECT_EQ(logits_of(*loaded.model, compute), before);
  EXPECT_FALSE(loaded.tokenizer.encode("Once upon a time").empty());
  EXPECT_THROW(LoadedModel::load(path, compute), Error);
}

ModelShape small_shape(bool is_tied) {
  return {.name = "small",
          .architecture = "llama",
          .n_layers = 2,
          .hidden_dim = 256,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 64,
          .ffn_dim = 512,
          .vocab_size = 640,
          .max_seq_len = 128,
          .has_tied_embeddings = is_tied};
}

TEST(LoadedModel, NeedsItsFileNoLonger) {
  const ScratchFolder folder;
  for (const bool is_tied : {false, true}) {
    for (const char* type : {"q4_0", "q4_k_m", "bf16"}) {
      const auto path = folder / "model.gguf";
      std::filesystem::remove(path);
      synthesize_model(small_shape(is_tied), {.type = type}, path);
      SCOPED_TRACE(std::string(type) + (is_tied ? ", tied" : ""));
      expect_no_need_of(path);
    }
  }
}

TEST(LoadedModel, HoldsAnEmbeddingThatIsTheOutputTooOnce) {
  const ScratchFolder folder;
  Compute compute(2);
  std::vector<ModelInfo> infos;
  for (const bool is_tied : {false, true}) {
    const auto path = folder / (is_tied ? "tied.gguf" : "untied.gguf");
    synthesize_model(small_shape(is_tied), {.type = "q8_0", .is_pure = true}, path);
    infos.push_back(LoadedModel::load(path, compute).model->info());
  }
  EXPECT_EQ(infos[0].n_parameters - infos[1].n_parameters, 640u * 256);
  EXPECT_EQ(infos[0].weight_bytes - infos[1].weight_bytes, 640u * 256 / 32 * 34);
}

TEST(LoadedModel, OfRealWeightsSurvivesTheEndOfItsFile) {
  if (stories260k().empty()) GTEST_SKIP() << kNoTestData;
  const ScratchFolder folder;
  std::filesystem::copy_file(stories260k(), folder / "stories.gguf");
  expect_no_need_of(folder / "stories.gguf");
}

}  // namespace
}  // namespace quintet
