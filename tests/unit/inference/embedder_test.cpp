#include "inference/embedder.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "core/error.h"
#include "formats/tokenizer_files.h"

namespace quintet {
namespace {

/// Words of a vocabulary between [CLS] and [SEP].
Tokenizer word_tokenizer() {
  return Tokenizer(read_wordpiece_vocab("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n"));
}

/// A stand-in: a token's vector is its id, its place and how many tokens it sees.
class CountingEncoder final : public Encoder {
 public:
  explicit CountingEncoder(std::size_t vocab_size = 9, std::size_t max_seq_len = 6) {
    info_.name = "counting";
    info_.dim = 3;
    info_.vocab_size = vocab_size;
    info_.max_seq_len = max_seq_len;
    info_.kv = {1, 1, 16};
    pooling_ = Pooling::mean;
  }
  void forward(Compute&, const ForwardBatch& batch, MatrixView<float> hidden) const override {
    ++n_passes;
    for (const BatchSequence& sequence : batch.sequences) {
      EXPECT_EQ(sequence.kv->length(), 0u);
      for (std::size_t i = 0; i < sequence.n_tokens; ++i) {
        const auto row = hidden.row(sequence.first_token + i);
        row[0] = static_cast<float>(batch.tokens[sequence.first_token + i]);
        row[1] = static_cast<float>(i);
        row[2] = static_cast<float>(sequence.n_tokens);
      }
    }
  }
  mutable int n_passes = 0;
};

TEST(Embedder, PoolsTheTokensOfEachText) {
  const Tokenizer tokenizer = word_tokenizer();
  const CountingEncoder encoder;
  Compute compute(1);
  const std::vector<std::string> texts{"a b", "d"};
  for (const auto& [pooling, first, second] :
       std::vector<std::tuple<Pooling, std::vector<float>, std::vector<float>>>{
           {Pooling::mean, {4.0f, 1.5f, 4.0f}, {13.0f / 3.0f, 1.0f, 3.0f}},  // [CLS] 2, a 5, b 6, [SEP] 3
           {Pooling::first, {2.0f, 0.0f, 4.0f}, {2.0f, 0.0f, 3.0f}},
           {Pooling::last, {3.0f, 3.0f, 4.0f}, {3.0f, 2.0f, 3.0f}}}) {
    Embedder embedder(encoder, tokenizer, compute, {.pooling = pooling, .normalises = false, .prefix = ""});
    const auto results = embedder.embed(texts);
    ASSERT_EQ(results.size(), 2u);
    EXPECT_EQ(results[0].vector, first);
    EXPECT_EQ(results[1].vector, second);
    EXPECT_EQ(results[0].n_tokens, 4u);
    EXPECT_FALSE(results[0].is_truncated);
  }
}

TEST(Embedder, MakesVectorsOfLengthOne) {
  const Tokenizer tokenizer = word_tokenizer();
  const CountingEncoder encoder;
  Compute compute(1);
  const auto vector = Embedder(encoder, tokenizer, compute).embed("a b c").vector;
  EXPECT_NEAR(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0), 1.0, 1e-6);
}

TEST(Embedder, CutsLongTextsAndKeepsTheirEnd) {
  const Tokenizer tokenizer = word_tokenizer();
  const CountingEncoder encoder;
  Compute compute(1);
  Embedder embedder(encoder, tokenizer, compute,
                    {.pooling = Pooling::last, .normalises = false, .prefix = ""});
  const Embedding cut = embedder.embed("a b c d a b c d");
  EXPECT_TRUE(cut.is_truncated);
  EXPECT_EQ(cut.n_tokens, 6u);
  EXPECT_EQ(cut.vector, (std::vector<float>{3.0f, 5.0f, 6.0f}));  // [SEP] at the sixth place
}

TEST(Embedder, PutsThePrefixBeforeEachText) {
  const Tokenizer tokenizer = word_tokenizer();
  const CountingEncoder encoder;
  Compute compute(1);
  Embedder embedder(encoder, tokenizer, compute, {.pooling = {}, .prefix = "c "});
  EXPECT_EQ(embedder.embed("a").vector, Embedder(encoder, tokenizer, compute).embed("c a").vector);
}

TEST(Embedder, SendsTextsTogetherUpToTheBatch) {
  const Tokenizer tokenizer = word_tokenizer();
  const CountingEncoder encoder;
  Compute compute(1);
  Embedder embedder(encoder, tokenizer, compute, {.pooling = {}, .prefix = "", .batch_tokens = 7});
  const auto results = embedder.embed(std::vector<std::string>{"a", "b", "c", "a b c d", "", "d"});
  EXPECT_EQ(results.size(), 6u);
  EXPECT_EQ(encoder.n_passes, 4);  // 3 + 3, 3, 6, 2 + 3 tokens
  EXPECT_EQ(results[5].vector, embedder.embed("d").vector);
  EXPECT_TRUE(embedder.embed(std::vector<std::string>{}).empty());
}

TEST(Embedder, RefusesATokenizerOfAnotherModel) {
  const Tokenizer tokenizer = word_tokenizer();
  const CountingEncoder encoder(5);
  Compute compute(1);
  EXPECT_THROW(Embedder(encoder, tokenizer, compute), InvalidArgument);
}

TEST(Normalise, LeavesZerosAlone) {
  std::vector<float> zeros(4);
  normalise(zeros);
  EXPECT_EQ(zeros, std::vector<float>(4));
}

}  // namespace
}  // namespace quintet
