// Conversion of folders: what is refused, and what of the details. That whole models come out right is shown
// for every family in tests/parity/models.
#include "models/export_gguf.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "models/hf_source.h"
#include "tensor/dequantize.h"
#include "tensor/quantize.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor numbers(const Shape& shape, DType type = DType::f32) {
  std::vector<float> values(shape.n_elements());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((i * 37 + 11) % 101) / 64.0f - 0.5f;
  const Tensor tensor = Tensor::from(values, shape);
  return type == DType::f32 ? tensor : quantize(tensor, type);
}

/// A small Llama as a folder: 2 blocks, 64 dimensions, 2 heads for queries, 1 for keys and values, 12 tokens.
class LlamaFolder : public testing::Test {
 protected:
  LlamaFolder() {
    config_ = {{"model_type", "llama"},          {"hidden_size", 64},        {"intermediate_size", 96},
               {"num_hidden_layers", 2},         {"num_attention_heads", 2}, {"num_key_value_heads", 1},
               {"max_position_embeddings", 128}, {"rms_norm_eps", 1e-5},     {"bos_token_id", 0},
               {"eos_token_id", JsonArray{1, 2}}};
    for (const auto& [name, shape] :
         std::initializer_list<std::pair<const char*, Shape>>{{"model.embed_tokens.weight", Shape{12, 64}},
                                                              {"model.norm.weight", Shape{64}},
                                                              {"lm_head.weight", Shape{12, 64}}})
      tensors_.push_back({name, numbers(shape, DType::bf16)});
    for (const std::string block : {"model.layers.0.", "model.layers.1."})
      for (const auto& [name, shape] :
           std::initializer_list<std::pair<const char*, Shape>>{{"input_layernorm", Shape{64}},
                                                                {"post_attention_layernorm", Shape{64}},
                                                                {"self_attn.q_proj", Shape{64, 64}},
                                                                {"self_attn.k_proj", Shape{32, 64}},
                                                                {"self_attn.v_proj", Shape{32, 64}},
                                                                {"self_attn.o_proj", Shape{64, 64}},
                                                                {"mlp.gate_proj", Shape{96, 64}},
                                                                {"mlp.up_proj", Shape{96, 64}},
                                                                {"mlp.down_proj", Shape{64, 96}}})
        tensors_.push_back({cat(block, name, ".weight"), numbers(shape, DType::bf16)});
    write_file_atomically(folder_ / "tokenizer.json", R"({
      "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
      "decoder": {"type": "ByteLevel"}, "added_tokens": [{"id": 9, "content": "<|end|>", "special": true}],
      "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3}, "merges": ["a b"]}})");
  }

  QuantizeReport convert(const std::string& type = "f32", std::stop_token stop = {}) {
    write_file_atomically(folder_ / "config.json", to_json(config_));
    write_safetensors(folder_ / "model.safetensors", tensors_);
    return quantize_model(folder_.path(), out_, {.type = type}, {}, stop);
  }
  std::string refusal() {
    try {
      convert();
      return "no error";
    } catch (const Error& error) {
      EXPECT_FALSE(std::filesystem::exists(out_));
      return error.what();
    }
  }
  void remove(std::string_view name) {
    std::erase_if(tensors_, [&](const NamedTensor& tensor) { return tensor.name == name; });
  }
  std::size_t n_files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(out_folder_.path()), {}));
  }

  ScratchFolder folder_, out_folder_;
  std::filesystem::path out_ = out_folder_ / "out.gguf";
  JsonObject config_;
  std::vector<NamedTensor> tensors_;
};

TEST_F(LlamaFolder, HasMatricesOfTheTypeAndAllElseAsF32) {
  for (const char* type : {"bf16", "q8_0"}) {
    const QuantizeReport report = convert(type);
    const GgufFile file = GgufFile::open(out_);
    const DType expected = *find_dtype(type);
    EXPECT_EQ(file.find_tensor("blk.1.ffn_down.weight")->dtype, expected);
    EXPECT_EQ(file.find_tensor("output.weight")->dtype, expected);
    EXPECT_EQ(file.find_tensor("blk.0.attn_norm.weight")->dtype, DType::f32);
    EXPECT_EQ(file.find_tensor("output_norm.weight")->dtype, DType::f32);
    EXPECT_EQ(report.tensors.size(), file.tensors().size());
    EXPECT_TRUE(report.left_out.empty());
    for (const QuantizedTensor& tensor : report.tensors)
      EXPECT_LT(tensor.relative_rmse, expected == DType::q8_0 ? 0.01 : 1e-9) << tensor.name;
  }
}

