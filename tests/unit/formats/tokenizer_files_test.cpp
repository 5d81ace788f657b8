#include "formats/tokenizer_files.h"

#include <cstring>
#include <filesystem>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../tokenizer/model_file.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "testing/scratch_folder.h"

using namespace quintet;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// The message of the error that `action` throws; "" when it throws none.
template <typename Thrown, typename Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const Thrown& error) {
    return error.what();
  }
  return "";
}

std::string json_fault(std::string_view json) {
  return message_of<CorruptData>([&] { read_tokenizer_json(json); });
}

std::string model_fault(const std::string& bytes) {
  return message_of<CorruptData>([&] { read_sentencepiece_model(bytes); });
}

}  // namespace

TEST(ByteAlphabet, MapsEveryByteToOneCharacterAndBack) {
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  const std::string text = byte_alphabet_encode(all);
  EXPECT_EQ(count_code_points(text), 256U);
  EXPECT_EQ(byte_alphabet_decode(text), all);
  EXPECT_EQ(byte_alphabet_encode(" \n"), "\u0120\u010a");
  EXPECT_FALSE(byte_alphabet_decode("\u4e2d"));
  EXPECT_FALSE(byte_alphabet_decode("\xC3"));
  EXPECT_FALSE(byte_alphabet_decode(" ")) << "a blank is no character of the alphabet";
}

TEST(TokenizerJson, SaysWhatIsWrong) {
  EXPECT_THAT(json_fault(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(json_fault("{\"model\""), HasSubstr("not valid JSON"));
  EXPECT_THAT(json_fault("[]"), HasSubstr("not an object"));
  EXPECT_THAT(json_fault("{}"), HasSubstr("\"model\" is missing"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE"}})"), HasSubstr("vocab is missing"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":[]}})"), HasSubstr("must be an object"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":0}}})"), HasSubstr("merges is missing"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{},"merges":[]}})"),
              HasSubstr("vocabulary is empty"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}})"), HasSubstr("both"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})"),
              HasSubstr("whole number"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]}})"),
              HasSubstr("4000000000"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}})"),
              HasSubstr("\"ab\" is not in the vocabulary"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["aa"]}})"),
              HasSubstr("no blank"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}})"),
              HasSubstr("no pair"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"Unigram","vocab":[["a",0.0]]}})"),
              HasSubstr("no unknown token"));
  EXPECT_THAT(json_fault(R"({"model":{"type":"Unigram","vocab":[["a"]]}})"), HasSubstr("[piece, score]"));
  EXPECT_THAT(
      json_fault(R"({"added_tokens":[{"content":"x"}],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})"),
      HasSubstr("without id"));
  EXPECT_THAT(
      json_fault(
          R"({"added_tokens":[{"id":0,"content":"x"}],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})"),
      HasSubstr("both"));
  EXPECT_THAT(json_fault(R"({"normalizer":{"type":"Precompiled","precompiled_charsmap":"!"},
                             "model":{"type":"BPE","vocab":{"a":0},"merges":[]}})"),
              HasSubstr("base64"));
  EXPECT_THROW(read_tokenizer_json(R"({"model":{"type":"WordLevel","vocab":{}}})"), Unsupported);
  EXPECT_THROW(
      read_tokenizer_json(
          R"({"pre_tokenizer":{"type":"Novel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})"),
      Unsupported);
  EXPECT_THAT(json_fault(std::string(100'000, '[')), HasSubstr("levels deep"));
}

TEST(TokenizerJson, ReadsWhatStandsAroundATextAndTheSpecialTokens) {
  const auto data = read_tokenizer_json(
      R"({"model":{"type":"BPE","vocab":{"a":0,"<s>":1,"</s>":2},"merges":[]},
          "post_processor":{"type":"TemplateProcessing",
            "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
            "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}})",
      R"({"bos_token":{"content":"<s>"},"add_bos_token":false,"chat_template":[{"name":"default","template":"T"},
          {"name":"tools","template":"U"}]})",
      R"({"eos_token":"</s>"})");
  EXPECT_THAT(data.prefix_ids, ElementsAre(1U));
  EXPECT_EQ(data.special.bos, 1U);
  EXPECT_EQ(data.special.eos, 2U);
  EXPECT_EQ(data.chat_template, "T");
  ASSERT_EQ(data.named_chat_templates.size(), 1U);
  EXPECT_EQ(data.named_chat_templates[0].second, "U");
}

TEST(TokenizerJson, RefusesATemplateOfTokensBeyondTheVocabulary) {
  EXPECT_THAT(json_fault(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},
          "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}}],
            "special_tokens":{"<s>":{"id":"<s>","ids":[7],"tokens":["<s>"]}}}})"),
              HasSubstr("id 7"));
}

TEST(BpeFiles, SayWhichLineIsWrong) {
  const auto fault = [](std::string_view vocab, std::string_view merges) {
    return message_of<CorruptData>([&] { read_bpe_files(vocab, merges); });
  };
  EXPECT_THAT(fault("{", ""), HasSubstr("not valid JSON"));
  EXPECT_THAT(fault("[]", ""), HasSubstr("not an object"));
  EXPECT_THAT(fault(R"({"a":0,"b":0})", ""), HasSubstr("both"));
  EXPECT_THAT(fault(R"({"a":1e9})", ""), HasSubstr("whole number"));
  EXPECT_THAT(fault(R"({"a":0,"b":1})", "#version: 0.2\na b\n"), HasSubstr("\"ab\""));
  EXPECT_THAT(fault(R"({"a":0})", "#version: 0.2\na\n"), HasSubstr("line 2"));
  EXPECT_THROW(read_bpe_files(R"({"a":0})", "", "no such name"), Unsupported);
  EXPECT_NO_THROW(read_bpe_files(R"({"a":0,"b":1,"ab":2})", "a b\r\n"));
}

