// Ids that the original implementations gave (npm's tokenizers 0.23.2 and tiktoken, sentencepiece 0.1.97),
// for texts that differ where implementations usually differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/ids.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"
#include "vocab_pairs.h"

using namespace quintet;

namespace {

struct Original {
  const char* path;
  const char* digest;  // SHA-256 of all ids as decimal text
};

/// Characters of many kinds in many neighbourhoods, made from a fixed rule.
std::string hard_text() {
  constexpr const char* kWords[] = {"Hello",
                                    "I'm",
                                    "WE'LL",
                                    "'\u017f",
                                    "l'eau",
                                    "McDonald",
                                    "aB",
                                    "\u01c5",
                                    "\u02b0",
                                    "e\u0301",
                                    "12",
                                    "1234567",
                                    "\u00bd",
                                    "\u2167",
                                    "\u0967\u0968",
                                    "\u4e2d\u6587",
                                    "\ud55c\uad6d\uc5b4",
                                    "\u0e44\u0e17\u0e22",
                                    "\u0939\u093f\u0928\u094d\u0926\u0940",
                                    "\u2026",
                                    "--",
                                    "/*",
                                    "//",
                                    "\U0001F600",
                                    "\U0001F468\u200d\U0001F469",
                                    "a_b",
                                    "x=1;",
                                    "\u2581",
                                    "\ufffd",
                                    "\u00ad",
                                    "\u0130",
                                    "\u1e9e",
                                    "\ufb01",
                                    "\u3231",
                                    "\uff21",
                                    "\uff71\uff9e",
                                    "\ufdfa",
                                    "\u1100\u1161"};
  constexpr const char* kBlanks[] = {"",       " ",      "  ",   "\n",     "\r\n",  "\t",
                                     "\u00a0", "\u3000", " \n ", "\u0085", "\u2028"};
  std::string text;
  std::uint32_t state = 1;
  for (int i = 0; i < 3000; ++i) {
    state = state * 1664525U + 1013904223U;
    text += kWords[(state >> 16) % std::size(kWords)];
    text += kBlanks[(state >> 8 & 0xFF) % std::size(kBlanks)];
  }
  return text;
}

}  // namespace

TEST(Originals, HardTextIsTheOneThatWasRecorded) {
  // Printed for whoever records new digests: the text is the same on every machine.
  EXPECT_EQ(hex_encode(sha256(hard_text())),
            "6b01a1b8ba6d21de8bd8320eff37558fc583165567980aeac2fe18be163a07ad");
}

class Originals : public testing::TestWithParam<Original> {};

TEST_P(Originals, GiveTheSameIdsForHardText) {
  QN_REQUIRE_TEST_DATA(root);
  const Tokenizer tokenizer = Tokenizer::open(root / GetParam().path);
  std::string ids;
  for (const TokenId id : tokenizer.encode(hard_text(), {.add_special = false, .parse_special = true})) {
    ids += cat(id, " ");
  }
  EXPECT_EQ(hex_encode(sha256(ids)), GetParam().digest);
}

INSTANTIATE_TEST_SUITE_P(
    Files, Originals,
    testing::Values(Original{"lm/tinystories-656k/tokenizer.json",
                             "de0d2cc061d8cadd6a84ab4188f2577bf0c536bb46e6d386d34b0dd4845e5a23"},
                    Original{"tokenizers/minilm/tokenizer.json",
                             "c66fd735438fe5128e6b78608a4b658d5caba0cb2ad283dd6a865645616a2a43"},
                    Original{"tokenizers/t5/t5_tokenizer.json",
                             "f4a4b92ca551c2e5528745667a28b5e090b72d62f2fb2406c78cb29280101ab7"},
                    Original{"tokenizers/qwen2.5-0.5b-instruct",
                             "f59c60b448e295df0d35c659a2fb016112de43c1d4a7e44a188b4085d87847d5"},
                    Original{"tokenizers/llama3.2",
                             "09ab08100af1d6e8bd68b365b24b74b8fa22dc224e1af4f1196bc23820e99405"},
                    Original{"tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf",
                             "08d369c3df02228824b0b4c0804a74aef9a2683652eb457572d28e8604b7bb56"},
                    Original{"tokenizers/sentencepiece/test_model.model",
                             "9c77f2beefac17368c10c48c1617df11d3d8ddfe6bcf6cdc96a33672b442494d"},
                    Original{"tokenizers/sentencepiece/test_ja_model.model",
                             "e027f0dff8f5c1c93d8f916119f3bb2ace286d9c10ffcc4bbb1514cbb1cddd7a"},
                    Original{"tokenizers/llama2/tokenizer.model",
                             "281071e0f0593741d681cea3fbb8b9628ccac692a184cfd296c178f711a0f09f"},
                    Original{"tokenizers/tiktoken/cl100k_base.tiktoken",
                             "000c13dd82740b3f9dc033adece1acbde564f938dd79f25204aaa43cee895a8f"}),
    [](const auto& info) {
      std::string name;
      for (const char c : std::string(info.param.path)) name += std::isalnum(c) != 0 ? c : '_';
      return name;
    });
