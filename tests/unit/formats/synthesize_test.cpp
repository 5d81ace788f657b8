#include "formats/synthesize.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "formats/gguf.h"
#include "tensor/dequantize.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::HasSubstr;

/// A shape of a family, made small.
ModelShape small(const char* name) {
  ModelShape shape = *find_model_shape(name);
  shape.n_layers = 2;
  shape.hidden_dim = 256;
  shape.n_heads = 4;
  shape.n_kv_heads = shape.architecture == "bert" ? 4 : 2;
  shape.head_dim = 64;
  shape.ffn_dim = 512;
  shape.vocab_size = 600;
  shape.max_seq_len = 128;
  return shape;
}

TEST(Synthesize, WritesEveryFamilyWithItsMetadataAndTensors) {
  const ScratchFolder folder;
  for (const char* name : {"smollm2-135m", "llama3.2-1b", "llama3.1-8b", "qwen2.5-0.5b", "qwen3-0.6b",
                           "gemma3-1b", "minilm-l6"}) {
    SCOPED_TRACE(name);
    const ModelShape shape = small(name);
    const Synthesized written = synthesize_model(shape, {.type = "q4_k_m"}, folder / "m.gguf");
    const GgufFile file = GgufFile::open(folder / "m.gguf");
    EXPECT_EQ(file.architecture(), shape.architecture);
    EXPECT_EQ(file.texts("tokenizer.ggml.tokens")->size(), 600u);
    EXPECT_EQ(file.integers("tokenizer.ggml.token_type")->size(), 600u);
    EXPECT_EQ(file.integer(std::string(shape.architecture) + ".block_count"), 2);
    std::size_t n_parameters = 0;
    std::size_t n_bytes = 0;
    for (const TensorInfo& info : file.tensors()) {
      const Tensor tensor = file.tensor(info.name);
      n_parameters += info.shape.n_elements();
      n_bytes += tensor.size_bytes();
      const Tensor weights = dequantize(tensor);
      double squares = 0;
      for (const float w : weights.f32()) {
        ASSERT_TRUE(std::isfinite(w)) << info.name;
        squares += static_cast<double>(w) * static_cast<double>(w);
      }
      if (info.shape.rank() == 2) {
        const double deviation = std::sqrt(squares / static_cast<double>(info.shape.n_elements()));
        EXPECT_NEAR(deviation, 0.02, 0.001) << info.name;
      }
    }
    EXPECT_EQ(n_parameters, written.n_parameters);
    EXPECT_EQ(n_bytes, written.n_bytes);
    EXPECT_EQ(file.find_tensor("output.weight") == nullptr, shape.has_tied_embeddings);
    EXPECT_EQ(file.find_tensor("rope_freqs.weight") != nullptr, shape.rope_factor != 1);
    EXPECT_EQ(file.find_tensor("blk.1.attn_q.bias") != nullptr,
              shape.architecture == "qwen2" || shape.architecture == "bert");
  }
}

