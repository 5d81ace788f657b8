#include "tokenizer/tokenizer.h"

#include <cstring>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "small_tokenizers.h"
#include "vocab_pairs.h"

using namespace quintet;
using testing::ElementsAre;

namespace {

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};
constexpr EncodeOptions kParsed{.add_special = false, .parse_special = true};

std::string random_bytes(std::mt19937& random, std::size_t n) {
  std::string bytes;
  for (std::size_t i = 0; i < n; ++i) bytes += static_cast<char>(random() & 0xFF);
  return bytes;
}

}  // namespace

TEST(Tokenizer, GivesBackAnyBytes) {
  const Tokenizer tokenizer(small_bpe());
  std::mt19937 random(11);
  for (std::size_t n = 0; n < 300; ++n) {
    const std::string text = random_bytes(random, n);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
  const std::string nul("a\0b\0\0", 5);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(nul)), nul);
}

TEST(Tokenizer, FindsSpecialTokensOnlyWhenAsked) {
  const Tokenizer tokenizer(small_bpe());
  EXPECT_THAT(tokenizer.encode("<|end|>", kParsed), ElementsAre(0U));
  const auto plain = tokenizer.encode("<|end|>", kPlain);
  EXPECT_GT(plain.size(), 1U);
  EXPECT_EQ(tokenizer.decode(plain), "<|end|>");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("the<|end|>cat", kParsed), {.skip_special = true}), "thecat");
}

TEST(Tokenizer, TakesTheLongestAddedTokenAndItsWhiteSpace) {
  const auto json = small_tokenizer_json([](JsonObject& root) {
    const auto token = [](int id, const char* text, bool lstrip, bool rstrip, bool single) {
      return JsonObject{{"id", id},         {"content", text},     {"lstrip", lstrip},     {"rstrip", rstrip},
                        {"special", false}, {"normalized", false}, {"single_word", single}};
    };
    root["added_tokens"] =
        JsonArray{token(6, "<x>", false, false, false), token(7, "<x><y>", false, false, false),
                  token(8, "<l>", true, false, false), token(9, "<r>", false, true, false),
                  token(10, "cab", false, false, true)};
  });
  const Tokenizer tokenizer(read_tokenizer_json(json));
  EXPECT_THAT(tokenizer.encode("a<x><y>b<x>"), ElementsAre(1U, 7U, 2U, 6U));
  EXPECT_THAT(tokenizer.encode("a \t<l>b"), ElementsAre(1U, 8U, 2U));
  EXPECT_THAT(tokenizer.encode("a<r> \n b"), ElementsAre(1U, 9U, 2U));
  EXPECT_THAT(tokenizer.encode("cab"), ElementsAre(10U));
  EXPECT_THAT(tokenizer.encode("ccab"), ElementsAre(3U, 3U, 4U)) << "inside a word it is no token";
}

TEST(Tokenizer, MergesByRankNotByLength) {
  const Tokenizer tokenizer(read_tokenizer_json(small_tokenizer_json()));
  EXPECT_THAT(tokenizer.encode("abcab"), ElementsAre(5U, 4U));
  EXPECT_THAT(tokenizer.encode("xxa"), ElementsAre(0U, 0U, 1U)) << "each unknown character is one token";
}

TEST(Tokenizer, CountsFindsAndNamesPieces) {
  const Tokenizer tokenizer(small_bpe());
  EXPECT_EQ(tokenizer.count_tokens("the cat"), tokenizer.encode("the cat").size());
  const auto the = tokenizer.find("\u0120the");
  ASSERT_TRUE(the);
  EXPECT_EQ(tokenizer.piece(*the), "\u0120the");
  EXPECT_EQ(tokenizer.piece_bytes(*the), " the");
  EXPECT_FALSE(tokenizer.find("nothing like this"));
  EXPECT_TRUE(tokenizer.is_special(0));
  EXPECT_FALSE(tokenizer.is_special(*the));
}

