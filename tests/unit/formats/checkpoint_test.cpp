#include "formats/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../storage/scratch.h"
#include "core/error.h"
#include "core/files.h"
#include "formats/gguf_writer.h"
#include "test_data.h"

namespace quintet {
namespace {

using testing::HasSubstr;

template <typename ErrorType>
std::string problem(const std::filesystem::path& path) {
  try {
    Checkpoint::open(path);
    return "no error";
  } catch (const ErrorType& error) {
    return error.what();
  }
}

TEST(Checkpoint, OpensARealGgufFile) {
  const auto path = test_data("lm/stories260k/tinyllamas-stories-260k-f32.gguf");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lm";
  const Checkpoint checkpoint = Checkpoint::open(path);
  ASSERT_NE(checkpoint.gguf(), nullptr);
  EXPECT_EQ(checkpoint.config(), nullptr);
  EXPECT_EQ(checkpoint.architecture(), "llama");
  EXPECT_EQ(checkpoint.tensor("token_embd.weight").shape(), Shape({512, 64}));
  EXPECT_EQ(checkpoint.weights_bytes(), 4 * checkpoint.n_parameters());
  EXPECT_EQ(checkpoint.chat_template(), std::nullopt);
  // 5 layers, 4 key/value heads of 8, keys and values of 2 bytes
  EXPECT_EQ(memory_needed(checkpoint, 100).kv_cache_bytes, 100u * 5 * 4 * 8 * 2 * 2);
  EXPECT_EQ(memory_needed(checkpoint, 100).weights_bytes, checkpoint.weights_bytes());
  EXPECT_THROW(memory_needed(checkpoint, ~std::size_t{0}), InvalidArgument);
}

TEST(Checkpoint, OpensARealFolder) {
  const auto path = test_data("lm/tinystories-656k");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lm";
  for (const auto& opened : {path, path / "model.safetensors"}) {
    const Checkpoint checkpoint = Checkpoint::open(opened);
    EXPECT_EQ(checkpoint.gguf(), nullptr);
    ASSERT_NE(checkpoint.config(), nullptr);
    EXPECT_EQ(get_int(*checkpoint.config(), "hidden_size"), 128);
    EXPECT_EQ(get_int(checkpoint.generation_config(), "eos_token_id"), 2);
    EXPECT_EQ(checkpoint.architecture(), "llama");
    EXPECT_NE(checkpoint.find_tensor("model.norm.weight"), nullptr);
    EXPECT_EQ(checkpoint.tokenizer_files().tokenizer_json, path / "tokenizer.json");
    EXPECT_EQ(checkpoint.tokenizer_files().vocab_txt, "");
    EXPECT_EQ(memory_needed(checkpoint, 10).kv_cache_bytes, 10u * 2 * 4 * 16 * 2 * 2);
  }
}

TEST(Checkpoint, OpensARealAdapter) {
  const auto path = test_data("lora/gpt2-kto-hh");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lora";
  const Checkpoint checkpoint = Checkpoint::open(path);
  EXPECT_EQ(get_int(*checkpoint.config(), "r"), 16);
  EXPECT_EQ(checkpoint.architecture(), "");
  EXPECT_EQ(memory_needed(checkpoint, 10).kv_cache_bytes, 0u);
}

TEST(Checkpoint, SaysWhatAFolderLacks) {
  const ScratchFolder folder;
  EXPECT_THAT(problem<NotFound>(folder / "none"), HasSubstr("there is no model"));
  EXPECT_THAT(problem<NotFound>(folder.path()), HasSubstr("no model.safetensors"));
  write_file_atomically(folder / "pytorch_model.bin", "PK");
  EXPECT_THAT(problem<NotFound>(folder.path()), HasSubstr("convert it to safetensors"));
  EXPECT_THAT(problem<Unsupported>(folder / "pytorch_model.bin"), HasSubstr("expected a GGUF file"));
  write_safetensors(folder / "model.safetensors", {});
  write_file_atomically(folder / "config.json", "{\"model_type\": ");
  EXPECT_THAT(problem<CorruptData>(folder.path()), HasSubstr("config.json"));
  write_file_atomically(folder / "config.json", "[]");
  EXPECT_THAT(problem<CorruptData>(folder.path()), HasSubstr("config.json"));
  write_file_atomically(folder / "m.gguf", "nonsense");
  EXPECT_THAT(problem<CorruptData>(folder / "m.gguf"), HasSubstr("not a GGUF file"));
}

TEST(Checkpoint, FindsTheChatTemplate) {
  const ScratchFolder folder;
  write_safetensors(folder / "model.safetensors", {});
  write_file_atomically(folder / "config.json", "{}");
  EXPECT_EQ(Checkpoint::open(folder.path()).chat_template(), std::nullopt);
  write_file_atomically(folder / "tokenizer_config.json", R"({"chat_template": "one"})");
  EXPECT_EQ(Checkpoint::open(folder.path()).chat_template(), "one");
  write_file_atomically(
      folder / "tokenizer_config.json",
      R"({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "two"}]})");
  EXPECT_EQ(Checkpoint::open(folder.path()).chat_template(), "two");
  write_file_atomically(folder / "tokenizer_config.json", R"({"chat_template": [7]})");
  EXPECT_THROW(Checkpoint::open(folder.path()).chat_template(), CorruptData);
  write_file_atomically(folder / "config.json", R"({"model_type": 7})");
  EXPECT_THROW(Checkpoint::open(folder.path()).architecture(), CorruptData);
  write_file_atomically(folder / "chat_template.jinja", "three");
  EXPECT_EQ(Checkpoint::open(folder.path()).chat_template(), "three");
  {
    GgufWriter writer(folder / "m.gguf");
    writer.text("tokenizer.chat_template", "four");
    writer.finish();
  }
  EXPECT_EQ(Checkpoint::open(folder / "m.gguf").chat_template(), "four");
}

}  // namespace
}  // namespace quintet
