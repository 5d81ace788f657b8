#include "inference/inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "formats/gguf_writer.h"
#include "formats/safetensors.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

using testing::HasSubstr;

std::filesystem::path tinystories() {
  return test_data("lm/tinystories-656k");
}

TEST(Inspection, TellsOfAGgufFileWhatItHolds) {
  if (stories260k().empty()) GTEST_SKIP() << kNoTestData;
  const ModelInspection model = inspect_model(stories260k());
  EXPECT_EQ(model.format, "gguf");
  EXPECT_EQ(model.version, 1u);
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(model.unsupported, "");
  EXPECT_EQ(model.tensors.size(), 48u);
  ASSERT_EQ(model.types.size(), 1u);
  EXPECT_EQ(model.types[0].type, "f32");
  EXPECT_EQ(model.types[0].n_bytes, model.n_bytes);
  EXPECT_EQ(model.metadata.at("llama.block_count").to_number<int>(), 5);
  ASSERT_TRUE(model.tokenizer);
  EXPECT_EQ(model.tokenizer->kind, "sentencepiece_bpe");
  EXPECT_EQ(model.tokenizer->vocab_size, 512u);
  EXPECT_FALSE(model.chat_template);
  ASSERT_TRUE(model.memory);
  // 5 layers, 4 heads of 8, keys and values of 2 bytes
  EXPECT_EQ(model.memory->kv_bytes_per_token, 5u * 4 * 8 * 2 * 2);
  EXPECT_EQ(model.memory->max_seq_len, 512u);
}

TEST(Inspection, TellsTheSameOfAFolder) {
  if (tinystories().empty()) GTEST_SKIP() << kNoTestData;
  for (const auto& path : {tinystories(), tinystories() / "", tinystories() / "model.safetensors"}) {
    const ModelInspection model = inspect_model(path);
    EXPECT_EQ(model.format, "safetensors");
    EXPECT_EQ(model.architecture, "llama");
    EXPECT_EQ(model.metadata.at("hidden_size").to_number<int>(), 128);
    EXPECT_EQ(model.tensors.size(), 20u);
    ASSERT_TRUE(model.tokenizer);
    EXPECT_EQ(model.tokenizer->special.at(0).text, "<|start_story|>");
    ASSERT_TRUE(model.memory);
    EXPECT_EQ(model.memory->kv_bytes(1000), 1000u * 2 * 4 * 16 * 2 * 2);
    const JsonObject json = inspection_json(model);
    EXPECT_EQ(json.at("memory").as_object().at("kv_bytes_at_context").to_number<int>(), 512 * 512);
    EXPECT_EQ(json.at("tokenizer").as_object().at("vocab_size").to_number<int>(), 2048);
    EXPECT_TRUE(json.at("chat_template").is_null());
  }
}

class SmallFolder : public testing::Test {
 protected:
  SmallFolder() {
    const NamedTensor tensors[] = {{"model.norm.weight", Tensor::zeros(DType::f32, Shape{4})}};
    write_safetensors(folder_ / "model.safetensors", tensors);
    write_file_atomically(folder_ / "config.json", R"({"model_type": "llama", "num_hidden_layers": 3})");
  }
  ScratchFolder folder_;
};

TEST_F(SmallFolder, ShowsTheChatTemplateAndWhatItCanDo) {
  write_file_atomically(folder_ / "tokenizer.json",
                        R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})");
  write_file_atomically(folder_ / "chat_template.jinja",
                        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}");
  const ModelInspection model = inspect_model(folder_.path());
  ASSERT_TRUE(model.chat_template);
  ASSERT_TRUE(model.chat_template->capabilities);
  EXPECT_TRUE(model.chat_template->capabilities->system);
  EXPECT_FALSE(model.chat_template->capabilities->tools);
  write_file_atomically(folder_ / "chat_template.jinja", "{% for m in %}");
  const ModelInspection broken = inspect_model(folder_.path());
  EXPECT_FALSE(broken.chat_template->capabilities);
  EXPECT_NE(broken.chat_template->problem, "");
}

TEST_F(SmallFolder, TellsWhatItCanOfWhatDoesNotRunHere) {
  const ModelInspection bare = inspect_model(folder_.path());
  EXPECT_FALSE(bare.tokenizer);
  EXPECT_EQ(bare.tokenizer_problem, "");
  EXPECT_FALSE(bare.memory->kv_bytes_per_token);
  EXPECT_EQ(bare.name, folder_.path().filename().string());
  write_file_atomically(folder_ / "tokenizer.json", "{");
  write_file_atomically(folder_ / "config.json", R"({"model_type": "mamba", "hidden_size": 8})");
  const ModelInspection model = inspect_model(folder_.path());
  EXPECT_THAT(model.unsupported, HasSubstr("\"mamba\" is not known; those that work are llama"));
  EXPECT_THAT(model.tokenizer_problem, HasSubstr("tokenizer.json"));
  EXPECT_FALSE(model.memory);
  EXPECT_EQ(model.n_bytes, 16u);
  EXPECT_EQ(model.name, folder_.path().filename().string());
  EXPECT_FALSE(inspection_json(model).at("supported").as_bool());
  write_file_atomically(folder_ / "model.safetensors.index.json",
                        R"({"weight_map": {"a": "model-00001-of-00002.safetensors"}})");
  EXPECT_THROW(inspect_model(folder_.path()), NotFound);
}

TEST(Inspection, CountsTheLayersOfUnknownFamiliesOneByOne) {
  const ScratchFolder folder;
  {
    GgufWriter writer(folder / "m.gguf");
    writer.text("general.architecture", "jamba");
    writer.u32("jamba.block_count", 3);
    writer.u32("jamba.embedding_length", 64);
    writer.u32("jamba.attention.head_count", 4);
    const std::int32_t kv_heads[] = {0, 2, 0};
    writer.i32s("jamba.attention.head_count_kv", kv_heads);
    writer.add_tensor("token_embd.weight", DType::f32, Shape{8, 64});
    const std::vector<float> values(512);
    writer.write_tensor("token_embd.weight", std::as_bytes(std::span(values)));
    writer.finish();
  }
  const ModelInspection model = inspect_model(folder / "m.gguf");
  EXPECT_THAT(model.unsupported, HasSubstr("\"jamba\" is not known"));
  ASSERT_TRUE(model.memory);
  EXPECT_EQ(model.memory->kv_bytes_per_token, 2u * 2 * 16 * 2);
}

TEST(Inspection, TakesSplitFilesTogether) {
  const ScratchFolder folder;
  for (std::uint16_t part = 0; part < 2; ++part) {
    GgufWriter writer(folder.path() / ("m-0000" + std::to_string(part + 1) + "-of-00002.gguf"));
    writer.text("general.architecture", "llama");
    writer.u16("split.no", part);
    writer.u16("split.count", 2);
    writer.i32("split.tensors.count", 2);
    const std::string name = part == 0 ? "token_embd.weight" : "output_norm.weight";
    writer.add_tensor(name, DType::f32, Shape{8});
    const std::vector<float> values(8);
    writer.write_tensor(name, std::as_bytes(std::span(values)));
    writer.finish();
  }
  const ModelInspection model = inspect_model(folder / "m-00001-of-00002.gguf");
  EXPECT_EQ(model.files.size(), 2u);
  EXPECT_EQ(model.n_parameters, 16u);
  EXPECT_EQ(inspection_json(model).at("files").as_array().size(), 2u);
}

}  // namespace
}  // namespace quintet