TEST(SentencePieceModel, IsRefusedWhereverItIsCut) {
  ModelFile file;
  file.piece("<unk>", 0, 2).piece("a", -1).piece("b", -2);
  const std::string whole = file.finish(1);
  EXPECT_NO_THROW(read_sentencepiece_model(whole));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    // Cut between two fields the file may still make sense; it must never do anything but throw.
    try {
      read_sentencepiece_model(whole.substr(0, n));
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::corrupt_data || error.code() == ErrorCode::unsupported)
          << error.what();
    }
  }
}

TEST(SentencePieceModel, BelievesNoSizeBeyondTheFile) {
  EXPECT_THAT(model_fault(ModelFile::varint(1 << 3 | 2) + ModelFile::varint(4'000'000'000U) + "x"),
              HasSubstr("4000000000 bytes"));
  EXPECT_THAT(model_fault(ModelFile::varint(1 << 3 | 2) +
                          ModelFile::varint(std::numeric_limits<std::uint64_t>::max())),
              HasSubstr("18446744073709551615 bytes"));
  EXPECT_THAT(model_fault(std::string(11, '\xFF')), HasSubstr("more than 10 bytes"));
  EXPECT_THAT(model_fault(""), HasSubstr("vocabulary is empty"));
  EXPECT_THAT(model_fault(ModelFile::number_field(1, 5)), HasSubstr("wire type"));
  EXPECT_THAT(
      model_fault(
          ModelFile().piece("a", std::numeric_limits<float>::quiet_NaN()).piece("<unk>", 0, 2).finish(1)),
      HasSubstr("not a number"));
  EXPECT_THAT(model_fault(ModelFile().piece("a", 0, 9).finish(1)), HasSubstr("type 9"));
  EXPECT_THAT(model_fault(ModelFile().piece("a", 0).finish(1)), HasSubstr("no unknown token"));
  EXPECT_THROW(read_sentencepiece_model(ModelFile().piece("<unk>", 0, 2).finish(4)), Unsupported);
}

TEST(TiktokenFile, SaysWhichLineIsWrong) {
  const auto fault = [](std::string_view text) {
    return message_of<CorruptData>([&] { read_tiktoken(text, "x"); });
  };
  EXPECT_THAT(fault(""), HasSubstr("no pieces"));
  EXPECT_THAT(fault("YQ== 0\nYg=="), HasSubstr("line 2"));
  EXPECT_THAT(fault("!! 0"), HasSubstr("line 1"));
  EXPECT_THAT(fault("YQ== -1"), HasSubstr("line 1"));
  EXPECT_THAT(fault("YQ== 0\nYg== 0"), HasSubstr("twice"));
  EXPECT_THAT(fault("YQ== 99999999999"), HasSubstr("99999999999"));
}

TEST(WordPieceVocab, NeedsItsUnknownToken) {
  EXPECT_THAT(message_of<CorruptData>([] { read_wordpiece_vocab("a\nb\n"); }), HasSubstr("no unknown token"));
  EXPECT_EQ(read_wordpiece_vocab("[UNK]\r\na\r\n").pieces.size(), 2U);
}

TEST(KnownPreTokenizers, AreNamedWhenOneIsNot) {
  const std::string fault = message_of<Unsupported>([] { known_pre_tokenizer("novel-1"); });
  EXPECT_THAT(fault, HasSubstr("novel-1"));
  EXPECT_THAT(fault, HasSubstr("llama-bpe"));
}

TEST(ReadTokenizer, SaysWhatAFolderLacks) {
  EXPECT_THROW(read_tokenizer("/nonexistent/folder"), NotFound);
  const auto folder = std::filesystem::temp_directory_path() / "quintet_empty_tokenizer_folder";
  std::filesystem::create_directories(folder);
  EXPECT_THAT(message_of<NotFound>([&] { read_tokenizer(folder); }), HasSubstr("tokenizer.json"));
  std::filesystem::remove_all(folder);
}

TEST(TokenizerFiles, TakeTheChatTemplateFromItsNewestPlace) {
  const ScratchFolder folder;
  write_file_atomically(folder / "tokenizer.json",
                        R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})");
  EXPECT_EQ(read_tokenizer(folder.path()).chat_template, "");
  write_file_atomically(folder / "chat_template.json", R"({"chat_template": "of a model that sees"})");
  EXPECT_EQ(read_tokenizer(folder.path()).chat_template, "of a model that sees");
  write_file_atomically(folder / "tokenizer_config.json", R"({"chat_template": "of the tokenizer"})");
  EXPECT_EQ(read_tokenizer(folder.path()).chat_template, "of the tokenizer");
  write_file_atomically(folder / "chat_template.jinja", "by itself");
  EXPECT_EQ(read_tokenizer(folder.path()).chat_template, "by itself");
  std::filesystem::remove(folder / "tokenizer_config.json");
  std::filesystem::remove(folder / "chat_template.jinja");
  write_file_atomically(folder / "chat_template.json", R"({"chat_template": [7]})");
  EXPECT_THROW(read_tokenizer(folder.path()), CorruptData);
}