TEST_F(LlamaFolder, HasQueriesAndKeysInPairs) {
  convert();
  const Tensor from = dequantize(numbers(Shape{64, 64}, DType::bf16));
  const Tensor to = GgufFile::open(out_).tensor("blk.1.attn_q.weight");
  for (std::size_t head = 0; head < 2; ++head)
    for (std::size_t i = 0; i < 16; ++i)
      for (std::size_t half = 0; half < 2; ++half)
        EXPECT_TRUE(
            std::ranges::equal(to.row(head * 32 + 2 * i + half), from.row(head * 32 + half * 16 + i)));
  const Tensor values = dequantize(numbers(Shape{32, 64}, DType::bf16));
  EXPECT_TRUE(std::ranges::equal(GgufFile::open(out_).tensor("blk.1.attn_v.weight").bytes(), values.bytes()));
}

TEST_F(LlamaFolder, LeavesDimensionsThatAreNotRotatedWhereTheyAre) {
  config_["partial_rotary_factor"] = 0.5;
  convert();
  const Tensor from = dequantize(numbers(Shape{32, 64}, DType::bf16));
  const Tensor to = GgufFile::open(out_).tensor("blk.0.attn_k.weight");
  EXPECT_TRUE(std::ranges::equal(to.row(3), from.row(9)));    // 1 of the second half of 16
  EXPECT_TRUE(std::ranges::equal(to.row(20), from.row(20)));  // beyond them
}

