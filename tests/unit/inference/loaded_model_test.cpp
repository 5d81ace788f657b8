#include "inference/loaded_model.h"

#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "../storage/scratch.h"
#include "core/error.h"
#include "formats/synthesize.h"
#include "formats/tokenizer_files.h"
#include "models/hf_source.h"
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

/// Expects a model to work on when its file is cut to nothing in place.
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

/// What loading says; every time it must either work or say what is wrong with the file.
std::string problem_of_loading(const std::filesystem::path& path, Compute& compute) {
  try {
    LoadedModel::load(path, compute);
    return "";
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    return error.what();
  }
}

TEST(LoadedModel, SaysThatItsFileWasCutOffWhileItWasRead) {
  const ScratchFolder folder;
  Compute compute(2);
  const auto path = folder / "model.gguf";
  synthesize_model(small_shape(false), {.type = "bf16"}, path);
  const auto n_bytes = std::filesystem::file_size(path);
  for (const std::uintmax_t left : {n_bytes - 1, n_bytes / 2, std::uintmax_t{5'000}, std::uintmax_t{0}}) {
    std::filesystem::remove(path);
    synthesize_model(small_shape(false), {.type = "bf16"}, path);
    const auto source = open_model_source(path);
    const GgufFile file = GgufFile::open(path);
    std::filesystem::resize_file(path, left);
    EXPECT_THROW(load_model(*source, compute), Unavailable) << left;
    EXPECT_THROW(read_gguf_tokenizer(file), Unavailable) << left;
  }
}

TEST(LoadedModel, SurvivesThatItsFileIsCutOffAtAnyMoment) {
  const ScratchFolder folder;
  Compute compute(2);
  synthesize_model(small_shape(false), {.type = "q8_0"}, folder / "whole.gguf");
  const auto path = folder / "model.gguf";
  const auto n_bytes = std::filesystem::file_size(folder / "whole.gguf");
  std::minstd_rand random(7);
  int n_problems = 0;
  for (int round = 0; round < 100; ++round) {
    std::filesystem::copy_file(folder / "whole.gguf", path,
                               std::filesystem::copy_options::overwrite_existing);
    const auto n_yields = random() % 400;
    const auto left = random() % n_bytes;
    const std::jthread other([&] {
      for (unsigned i = 0; i < n_yields; ++i) std::this_thread::yield();
      std::filesystem::resize_file(path, left);
    });
    if (!problem_of_loading(path, compute).empty()) ++n_problems;
  }
  EXPECT_GT(n_problems, 0);
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