TEST(Tokenizer, RefusesIdsOutOfRange) {
  const Tokenizer tokenizer(small_bpe());
  const auto beyond = static_cast<TokenId>(tokenizer.vocab_size());
  EXPECT_THROW(tokenizer.piece(beyond), InvalidArgument);
  EXPECT_THROW(tokenizer.piece_bytes(beyond), InvalidArgument);
  EXPECT_THROW(tokenizer.is_special(beyond), InvalidArgument);
  EXPECT_THROW(tokenizer.decode(std::vector<TokenId>{0, beyond}), InvalidArgument);
  EXPECT_THROW(TextStream(tokenizer).push(beyond), InvalidArgument);
}

TEST(Tokenizer, GivesTheSameWithAndWithoutItsMemoryOfWords) {
  Tokenizer tokenizer(small_bpe());
  const std::string text =
      "the weather there, the other weather; they are the\n\nnorth    of them 1234567 \xFF\xFE";
  const auto cached = tokenizer.encode(text);
  EXPECT_EQ(tokenizer.encode(text), cached);
  tokenizer.set_word_cache(false);
  EXPECT_EQ(tokenizer.encode(text), cached);
}

TEST(Tokenizer, EncodesOnManyThreadsAtOnce) {
  const Tokenizer tokenizer(small_bpe());
  const std::string text = "the quick brown fox and the lazy dog of the north";
  const auto expected = tokenizer.encode(text);
  std::vector<std::thread> threads;
  std::vector<int> n_wrong(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        n_wrong[static_cast<std::size_t>(t)] += tokenizer.encode(text) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(n_wrong, testing::Each(0));
}

TEST(Tokenizer, GivesShortAndLongWordsTheSameMerges) {
  // Short words are merged by scanning, long ones with a heap; a word without borders must not show where
  // they change.
  const Tokenizer tokenizer(small_bpe());
  for (const std::string unit : {"the", "th", "e", "and the"}) {
    for (std::size_t n = 1; n < 60; ++n) {
      std::string text;
      for (std::size_t i = 0; i < n; ++i) text += unit;
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
    }
  }
}

TEST(TextStream, NeverGivesHalfACharacter) {
  const Tokenizer tokenizer(small_bpe());
  const std::string text = "the caf\u00e9 \u4e2d\u6587 \U0001F600 of \u0928\u092e\u0938\u094d\u0924\u0947";
  const auto ids = tokenizer.encode(text);
  TextStream decoder(tokenizer);
  std::string all;
  for (const TokenId id : ids) {
    const std::string part = decoder.push(id);
    EXPECT_FALSE(find_invalid_utf8(part)) << part;
    all += part;
  }
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_EQ(all, text);
}

TEST(TextStream, GivesTheRestOfACharacterThatNeverEnds) {
  const Tokenizer tokenizer(small_bpe());
  const auto ids = tokenizer.encode("a\xE4\xB8");
  TextStream decoder(tokenizer);
  std::string all;
  for (const TokenId id : ids) all += decoder.push(id);
  EXPECT_EQ(all, "a");
  EXPECT_EQ(decoder.finish(), "\xE4\xB8");
}

TEST(TextStream, AgreesWithDecodeOnAnyIds) {
  const Tokenizer tokenizer(small_bpe());
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<TokenId> ids;
    for (int i = 0; i < 40; ++i) ids.push_back(static_cast<TokenId>(random() % tokenizer.vocab_size()));
    TextStream decoder(tokenizer);
    std::string all;
    for (const TokenId id : ids) all += decoder.push(id);
    all += decoder.finish();
    EXPECT_EQ(all, tokenizer.decode(ids));
  }
}

TEST(SentencePieceBpe, FallsBackToBytesAndLosesNothing) {
  ModelFile file;
  file.piece("<unk>", 0, 2).piece("<s>", 0, 3).piece("</s>", 0, 3).all_bytes();
  file.piece("\u2581", -1).piece("a", -2).piece("b", -3).piece("ab", -0.5F).piece("\u2581ab", -0.25F);
  const Tokenizer tokenizer(read_sentencepiece_model(file.finish(2)));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("ab \u4e2d")), "ab \u4e2d");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a\xFF\xFE")), "a\xFF\xFE");
  const auto ids = tokenizer.encode("ab");
  EXPECT_THAT(ids, ElementsAre(*tokenizer.find("\u2581ab")));
  EXPECT_EQ(tokenizer.piece_bytes(*tokenizer.find("<0x0A>")), "\n");
}

