#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "formats/gguf.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

TEST(GgufReader, ReadsARealModelOfVersion1) {
  const auto path = test_data("lm/stories260k/tinyllamas-stories-260k-f32.gguf");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lm";
  const GgufFile file = GgufFile::open(path);
  EXPECT_EQ(file.version(), 1u);
  EXPECT_EQ(file.architecture(), "llama");
  EXPECT_EQ(file.text("general.name"), "tinyllamas-stories-260k");
  EXPECT_EQ(file.integer("llama.embedding_length"), 64);
  EXPECT_EQ(file.integer("llama.block_count"), 5);
  EXPECT_NEAR(file.number("llama.attention.layer_norm_rms_epsilon").value(), 1e-5, 1e-9);
  EXPECT_EQ(file.texts("tokenizer.ggml.tokens")->size(), 512u);
  EXPECT_EQ(file.texts("tokenizer.ggml.tokens")->at(1), "<s>");
  EXPECT_EQ(file.numbers("tokenizer.ggml.scores")->size(), 512u);
  EXPECT_EQ(file.integers("tokenizer.ggml.token_type")->at(0), 2);
  EXPECT_EQ(file.tensors().size(), 48u);
  const Tensor embedding = file.tensor("token_embd.weight");
  EXPECT_EQ(embedding.shape(), Shape({512, 64}));
  EXPECT_EQ(embedding.dtype(), DType::f32);
}

TEST(GgufReader, ReadsVocabularyFiles) {
  for (const char* name : {"bert-bge", "deepseek-llm", "gpt-2", "llama-spm", "starcoder"}) {
    const auto path = test_data(std::string("tokenizers/llama.cpp/ggml-vocab-") + name + ".gguf");
    if (path.empty()) GTEST_SKIP() << "no ../shared/data/tokenizers";
    const GgufFile file = GgufFile::open(path);
    EXPECT_EQ(file.version(), 3u) << name;
    EXPECT_TRUE(file.tensors().empty()) << name;
    EXPECT_GT(file.texts("tokenizer.ggml.tokens")->size(), 30'000u) << name;
  }
}

}  // namespace
}  // namespace quintet
