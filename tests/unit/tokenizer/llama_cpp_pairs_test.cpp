#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"
#include "vocab_pairs.h"

using namespace quintet;

namespace {

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};

void expect_pairs(const Tokenizer& tokenizer, const std::filesystem::path& stem) {
  const auto pairs = read_vocab_pairs(stem);
  ASSERT_GT(pairs.size(), 30U);
  for (const VocabPair& pair : pairs) {
    EXPECT_EQ(tokenizer.encode(pair.text, kPlain), pair.ids) << stem << ": \"" << pair.text << "\"";
  }
}

}  // namespace

class LlamaCppPairs : public testing::TestWithParam<std::string> {};

TEST_P(LlamaCppPairs, GiveTheExpectedIds) {
  QN_REQUIRE_TEST_DATA(root);
  const auto path = root / "tokenizers/llama.cpp" / GetParam();
  expect_pairs(Tokenizer::open(path), path);
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, LlamaCppPairs,
                         testing::Values("ggml-vocab-gpt-2.gguf", "ggml-vocab-starcoder.gguf",
                                         "ggml-vocab-deepseek-llm.gguf", "ggml-vocab-llama-spm.gguf",
                                         "ggml-vocab-bert-bge.gguf"),
                         [](const auto& info) {
                           std::string name;
                           for (const char c : info.param) name += std::isalnum(c) != 0 ? c : '_';
                           return name;
                         });

TEST(LlamaCppPairs, AgreeWithQwensOwnVocabulary) {
  QN_REQUIRE_TEST_DATA(root);
  expect_pairs(Tokenizer::open(root / "tokenizers/qwen2.5-0.5b-instruct"),
               root / "tokenizers/llama.cpp/ggml-vocab-qwen2.gguf");
}

TEST(LlamaCppPairs, AgreeWithLlama3sOwnVocabulary) {
  QN_REQUIRE_TEST_DATA(root);
  const auto folder = root / "tokenizers/llama3.2";
  expect_pairs(Tokenizer(read_bpe_files(read_file(folder / "encoder.json"), read_file(folder / "vocab.bpe"),
                                        "llama-bpe")),
               root / "tokenizers/llama.cpp/ggml-vocab-llama-bpe.gguf");
}

TEST(LlamaCppPairs, AgreeWithLlama2sOwnModelFile) {
  QN_REQUIRE_TEST_DATA(root);
  expect_pairs(Tokenizer::open(root / "tokenizers/llama2/tokenizer.model"),
               root / "tokenizers/llama.cpp/ggml-vocab-llama-spm.gguf");
}

TEST(LlamaCppPairs, AgreeWithGpt2sOwnVocabulary) {
  QN_REQUIRE_TEST_DATA(root);
  const auto folder = root / "tokenizers/cs336/fixtures";
  expect_pairs(
      Tokenizer(read_bpe_files(read_file(folder / "gpt2_vocab.json"), read_file(folder / "gpt2_merges.txt"))),
      root / "tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf");
}
