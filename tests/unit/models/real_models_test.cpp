#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "double_llama.h"
#include "models/gguf_source.h"
#include "models/model.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

/// Runs tokens through a model in parts of `part` tokens and returns the last logits.
std::vector<float> run(const Model& model, Compute& compute, KvSequence& sequence,
                       std::span<const std::uint32_t> tokens, std::size_t part) {
  std::vector<float> logits(model.info().vocab_size);
  for (std::size_t begin = 0; begin < tokens.size(); begin += part) {
    const std::size_t n = std::min(part, tokens.size() - begin);
    sequence.reserve(n);
    const BatchSequence piece{&sequence, 0, n};
    const auto wanted = static_cast<std::uint32_t>(n - 1);
    model.forward(compute, {tokens.subspan(begin, n), std::span(&piece, 1), std::span(&wanted, 1)},
                  MatrixView<float>(logits.data(), 1, logits.size()));
    sequence.advance(n);
  }
  return logits;
}

std::uint32_t best(const auto& logits) {
  return static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

TEST(Stories260k, ContinuesGreedilyLikeDoublePrecisionFor200Tokens) {
  const auto path = stories260k();
  if (path.empty()) GTEST_SKIP() << kNoTestData;
  const GgufSource source(GgufFile::open(path));
  for (const std::string_view isa : {"", "avx2", "ref"}) {
    std::optional<Compute> compute;
    try {
      compute.emplace(2, isa);
    } catch (const std::exception&) {
      continue;  // not on this processor
    }
    const auto model = load_model(source, *compute);
    KvCache cache(model->info().kv, DType::f32, 256);
    KvSequence sequence(cache);
    DoubleLlama reference(source);
    std::uint32_t token = 1;  // begin of sequence
    for (int i = 0; i < 200; ++i) {
      const auto logits = run(*model, *compute, sequence, std::span(&token, 1), 1);
      const auto expected = reference.next(token);
      for (std::size_t v = 0; v < logits.size(); ++v)
        ASSERT_NEAR(logits[v], expected[v], 2e-4) << "token " << i;
      ASSERT_EQ(best(logits), best(expected)) << "token " << i;
      token = best(expected);
    }
  }
}

TEST(Stories260k, GivesTheSameLogitsHoweverThePromptIsCutAndHoweverManyThreadsWork) {
  const auto path = stories260k();
  if (path.empty()) GTEST_SKIP() << kNoTestData;
  const GgufSource source(GgufFile::open(path));
  std::vector<std::uint32_t> prompt{1};
  for (int i = 0; i < 149; ++i) prompt.push_back(3 + (i * 37) % 500);
  std::vector<float> expected;
  for (const std::size_t n_threads : {1u, 2u, 3u}) {
    Compute compute(n_threads);
    const auto model = load_model(source, compute);
    for (const std::size_t part : {1u, 7u, 64u, 150u}) {
      KvCache cache(model->info().kv, DType::f16, 256);
      KvSequence sequence(cache);
      const auto logits = run(*model, compute, sequence, prompt, part);
      if (expected.empty()) expected = logits;
      EXPECT_EQ(logits, expected) << n_threads << " threads, parts of " << part;
    }
  }
}

}  // namespace
}  // namespace quintet