TEST_F(LlamaFolder, HasAPieceForEachRowAndTheTokensThatConfigNames) {
  convert();
  const GgufFile file = GgufFile::open(out_);
  const auto tokens = *file.texts("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens.size(), 12u);
  EXPECT_EQ(tokens[3], "ab");
  EXPECT_EQ(tokens[9], "<|end|>");
  EXPECT_EQ(tokens[11], "[PAD11]");
  EXPECT_EQ(file.integers("tokenizer.ggml.token_type")->at(9), 3);
  EXPECT_EQ(file.integer("tokenizer.ggml.bos_token_id"), 0);
  EXPECT_EQ(file.integer("tokenizer.ggml.eos_token_id"), 1);
  EXPECT_EQ(file.integer("llama.vocab_size"), 12);
  EXPECT_EQ(file.integer("llama.attention.head_count_kv"), 1);
  EXPECT_EQ(file.text("tokenizer.ggml.pre"), "gpt-2");
}

TEST_F(LlamaFolder, SaysLlama3sScalingByDivisorsAlone) {
  config_["rope_scaling"] =
      JsonObject{{"rope_type", "llama3"}, {"factor", 8.0}, {"original_max_position_embeddings", 64}};
  convert();
  const GgufFile file = GgufFile::open(out_);
  EXPECT_EQ(file.tensor("rope_freqs.weight").shape(), Shape{16});
  for (const GgufEntry& entry : file.metadata()) EXPECT_FALSE(entry.key.starts_with("llama.rope.scaling."));
}

TEST_F(LlamaFolder, KeepsDynamicScalingUnderKeysOfItsOwn) {
  config_["rope_scaling"] = JsonObject{{"type", "dynamic"}, {"factor", 2.0}};
  const QuantizeReport report = convert();
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_THAT(report.notes[0], HasSubstr("GGUF has no name for the scaling of rotations \"dynamic\""));
  // llama.cpp ends at a name that it doesn't know.
  const GgufFile file = GgufFile::open(out_);
  for (const GgufEntry& entry : file.metadata()) EXPECT_FALSE(entry.key.starts_with("llama.rope.scaling."));
  EXPECT_EQ(file.text("quintet.rope.scaling.type"), "dynamic");
  const auto from = open_model_source(folder_.path()), to = open_model_source(out_);
  EXPECT_EQ(to->text("rope.scaling.type"), from->text("rope.scaling.type"));
  EXPECT_EQ(to->number("rope.scaling.factor"), from->number("rope.scaling.factor"));
  EXPECT_EQ(to->integer("rope.scaling.original_context_length"),
            from->integer("rope.scaling.original_context_length"));
  config_.erase("rope_scaling");
  EXPECT_TRUE(convert().notes.empty());
  EXPECT_EQ(open_model_source(out_)->text("rope.scaling.type"), std::nullopt);
}

TEST_F(LlamaFolder, NamesWhatItLeavesOut) {
  tensors_.push_back({"vision_tower.patch.weight", numbers(Shape{4})});
  tensors_.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", numbers(Shape{16})});
  tensors_.push_back({"model.layers.2.input_layernorm.weight", numbers(Shape{64})});
  EXPECT_THAT(convert().left_out,
              testing::UnorderedElementsAre("vision_tower.patch.weight",
                                            "model.layers.0.self_attn.rotary_emb.inv_freq",
                                            "blk.2.attn_norm.weight"));
}

TEST_F(LlamaFolder, FindsAnEmbeddingUnderTheNameOfTheOutput) {
  config_["tie_word_embeddings"] = true;
  remove("model.embed_tokens.weight");
  write_file_atomically(folder_ / "config.json", to_json(config_));
  write_safetensors(folder_ / "model.safetensors", tensors_,
                    {{"model.embed_tokens.weight", "lm_head.weight"}});
  const QuantizeReport report = quantize_model(folder_.path(), out_, {.type = "f32"});
  const GgufFile file = GgufFile::open(out_);
  EXPECT_NE(file.find_tensor("token_embd.weight"), nullptr);
  EXPECT_EQ(file.find_tensor("output.weight"), nullptr);
  EXPECT_TRUE(report.left_out.empty());
}

TEST_F(LlamaFolder, NamesATensorThatIsMissing) {
  remove("model.layers.1.mlp.up_proj.weight");
  EXPECT_THAT(refusal(), HasSubstr("the tensor blk.1.ffn_up.weight is missing, other blocks have it"));
  remove("model.norm.weight");
  tensors_.push_back({"model.layers.1.mlp.up_proj.weight", numbers(Shape{96, 64})});
  EXPECT_THAT(refusal(), HasSubstr("the tensor output_norm.weight is missing"));
}

TEST_F(LlamaFolder, RefusesModelsThatItCantConvert) {
  config_["model_type"] = "mamba";
  EXPECT_THAT(refusal(), HasSubstr("\"mamba\" is not known; those that work are llama, mistral"));
  config_["model_type"] = "llama";
  config_["quantization_config"] = JsonObject{{"quant_method", "gptq"}};
  EXPECT_THAT(refusal(), HasSubstr("its weights are quantized (gptq)"));
  config_.erase("quantization_config");
  config_["num_hidden_layers"] = 1'000'000'000'000;
  EXPECT_THAT(refusal(), HasSubstr("blk.2."));
  config_["num_hidden_layers"] = 2;
  tensors_[0].tensor = numbers(Shape{8, 64});
  EXPECT_THAT(refusal(), HasSubstr("the tokenizer has 10 tokens, the embedding 8 rows"));
}

TEST_F(LlamaFolder, RefusesAFolderWithoutATokenizerOrAPartOfTheWeights) {
  std::filesystem::remove(folder_ / "tokenizer.json");
  EXPECT_THAT(refusal(), HasSubstr("has no tokenizer.json, tokenizer.model"));
  write_file_atomically(folder_ / "model.safetensors.index.json",
                        R"({"weight_map": {"model.norm.weight": "model-00002-of-00002.safetensors"}})");
  EXPECT_THAT(refusal(), HasSubstr("model-00002-of-00002.safetensors"));
}

TEST_F(LlamaFolder, LeavesNothingBehindWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(convert("q8_0", stop.get_token()), Cancelled);
  EXPECT_EQ(n_files(), 0u);
}

TEST_F(LlamaFolder, RefusesAFolderToWriteTo) {
  out_ = out_folder_.path();
  EXPECT_THROW(convert(), InvalidArgument);
}

TEST_F(LlamaFolder, QuantizesTheGgufFileThatItWroteFurther) {
  convert("bf16");
  const auto smaller = out_folder_ / "smaller.gguf";
  quantize_model(out_, smaller, {.type = "q8_0"});
  std::string direct = read_file(smaller);
  convert("q8_0");
  EXPECT_EQ(read_file(out_), direct);
}

}  // namespace
}  // namespace quintet
