#include "tokenizer/bpe_trainer.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"
#include "formats/tokenizer_files.h"
#include "formats/tokenizer_writer.h"
#include "small_tokenizers.h"
#include "tokenizer/tokenizer.h"
#include "vocab_pairs.h"

using namespace quintet;

namespace {

BpeTrainingOptions options_for(std::size_t vocab_size) {
  BpeTrainingOptions options;
  options.vocab_size = vocab_size;
  options.special_tokens = {"<|endoftext|>"};
  return options;
}

}  // namespace

TEST(BpeTrainer, GivesTheReferenceMergesAndVocabulary) {
  QN_REQUIRE_TEST_DATA(root);
  const auto folder = root / "tokenizers/cs336/fixtures";
  const std::string corpus = read_file(folder / "corpus.en");
  const TokenizerData data = train_bpe({corpus}, options_for(500));
  const std::string reference = read_file(folder / "train-bpe-reference-merges.txt");
  const auto lines = split_lines(reference);
  ASSERT_EQ(data.merges.size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(cat(data.pieces[data.merges[i].left], " ", data.pieces[data.merges[i].right]), lines[i]) << i;
  }
  const Json vocab = parse_json(read_file(folder / "train-bpe-reference-vocab.json"));
  ASSERT_EQ(vocab.get_object().size(), data.pieces.size());
  for (const auto& entry : vocab.get_object()) {
    EXPECT_EQ(data.pieces[static_cast<std::size_t>(entry.value().get_int64())],
              std::string_view(entry.key()));
  }
}

TEST(BpeTrainer, GivesTheSameWhenTheCorpusComesInParts) {
  QN_REQUIRE_TEST_DATA(root);
  const auto path = root / "tokenizers/cs336/fixtures/corpus.en";
  const std::string corpus = read_file(path);
  const TokenizerData whole = train_bpe({corpus}, options_for(700));
  const TokenizerData parts = train_bpe(read_corpus_file(path, {"<|endoftext|>"}, 5000), options_for(700));
  EXPECT_EQ(parts.pieces, whole.pieces);
}

TEST(BpeTrainer, BreaksTiesByTheGreaterPairOfByteStrings) {
  // "ab", "cd" and "zy" are equally frequent.
  BpeTrainingOptions options;
  options.vocab_size = 259;
  const TokenizerData data = train_bpe({"ab", "cd", "zy"}, options);
  ASSERT_EQ(data.pieces.size(), 259U);
  EXPECT_EQ(data.pieces[256], "zy");
  EXPECT_EQ(data.pieces[257], "cd");
  EXPECT_EQ(data.pieces[258], "ab");
}

TEST(BpeTrainer, CountsOverlappingPairsAsTheyAreMerged) {
  BpeTrainingOptions options;
  options.vocab_size = 258;
  const TokenizerData data = train_bpe({"aaaaa"}, options);
  ASSERT_EQ(data.pieces.size(), 258U);
  EXPECT_EQ(data.pieces[256], "aa");
  EXPECT_EQ(data.pieces[257], "aaaa") << "(aa, aa) and (aa, a) are met once each";
}

TEST(BpeTrainer, SpecialTokensCutTheCorpusAndAreNoPartOfIt) {
  BpeTrainingOptions options = options_for(400);
  const TokenizerData data = train_bpe({"ab<|endoftext|>ab<|endoftext|>ab"}, options);
  EXPECT_EQ(data.pieces.size(), 258U) << "\"ab\" is the only pair";
  EXPECT_EQ(data.pieces[0], "<|endoftext|>");
}

TEST(BpeTrainer, LeavesRarePairsAlone) {
  BpeTrainingOptions options;
  options.vocab_size = 300;
  options.min_frequency = 2;
  EXPECT_EQ(train_bpe({"ab cd ab"}, options).merges.size(), 1U);
}

TEST(BpeTrainer, ReportsProgressAndStops) {
  BpeTrainingOptions options = options_for(300);
  std::size_t n_reports = 0;
  options.on_progress = [&](const BpeTrainingProgress&) { ++n_reports; };
  train_bpe({"the cat"}, options);
  EXPECT_GE(n_reports, 2U);
  std::stop_source source;
  options.stop = source.get_token();
  source.request_stop();
  EXPECT_THROW(train_bpe({"the cat"}, options), Cancelled);
}

TEST(BpeTrainer, RefusesAVocabularyWithoutRoom) {
  EXPECT_THROW(train_bpe({"the cat"}, options_for(256)), InvalidArgument);
  EXPECT_NO_THROW(train_bpe({"the cat"}, options_for(257)));
  EXPECT_THROW(read_corpus_file("/nonexistent/file"), NotFound);
}

TEST(TokenizerWriter, WritesFilesThatReadBackTheSame) {
  const TokenizerData data = small_bpe();
  const Tokenizer original(data);
  const Tokenizer from_json(read_tokenizer_json(to_tokenizer_json(data)));
  const Tokenizer from_files(read_bpe_files(to_vocab_json(data), to_merges_text(data)));
  for (const std::string text :
       {"the other weather, they are there", "caf\u00e9 \u4e2d <|end|> 123  x\n\n", ""}) {
    const auto ids = original.encode(text, {.add_special = true, .parse_special = true});
    EXPECT_EQ(from_json.encode(text, {.add_special = true, .parse_special = true}), ids);
    EXPECT_EQ(from_files.encode(text, {.add_special = true, .parse_special = true}), ids);
    EXPECT_EQ(from_json.decode(ids), text);
  }
}
