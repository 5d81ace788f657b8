#include "formats/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "formats/gguf_writer.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

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
}

TEST(Checkpoint, OpensARealFolder) {
  const auto path = test_data("lm/tinystories-656k");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lm";
  for (const auto& opened : {path, path / "model.safetensors"}) {
    const Checkpoint checkpoint = Checkpoint::open(opened);
    EXPECT_EQ(checkpoint.gguf(), nullptr);
    ASSERT_NE(checkpoint.config(), nullptr);
    EXPECT_EQ(get_int(*checkpoint.config(), "hidden_size"), 128);
    EXPECT_EQ(checkpoint.architecture(), "llama");
    EXPECT_NE(checkpoint.find_tensor("model.norm.weight"), nullptr);
    EXPECT_EQ(checkpoint.weight_files(), std::vector{path / "model.safetensors"});
  }
}

TEST(Checkpoint, OpensARealAdapter) {
  const auto path = test_data("lora/gpt2-kto-hh");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lora";
  const Checkpoint checkpoint = Checkpoint::open(path);
  EXPECT_EQ(get_int(*checkpoint.config(), "r"), 16);
  EXPECT_EQ(checkpoint.architecture(), "");
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

TEST(Checkpoint, RefusesAModelTypeThatIsNoText) {
  const ScratchFolder folder;
  write_safetensors(folder / "model.safetensors", {});
  write_file_atomically(folder / "config.json", R"({"model_type": 7})");
  EXPECT_THROW(Checkpoint::open(folder.path()).architecture(), CorruptData);
}

}  // namespace
}  // namespace quintet