TEST(Synthesize, HasTheShapesOfRealModels) {
  // Parameters as published: 134,515,008; 494,032,768; 1,235,814,400 (and 32 divisors of frequencies).
  std::set<std::string_view> names;
  for (const ModelShape& shape : model_shapes()) {
    EXPECT_TRUE(names.insert(shape.name).second) << shape.name;
    EXPECT_EQ(shape.n_heads % shape.n_kv_heads, 0u) << shape.name;
    const std::size_t d = shape.hidden_dim;
    const std::size_t q = shape.n_heads * shape.head_dim;
    const std::size_t kv = shape.n_kv_heads * shape.head_dim;
    std::size_t layer = 2 * d + 2 * d * q + 2 * d * kv + 3 * d * shape.ffn_dim;
    if (shape.architecture == "qwen2") layer += q + 2 * kv;
    const std::size_t total =
        shape.n_layers * layer + d + shape.vocab_size * d * (shape.has_tied_embeddings ? 1 : 2);
    if (shape.name == "smollm2-135m") EXPECT_EQ(total, 134'515'008u);
    if (shape.name == "qwen2.5-0.5b") EXPECT_EQ(total, 494'032'768u);
    if (shape.name == "llama3.2-1b") EXPECT_EQ(total, 1'235'814'400u);
    if (shape.name == "llama3.1-8b") EXPECT_EQ(total, 8'030'261'248u);
  }
  EXPECT_EQ(find_model_shape("LLAMA3.2-1B")->n_layers, 16u);
  EXPECT_EQ(find_model_shape("none"), nullptr);
}

TEST(Synthesize, WritesTheSameBytesForTheSameSeed) {
  const ScratchFolder folder;
  const ModelShape shape = small("smollm2-135m");
  synthesize_model(shape, {.type = "q8_0", .seed = 5}, folder / "a.gguf");
  synthesize_model(shape, {.type = "q8_0", .seed = 5}, folder / "b.gguf");
  synthesize_model(shape, {.type = "q8_0", .seed = 6}, folder / "c.gguf");
  EXPECT_TRUE(read_file(folder / "a.gguf") == read_file(folder / "b.gguf"));
  EXPECT_FALSE(read_file(folder / "a.gguf") == read_file(folder / "c.gguf"));
}

TEST(Synthesize, WritesEveryType) {
  const ScratchFolder folder;
  const ModelShape shape = small("qwen2.5-0.5b");
  for (const char* type : {"f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k_s",
                           "q3_k_l", "q4_k_s", "q5_k_m", "q6_k", "iq4_nl", "iq4_xs", "mxfp4"}) {
    synthesize_model(shape, {.type = type, .is_pure = true}, folder / "m.gguf");
    const GgufFile file = GgufFile::open(folder / "m.gguf");
    EXPECT_TRUE(
        std::string_view(type).starts_with(dtype_name(file.find_tensor("blk.0.ffn_up.weight")->dtype)))
        << type;
    EXPECT_EQ(file.find_tensor("token_embd.weight")->dtype, file.find_tensor("blk.0.ffn_up.weight")->dtype);
    EXPECT_EQ(file.find_tensor("blk.0.attn_norm.weight")->dtype, DType::f32);
  }
}

TEST(Synthesize, NamesTheTypesThereAre) {
  const ScratchFolder folder;
  try {
    synthesize_model(small("smollm2-135m"), {.type = "q9"}, folder / "m.gguf");
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("q4_k_m"));
  }
}

TEST(Synthesize, StopsWhenAskedAndLeavesNothing) {
  const ScratchFolder folder;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(synthesize_model(small("smollm2-135m"), {}, folder / "m.gguf", stop.get_token()), Cancelled);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SyntheticBpe, IsAValidVocabularyOfEachSize) {
  for (const std::size_t size : {260u, 2'000u, 49'152u, 262'144u}) {
    const SyntheticBpe bpe = synthetic_bpe(size);
    ASSERT_EQ(bpe.tokens.size(), size);
    ASSERT_EQ(bpe.types.size(), size);
    EXPECT_EQ(bpe.merges.size(), size - 256 - 3);
    std::set<std::string> seen;
    for (const std::string& token : bpe.tokens) ASSERT_TRUE(seen.insert(token).second) << token;
    for (const std::string& merge : bpe.merges) {
      const std::size_t space = merge.find(' ');
      ASSERT_TRUE(seen.contains(merge.substr(0, space)) && seen.contains(merge.substr(space + 1))) << merge;
      ASSERT_TRUE(seen.contains(merge.substr(0, space) + merge.substr(space + 1))) << merge;
    }
    EXPECT_EQ(bpe.tokens[bpe.end_of_turn], "<|im_end|>");
  }
  EXPECT_THROW(synthetic_bpe(259), InvalidArgument);
  EXPECT_THROW(synthetic_bpe(10'000'000), InvalidArgument);
}

}  // namespace
}  // namespace quintet