TEST(SentencePieceBpe, GivesUnusedPiecesBackAsTheirParts) {
  ModelFile file;
  file.piece("<unk>", 0, 2)
      .piece("\u2581", -9)
      .piece("a", -2)
      .piece("b", -3)
      .piece("ab", -0.5F, 5)
      .piece("abb", -1);
  const Tokenizer tokenizer(read_sentencepiece_model(file.finish(2)));
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(1U, 2U, 3U));
  EXPECT_THAT(tokenizer.encode("abb"), ElementsAre(1U, 5U)) << "merged through the unused piece";
}

TEST(SentencePieceBpe, NeverMergesUserDefinedPieces) {
  ModelFile file;
  file.piece("<unk>", 0, 2).piece("\u2581", -9).piece("a", -2).piece("b", -3).piece("aab", -0.5F);
  file.piece("ab", 0, 4);
  const Tokenizer tokenizer(read_sentencepiece_model(file.finish(2)));
  EXPECT_THAT(tokenizer.encode("aab"), ElementsAre(1U, 2U, 5U));
}

TEST(Unigram, TakesTheMostLikelySegmentation) {
  ModelFile file;
  file.piece("<unk>", 0, 2)
      .piece("\u2581", -3)
      .piece("a", -1)
      .piece("b", -1)
      .piece("ab", -3)
      .piece("\u2581a", -1.5F);
  const Tokenizer tokenizer(read_sentencepiece_model(file.finish(1, true)));
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(5U, 3U)) << "-2.5 beats -5 and -6";
  EXPECT_THAT(tokenizer.encode("  a   b  "), ElementsAre(5U, 1U, 3U)) << "blanks are joined";
  EXPECT_THAT(tokenizer.encode("axyzb"), ElementsAre(5U, 0U, 3U)) << "unknown neighbours are one token";
}

TEST(WordPiece, TakesTheLongestPieceAndKnowsNoPartOfAnUnknownWord) {
  const Tokenizer tokenizer(read_wordpiece_vocab(
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\n##a\nhello\n,\n\u4e2d\n\u6587\ncafe\n"));
  EXPECT_THAT(tokenizer.encode("unaffable Hello,", kPlain), ElementsAre(4U, 5U, 6U, 8U, 9U));
  EXPECT_THAT(tokenizer.encode("unaffx"), ElementsAre(2U, 1U, 3U));
  EXPECT_THAT(tokenizer.encode("\u4e2d\u6587", kPlain), ElementsAre(10U, 11U)) << "each ideograph is a word";
  EXPECT_THAT(tokenizer.encode("CAF\u00c9", kPlain), ElementsAre(12U)) << "case and accents are dropped";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("unaffable hello , hello"), {.skip_special = true}),
            "unaffable hello, hello");
  EXPECT_THAT(tokenizer.encode(std::string(101, 'u'), kPlain), ElementsAre(1U)) << "too long a word";
}

TEST(Tokenizer, GivesBackRealTextsInRealVocabularies) {
  QN_REQUIRE_TEST_DATA(root);
  const std::string text = read_file(root / "text/wikitext-2/valid.txt").substr(0, 200'000);
  for (const char* path :
       {"tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf", "tokenizers/llama.cpp/ggml-vocab-starcoder.gguf",
        "tokenizers/llama.cpp/ggml-vocab-deepseek-llm.gguf", "tokenizers/llama2/tokenizer.model",
        "tokenizers/tiktoken/cl100k_base.tiktoken"}) {
    const Tokenizer tokenizer = Tokenizer::open(root / path);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, kPlain)), text) << path;
  }
}

TEST(Tokenizer, EncodesAMebibyteOfOneLetter) {
  QN_REQUIRE_TEST_DATA(root);
  const std::string text(1 << 20, 'a');
  for (const char* path : {"tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf", "tokenizers/llama2/tokenizer.model",
                           "tokenizers/t5/t5_tokenizer.json", "tokenizers/minilm/tokenizer.json"}) {
    const Tokenizer tokenizer = Tokenizer::open(root / path);
    EXPECT_FALSE(tokenizer.encode(text).empty()) << path;
  }
}
