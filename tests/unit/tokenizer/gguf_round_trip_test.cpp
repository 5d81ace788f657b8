// Tokenizers of every kind of file, written to GGUF and read again: the same ids for every text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "formats/tokenizer_gguf_writer.h"
#include "small_tokenizers.h"
#include "testing/scratch_folder.h"
#include "tokenizer/tokenizer.h"
#include "vocab_pairs.h"

namespace quintet {
namespace {

using testing::HasSubstr;

Tokenizer through_gguf(const TokenizerData& data, std::size_t n_more = 3) {
  const ScratchFolder folder;
  const auto path = folder / "vocabulary.gguf";
  GgufWriter writer(path);
  writer.text("general.architecture", "llama");
  write_gguf_tokenizer(writer, data, data.pieces.size() + n_more);
  writer.finish();
  return Tokenizer::open(path);
}

std::string refusal(const TokenizerData& data) {
  try {
    through_gguf(data);
    return "no error";
  } catch (const Unsupported& error) {
    return error.what();
  }
}

std::vector<std::string> texts(const TokenizerData& data) {
  std::vector<std::string> all = {"",
                                  " ",
                                  "Hello world",
                                  " Hello  world ",
                                  "don't\n\n\tstop   \r\n  1234567 1,000.50",
                                  "naïve Ångström é é",
                                  "日本語のテキスト、混ぜて english",
                                  "😀👩‍👩‍👧 emoji",
                                  "\xFF\xFE broken \xE6\x97",
                                  "ＦＵＬＬ ｗｉｄｔｈ",
                                  "for (int i = 0; i < n; ++i) { x[i] += y; }",
                                  "▁ mark ▁▁"};
  std::size_t n = 0;
  for (const AddedToken& token : data.added_tokens) {
    if (++n > 12) break;
    all.push_back(cat("before ", token.text, "  after", token.text, token.text, " x\n", token.text, "y"));
  }
  for (const char* name :
       {"tokenizers/llama.cpp/ggml-vocab-llama-spm.gguf.inp", "tokenizers/sentencepiece/botchan.txt"})
    if (const auto path = test_data(name); !path.empty()) all.push_back(read_file(path).substr(0, 60'000));
  return all;
}

void expect_same(const Tokenizer& expected, const Tokenizer& got, const std::string& name) {
  for (const std::string& text : texts(expected.data()))
    for (const bool parses : {false, true})
      for (const bool adds : {false, true}) {
        const EncodeOptions options{.add_special = adds, .parse_special = parses};
        const auto ids = expected.encode(text, options);
        ASSERT_EQ(got.encode(text, options), ids)
            << name << (parses ? ", specials parsed: " : ": ") << truncate_utf8(text, 100);
        ASSERT_EQ(got.decode(ids), expected.decode(ids)) << name << ": " << truncate_utf8(text, 100);
      }
}

void expect_round_trip(const TokenizerData& data, const std::string& name) {
  const Tokenizer expected{TokenizerData(data)};
  const Tokenizer got = through_gguf(data);
  EXPECT_EQ(got.vocab_size(), expected.vocab_size() + 3) << name;
  EXPECT_EQ(got.data().chat_template, data.chat_template) << name;
  EXPECT_EQ(got.data().named_chat_templates, data.named_chat_templates) << name;
  if (data.special.eos) EXPECT_EQ(got.special_ids().eos, data.special.eos) << name;
  if (data.special.unk) EXPECT_EQ(got.special_ids().unk, data.special.unk) << name;
  expect_same(expected, got, name);
}

class RealTokenizers : public testing::TestWithParam<const char*> {};

TEST_P(RealTokenizers, GiveTheSameIdsThroughAGgufFile) {
  const auto path = test_data(GetParam());
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/" << GetParam();
  expect_round_trip(read_tokenizer(path), GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Files, RealTokenizers,
    testing::Values(
        "lm/tinystories-656k", "lm/stories260k/tinyllamas-stories-260k-f32.gguf",
        "tokenizers/qwen2.5-0.5b-instruct", "tokenizers/llama3.2", "tokenizers/minilm",
        "tokenizers/minilm/vocab.txt", "tokenizers/llama2", "tokenizers/t5/t5_tokenizer.json",
        "tokenizers/sentencepiece/test_model.model", "tokenizers/sentencepiece/test_ja_model.model",
        "tokenizers/tiktoken/cl100k_base.tiktoken", "tokenizers/llama.cpp/ggml-vocab-bert-bge.gguf",
        "tokenizers/llama.cpp/ggml-vocab-deepseek-llm.gguf", "tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf",
        "tokenizers/llama.cpp/ggml-vocab-llama-spm.gguf", "tokenizers/llama.cpp/ggml-vocab-starcoder.gguf"),
    [](const auto& info) {
      std::string name = info.param;
      for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      return name;
    });

Json metaspace(const char* scheme, bool split) {
  return JsonObject{
      {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", scheme}, {"split", split}};
}

TokenizerData letters(const std::function<void(JsonObject&)>& change) {
  return read_tokenizer_json(small_tokenizer_json([&](JsonObject& root) {
    JsonObject& model = root["model"].get_object();
    model["vocab"] = JsonObject{{"<unk>", 0}, {"a", 1},  {"b", 2},      {"c", 3},      {"ab", 4},
                                {"abc", 5},   {"bc", 6}, {"\u2581", 7}, {"\u2581a", 8}};
    model["merges"] = JsonArray{"a b", "ab c", "\u2581 a"};
    change(root);
    if (!root.contains("pre_tokenizer")) return;
    const Json step = root.at("pre_tokenizer");  // of a Metaspace the other way round
    if (get_string(step.get_object(), "type") == "Metaspace") root["decoder"] = step;
  }));
}

/// Scores that need doubles, an added token that is a piece and one that isn't, no unknown token among them.
TokenizerData unigram(const std::function<void(JsonObject&)>& change) {
  JsonArray vocab;
  for (const auto& [piece, score] : std::initializer_list<std::pair<const char*, double>>{{"<pad>", 0.0},
                                                                                          {"</s>", 0.0},
                                                                                          {"<unk>", 0.0},
                                                                                          {"\u2581", -2.1},
                                                                                          {"a", -3.0 - 1e-12},
                                                                                          {"b", -3.0},
                                                                                          {"ab", -6.0},
                                                                                          {"\u2581ab", -7.7}})
    vocab.push_back(JsonArray{piece, score});
  const auto token = [](int id, const char* text, bool is_special) {
    return JsonObject{{"id", id}, {"content", text}, {"special", is_special}, {"normalized", false}};
  };
  JsonObject root{{"version", "1.0"},
                  {"added_tokens", JsonArray{token(0, "<pad>", true), token(1, "</s>", true),
                                             token(8, "<x>", true), token(6, "ab", false)}},
                  {"pre_tokenizer", metaspace("always", true)},
                  {"decoder", metaspace("always", true)},
                  {"model", JsonObject{{"type", "Unigram"}, {"unk_id", 2}, {"vocab", std::move(vocab)}}}};
  change(root);
  return read_tokenizer_json(to_json(root));
}

/// Pieces that are always found first, and one of them with a blank's mark.
TokenizerData sentencepiece_unigram() {
  TokenizerData data;
  data.kind = TokenizerKind::unigram;
  data.pieces = {"<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "@@", "<0x41>"};
  data.types.assign(data.pieces.size(), PieceType::normal);
  data.types[0] = PieceType::unknown;
  data.types[1] = data.types[2] = PieceType::control;
  data.types[7] = PieceType::user_defined;
  data.scores = {0, 0, 0, -1, -2, -2.5, -3, 0, -9};
  data.special.unk = 0;
  data.special.bos = 1;
  data.special.eos = 2;
  for (const TokenId id : {0U, 1U, 2U})
    data.added_tokens.push_back({.text = data.pieces[id], .id = id, .is_special = true});
  data.normalizers.emplace_back(NormalizeSentencePiece{});
  data.decoder = {DecoderKind::sentencepiece, true, false, "", " \u2047 ", true};
  data.suffix_ids = {2};
  return data;
}

TEST(TokenizerGgufWriter, KeepsMergesThatScoresCantSay) {
  // By scores "b" and "c" would never meet "a" again after "bc"; by merges "bc" is never made.
  const TokenizerData data =
      letters([](JsonObject& root) { root["pre_tokenizer"] = metaspace("never", false); });
  expect_round_trip(data, "letters");
  const Tokenizer got = through_gguf(data);
  EXPECT_EQ(got.encode("abc bc"), (std::vector<TokenId>{5, 7, 2, 3}));
}

TEST(TokenizerGgufWriter, KeepsWhereBlanksArePutAndWhatTokensDoToThem) {
  for (const char* scheme : {"always", "first", "never"}) {
    const TokenizerData data = letters([&](JsonObject& root) {
      root["pre_tokenizer"] = metaspace(scheme, true);
      root["added_tokens"] =
          JsonArray{JsonObject{{"id", 9}, {"content", "<s>"}, {"special", true}},
                    JsonObject{{"id", 10}, {"content", "<r>"}, {"special", true}, {"rstrip", true}},
                    JsonObject{{"id", 11}, {"content", "<l>"}, {"lstrip", true}},
                    JsonObject{{"id", 12}, {"content", "cab"}, {"single_word", true}}};
    });
    expect_round_trip(data, scheme);
    const Tokenizer expected{TokenizerData(data)}, got = through_gguf(data);
    for (const std::string_view text : {"a<s>a", "<s>ab <r>  a <l>abc", "cab acab cab.", "<s><r> <l>"})
      EXPECT_EQ(got.encode(text, {.parse_special = true}), expected.encode(text, {.parse_special = true}))
          << scheme << ": " << text;
  }
}

TEST(TokenizerGgufWriter, NamesThePreTokenizersOfModelsByTheirPatterns) {
  const auto name = [](const Json& steps, bool ignores_merges, bool is_nfc) {
    TokenizerData data = letters([&](JsonObject& root) {
      root["pre_tokenizer"] = steps;
      root["model"].get_object()["ignore_merges"] = ignores_merges;
      if (is_nfc) root["normalizer"] = JsonObject{{"type", "NFC"}};
    });
    const ScratchFolder folder;
    GgufWriter writer(folder / "v.gguf");
    write_gguf_tokenizer(writer, data, data.pieces.size());
    writer.finish();
    return std::string(GgufFile::open(folder / "v.gguf").text("tokenizer.ggml.pre").value());
  };
  const auto split = [](std::string_view pattern, std::string_view behavior = "Isolated",
                        bool invert = false) {
    return JsonObject{{"type", "Split"},
                      {"pattern", JsonObject{{"Regex", pattern}}},
                      {"behavior", behavior},
                      {"invert", invert}};
  };
  const auto bytes = [](bool has_pattern) {
    return JsonObject{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", has_pattern}};
  };
  const auto sequence = [](JsonArray steps) {
    return JsonObject{{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
  };
  constexpr std::string_view kLlama3 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  constexpr std::string_view kQwen2 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  EXPECT_EQ(name(bytes(true), false, false), "gpt-2");
  EXPECT_EQ(name(bytes(true), false, true), "olmo");
  EXPECT_EQ(name(sequence({split(kLlama3), bytes(false)}), true, false), "llama-bpe");
  EXPECT_EQ(name(sequence({split(kLlama3, "Removed", true), bytes(false)}), false, false), "dbrx");
  EXPECT_EQ(name(sequence({split(kQwen2), bytes(false)}), false, true), "qwen2");
  EXPECT_EQ(name(sequence({JsonObject{{"type", "Digits"}, {"individual_digits", true}}, bytes(true)}), false,
                 false),
            "starcoder");
}

TEST(TokenizerGgufWriter, RefusesWhatGgufCantSay) {
  const auto with = [](const std::function<void(JsonObject&)>& change) { return refusal(letters(change)); };
  EXPECT_THAT(with([](JsonObject&) {}), HasSubstr("leaves blanks as they are"));
  EXPECT_THAT(with([](JsonObject& root) {
                root["pre_tokenizer"] = JsonObject{
                    {"type", "Sequence"},
                    {"pretokenizers",
                     JsonArray{JsonObject{{"type", "Split"}, {"pattern", JsonObject{{"Regex", "[aeiou]"}}}},
                               JsonObject{{"type", "ByteLevel"}, {"use_regex", false}}}}};
              }),
              HasSubstr("by \"[aeiou]\"; no pre-tokenizer of that kind has a name"));
  EXPECT_THAT(with([](JsonObject& root) { root["model"].get_object()["end_of_word_suffix"] = "</w>"; }),
              HasSubstr("continue or end a word"));
  EXPECT_THAT(with([](JsonObject& root) {
                root["pre_tokenizer"] = metaspace("always", false);
                root["normalizer"] = JsonObject{{"type", "Lowercase"}};
              }),
              HasSubstr("normalises text as it does"));
  TokenizerData data = letters([](JsonObject& root) { root["pre_tokenizer"] = metaspace("always", false); });
  data.prefix_ids = {1, 2};
  EXPECT_THAT(refusal(data), HasSubstr("puts 2 tokens before a text"));
  data.prefix_ids = {};
  data.suffix_ids = {1, 2, 3};
  EXPECT_THAT(refusal(data), HasSubstr("puts 3 tokens after a text"));
  EXPECT_THAT(refusal(unigram([](JsonObject& root) { root.erase("pre_tokenizer"); })),
              HasSubstr("leaves blanks as they are"));
  data = sentencepiece_unigram();
  std::get<NormalizeSentencePiece>(data.normalizers[0]).treat_whitespace_as_suffix = true;
  EXPECT_THAT(refusal(data), HasSubstr("ends words with blanks"));
}

TEST(TokenizerGgufWriter, KeepsAUnigramOfTheLibraryTokenizers) {
  const auto replace = [](std::string_view pattern, std::string_view content) {
    return JsonObject{{"type", "Replace"}, {"pattern", JsonObject{{"Regex", pattern}}}, {"content", content}};
  };
  const auto sequence = [](std::string_view member, JsonArray steps) {
    return JsonObject{{"type", "Sequence"}, {member, std::move(steps)}};
  };
  const TokenizerData plain = unigram([](JsonObject&) {});
  expect_round_trip(plain, "plain");
  expect_round_trip(
      unigram([&](JsonObject& root) {
        root["normalizer"] =
            sequence("normalizers", JsonArray{JsonObject{{"type", "NFKC"}}, replace("[0-9]", "c"),
                                              replace(" {2,}", " "), JsonObject{{"type", "Strip"}}});
        root["pre_tokenizer"] = sequence(
            "pretokenizers", JsonArray{JsonObject{{"type", "WhitespaceSplit"}}, metaspace("always", true)});
      }),
      "many steps");
  for (const char* scheme : {"always", "first", "never"})
    expect_round_trip(unigram([&](JsonObject& root) {
                        root["pre_tokenizer"] = root["decoder"] = metaspace(scheme, false);
                      }),
                      scheme);
  // A token that is no piece of the model is never found inside of a text, one that is may be.
  const Tokenizer got = through_gguf(plain);
  EXPECT_EQ(got.encode("a<x>", {.add_special = false, .parse_special = false}),
            Tokenizer{TokenizerData(plain)}.encode("a<x>", {.add_special = false, .parse_special = false}));
  EXPECT_EQ(got.data().types[8], PieceType::added);
  EXPECT_EQ(got.data().scores[4], plain.scores[4]) << "to the last bit of a double";
}

TEST(TokenizerGgufWriter, KeepsAUnigramOfSentencePiece) {
  const TokenizerData data = sentencepiece_unigram();
  expect_round_trip(data, "SentencePiece");
  const Tokenizer expected{TokenizerData(data)}, got = through_gguf(data);
  for (const std::string_view text : {"ab  a", "  @@ab @@", "a@@b", "zzz"}) {
    EXPECT_EQ(got.encode(text), expected.encode(text)) << text;
    EXPECT_EQ(got.decode(got.encode(text)), expected.decode(expected.encode(text))) << text;
  }
}

TEST(GgufTokenizerReader, RefusesBrokenStepsOfAUnigram) {
  const auto read = [](const auto& write) {
    const ScratchFolder folder;
    {
      GgufWriter writer(folder / "v.gguf");
      writer.text("tokenizer.ggml.model", "t5");
      writer.texts("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "<unk>"});
      write(writer);
      writer.finish();
    }
    read_tokenizer(folder / "v.gguf");
  };
  EXPECT_NO_THROW(read([](GgufWriter& w) {
    w.text("quintet.tokenizer.pre_tokenizer", R"({"type":"Metaspace"})");
    w.f64s("quintet.tokenizer.scores", std::vector<double>{-1.0, -2.0});
  }));
  EXPECT_THROW(read([](GgufWriter& w) { w.text("quintet.tokenizer.pre_tokenizer", "{"); }), CorruptData);
  EXPECT_THROW(read([](GgufWriter& w) { w.text("quintet.tokenizer.pre_tokenizer", "[7]"); }), CorruptData);
  EXPECT_THROW(read([](GgufWriter& w) {
                 w.text("quintet.tokenizer.pre_tokenizer", "null");
                 w.text("quintet.tokenizer.normalizer", R"({"type":7})");
               }),
               CorruptData);
  EXPECT_THROW(read([](GgufWriter& w) {
                 w.text("quintet.tokenizer.pre_tokenizer", "null");
                 w.f64s("quintet.tokenizer.scores", std::vector<double>(4));
               }),
               CorruptData);
}

TEST(TokenizerGgufWriter, RefusesFewerRowsThanPieces) {
  const ScratchFolder folder;
  GgufWriter writer(folder / "v.gguf");
  const TokenizerData data = small_bpe();
  EXPECT_THROW(write_gguf_tokenizer(writer, data, data.pieces.size() - 1), InvalidArgument);
}

TEST(GgufTokenizerReader, RefusesFlagsThatDontFit) {
  const auto read = [](const std::vector<std::uint32_t>& ids, const std::vector<std::uint32_t>& flags) {
    const ScratchFolder folder;
    {
      GgufWriter writer(folder / "v.gguf");
      write_gguf_tokenizer(writer, small_bpe(), 400);
      writer.u32s("quintet.tokenizer.added_ids", ids);
      writer.u32s("quintet.tokenizer.added_flags", flags);
      writer.finish();
    }
    read_tokenizer(folder / "v.gguf");
  };
  EXPECT_NO_THROW(read({1}, {2}));
  EXPECT_THROW(read({1, 2}, {2}), CorruptData);
  EXPECT_THROW(read({400}, {2}), CorruptData);
}

}  // namespace
}  // namespace quintet
