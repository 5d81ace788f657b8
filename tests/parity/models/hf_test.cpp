// The random models written a second time, as Hugging Face has them: the same hidden states and logits must
// come out. Names, layouts and configurations are those of the transformers library, written down here
// independently of src/.
#include <cstring>
#include <fstream>
#include <regex>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/json.h"
#include "core/text.h"
#include "formats/safetensors.h"
#include "models/encoder.h"
#include "models/export_gguf.h"
#include "models/hf_source.h"
#include "random_models.h"

namespace quintet::parity {
namespace {

namespace fs = std::filesystem;

/// Which GGUF name, by a regular expression, is called what, and how it is stored.
enum class Layout { same, minus_one, transposed, heads_woven, halves };
struct Rule {
  const char* gguf;
  const char* hf;
  Layout layout = Layout::same;
};

struct HfCase {
  std::string name;    // of the ParityCase
  std::string config;  // config.json
  std::vector<Rule> rules;
  std::size_t n_heads = 6, n_kv_heads = 2;
  float tolerance = 0.0f;  // above 0 where numbers are stored differently
};

std::vector<float> values_of(const Tensor& tensor) {
  const auto values = tensor.f32();
  return {values.begin(), values.end()};
}

/// GGUF's pairs (2i, 2i + 1) of each head back to halves (i, i + dim / 2).
std::vector<float> to_halves(const std::vector<float>& rows, std::size_t n_heads, std::size_t n_cols) {
  std::vector<float> out(rows.size());
  const std::size_t head_dim = rows.size() / n_cols / n_heads;
  for (std::size_t h = 0; h < n_heads; ++h)
    for (std::size_t i = 0; i < head_dim; ++i) {
      const std::size_t to = i % 2 == 0 ? i / 2 : head_dim / 2 + i / 2;
      std::copy_n(rows.data() + (h * head_dim + i) * n_cols, n_cols,
                  out.data() + (h * head_dim + to) * n_cols);
    }
  return out;
}

NamedTensor stored(const HfCase& hf, const Rule& rule, const std::string& name, const Tensor& tensor,
                   bool is_key) {
  std::vector<float> values = values_of(tensor);
  Shape shape = tensor.shape();
  const std::size_t n_cols = shape.rank() == 2 ? shape[1] : 1;
  switch (rule.layout) {
    case Layout::same: break;
    case Layout::minus_one:
      for (float& value : values) value -= 1.0f;
      break;
    case Layout::transposed:
      if (shape.rank() == 2) {
        std::vector<float> out(values.size());
        for (std::size_t r = 0; r < shape[0]; ++r)
          for (std::size_t c = 0; c < shape[1]; ++c) out[c * shape[0] + r] = values[r * shape[1] + c];
        values = out;
        shape = Shape{shape[1], shape[0]};
      }
      break;
    case Layout::heads_woven: {
      std::vector<float> out;
      const std::size_t rows = shape[0] / 3 / hf.n_heads;  // of a head
      for (std::size_t h = 0; h < hf.n_heads; ++h)
        for (std::size_t part = 0; part < 3; ++part) {
          const auto from =
              values.begin() + static_cast<std::ptrdiff_t>((part * hf.n_heads + h) * rows * n_cols);
          out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(rows * n_cols));
        }
      values = out;
      break;
    }
    case Layout::halves: values = to_halves(values, is_key ? hf.n_kv_heads : hf.n_heads, n_cols); break;
  }
  return {name, Tensor::from(values, shape)};
}

/// Bytes as they are: as many pieces as the models have rows.
void write_tokenizer(const fs::path& folder) {
  JsonObject vocab;
  for (std::size_t id = 0; id < kVocabSize; ++id) vocab[std::string(1, static_cast<char>('!' + id))] = id;
  std::ofstream(folder / "tokenizer.json") << to_json(JsonObject{
      {"added_tokens", JsonArray{}},
      {"pre_tokenizer", JsonObject{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"decoder", JsonObject{{"type", "ByteLevel"}}},
      {"model", JsonObject{{"type", "BPE"}, {"vocab", vocab}, {"merges", JsonArray{}}}}});
}

void write_folder(const HfCase& hf, const GgufFile& file, const fs::path& folder) {
  fs::create_directories(folder);
  std::ofstream(folder / "config.json") << hf.config;
  std::vector<NamedTensor> tensors;
  for (const TensorInfo& info : file.tensors()) {
    const Tensor tensor = file.tensor(info.name);
    bool is_known = false;
    for (const Rule& rule : hf.rules) {
      std::smatch match;
      if (!std::regex_match(info.name, match, std::regex(rule.gguf))) continue;
      is_known = true;
      const std::string name = match.format(rule.hf);
      if (info.shape.rank() == 3) {  // experts, one by one
        for (std::size_t e = 0; e < info.shape[0]; ++e)
          tensors.push_back({replace_all(name, "EXPERT", std::to_string(e)),
                             tensor.slice(e, e + 1).reshaped(Shape{info.shape[1], info.shape[2]})});
      } else if (!name.empty()) {
        tensors.push_back(stored(hf, rule, name, tensor, info.name.find("attn_k") != std::string::npos));
      }
      break;
    }
    EXPECT_TRUE(is_known) << hf.name << " has no rule for " << info.name;
  }
  write_safetensors(folder / "model.safetensors", tensors);
  write_tokenizer(folder);
}

std::vector<float> run(const ModelSource& source, const ParityCase& parity) {
  Compute compute(1, "ref");
  const auto tokens = parity_tokens();
  const LoadOptions options{.max_seq_len = parity.max_seq_len};
  const auto go = [&](const ModelInfo& info, std::size_t n_out, const auto& forward) {
    KvCache cache(info.kv, DType::f32, 64);
    KvSequence sequence(cache);
    sequence.reserve(tokens.size());
    const BatchSequence whole{&sequence, 0, tokens.size()};
    std::vector<std::uint32_t> wanted;
    for (std::uint32_t i = 0; i < tokens.size(); ++i) wanted.push_back(i);
    std::vector<float> out(tokens.size() * n_out);
    forward(ForwardBatch{tokens, std::span(&whole, 1), wanted},
            MatrixView<float>(out.data(), tokens.size(), n_out));
    return out;
  };
  if (parity.is_encoder) {
    const auto encoder = load_encoder(source, compute, options);
    return go(encoder->info(), encoder->info().dim, [&](const ForwardBatch& batch, MatrixView<float> out) {
      encoder->forward(compute, batch, out);
    });
  }
  const auto model = load_model(source, compute, options);
  return go(model->info(), model->info().vocab_size,
            [&](const ForwardBatch& batch, MatrixView<float> out) { model->forward(compute, batch, out); });
}

const std::string kCommon =
    R"("hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 6,
       "num_key_value_heads": 2, "max_position_embeddings": 512, "vocab_size": 64,)";

const std::vector<Rule> kLlamaRules = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
    {R"(blk\.(\d+)\.attn_norm\.weight)", "model.layers.$1.input_layernorm.weight"},
    {R"(blk\.(\d+)\.attn_(q|k)\.(weight|bias))", "model.layers.$1.self_attn.$2_proj.$3"},
    {R"(blk\.(\d+)\.attn_v\.(weight|bias))", "model.layers.$1.self_attn.v_proj.$2"},
    {R"(blk\.(\d+)\.attn_output\.(weight|bias))", "model.layers.$1.self_attn.o_proj.$2"},
    {R"(blk\.(\d+)\.attn_(q|k)_norm\.weight)", "model.layers.$1.self_attn.$2_norm.weight"},
    {R"(blk\.(\d+)\.ffn_norm\.weight)", "model.layers.$1.post_attention_layernorm.weight"},
    {R"(blk\.(\d+)\.ffn_(gate|up|down)\.weight)", "model.layers.$1.mlp.$2_proj.weight"},
};

std::vector<Rule> with(std::vector<Rule> first, const std::vector<Rule>& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

std::vector<HfCase> hf_cases() {
  const std::vector<Rule> pairs = {
      {R"(blk\.(\d+)\.attn_(q|k)\.(weight|bias))", "model.layers.$1.self_attn.$2_proj.$3", Layout::halves}};
  std::vector<HfCase> cases;
  cases.push_back(
      {"llama",
       cat("{\"model_type\": \"llama\", \"hidden_act\": \"silu\", ", kCommon, R"("rms_norm_eps": 1e-5})"),
       with(pairs, kLlamaRules)});
  cases.push_back({"llama_linear",
                   cat("{\"model_type\": \"llama\", ", kCommon,
                       R"("rms_norm_eps": 1e-5, "rope_scaling": {"type": "linear", "factor": 2.5}})"),
                   with(pairs, kLlamaRules)});
  // The whole attention factor is GGUF's 1.1 times yarn's own 0.1 ln 4 + 1.
  cases.push_back({"llama_yarn",
                   cat("{\"model_type\": \"llama\", ", kCommon,
                       R"("rms_norm_eps": 1e-5, "rope_scaling": {"rope_type": "yarn", "factor": 4.0,
              "attention_factor": 1.2524923797231879, "original_max_position_embeddings": 64}})"),
                   with(pairs, kLlamaRules), 6, 2, 1e-5f});
  cases.push_back(
      {"mixtral",
       cat("{\"model_type\": \"mixtral\", ", kCommon,
           R"("rms_norm_eps": 1e-5, "num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": null})"),
       with(with(pairs,
                 {{R"(blk\.(\d+)\.ffn_gate_inp\.weight)", "model.layers.$1.block_sparse_moe.gate.weight"},
                  {R"(blk\.(\d+)\.ffn_gate_exps\.weight)",
                   "model.layers.$1.block_sparse_moe.experts.EXPERT.w1.weight"},
                  {R"(blk\.(\d+)\.ffn_up_exps\.weight)",
                   "model.layers.$1.block_sparse_moe.experts.EXPERT.w3.weight"},
                  {R"(blk\.(\d+)\.ffn_down_exps\.weight)",
                   "model.layers.$1.block_sparse_moe.experts.EXPERT.w2.weight"}}),
            kLlamaRules)});
  cases.push_back({"qwen2",
                   cat("{\"model_type\": \"qwen2\", ", kCommon,
                       R"("rms_norm_eps": 1e-5, "rope_theta": 1000000.0, "tie_word_embeddings": true,
                          "use_sliding_window": false, "sliding_window": 3})"),
                   kLlamaRules});
  cases.push_back({"qwen3",
                   cat("{\"model_type\": \"qwen3\", ", kCommon, R"("head_dim": 12, "rms_norm_eps": 1e-5,
                       "rope_parameters": {"rope_type": "default", "rope_theta": 10000}})"),
                   kLlamaRules});
  cases.push_back({"qwen3moe",
                   cat("{\"model_type\": \"qwen3_moe\", ", kCommon,
                       R"("head_dim": 12, "rms_norm_eps": 1e-5, "num_experts": 7, "num_experts_per_tok": 3,
              "moe_intermediate_size": 36, "norm_topk_prob": true})"),
                   with({{R"(blk\.(\d+)\.ffn_gate_inp\.weight)", "model.layers.$1.mlp.gate.weight"},
                         {R"(blk\.(\d+)\.ffn_(gate|up|down)_exps\.weight)",
                          "model.layers.$1.mlp.experts.EXPERT.$2_proj.weight"}},
                        kLlamaRules)});
  const std::vector<Rule> sandwich = {
      {R"(output_norm.weight)", "model.norm.weight", Layout::minus_one},
      {R"(blk\.(\d+)\.attn_norm\.weight)", "model.layers.$1.input_layernorm.weight", Layout::minus_one},
      {R"(blk\.(\d+)\.attn_(q|k)_norm\.weight)", "model.layers.$1.self_attn.$2_norm.weight",
       Layout::minus_one},
      {R"(blk\.(\d+)\.post_attention_norm\.weight)", "model.layers.$1.post_attention_layernorm.weight",
       Layout::minus_one},
      {R"(blk\.(\d+)\.ffn_norm\.weight)", "model.layers.$1.pre_feedforward_layernorm.weight",
       Layout::minus_one},
      {R"(blk\.(\d+)\.post_ffw_norm\.weight)", "model.layers.$1.post_feedforward_layernorm.weight",
       Layout::minus_one}};
  const std::string gemma =
      R"("hidden_size": 48, "intermediate_size": 80, "num_attention_heads": 6, "head_dim": 16,
         "max_position_embeddings": 512, "rms_norm_eps": 1e-5,)";
  cases.push_back({"gemma",
                   cat("{\"model_type\": \"gemma\", \"num_hidden_layers\": 2, \"num_key_value_heads\": 1, ",
                       gemma, R"("hidden_act": "gelu"})"),
                   with({{R"(output_norm.weight)", "model.norm.weight", Layout::minus_one},
                         {R"(blk\.(\d+)\.attn_norm\.weight)", "model.layers.$1.input_layernorm.weight",
                          Layout::minus_one},
                         {R"(blk\.(\d+)\.ffn_norm\.weight)",
                          "model.layers.$1.post_attention_layernorm.weight", Layout::minus_one}},
                        kLlamaRules),
                   6, 1, 1e-4f});
  cases.push_back(
      {"gemma2",
       cat("{\"model_type\": \"gemma2\", \"num_hidden_layers\": 3, \"num_key_value_heads\": 2, ", gemma,
           R"("hidden_activation": "gelu_pytorch_tanh", "attn_logit_softcapping": 4.0, "final_logit_softcapping": 6.0,
              "sliding_window": 7, "query_pre_attn_scalar": 16})"),
       with(sandwich, kLlamaRules), 6, 2, 1e-4f});
  // As in a model that sees images too: the text's part of config.json apart, its tensors under a name of
  // their own.
  auto inside = with(sandwich, kLlamaRules);
  static std::vector<std::string> names;
  for (const Rule& rule : inside) names.push_back(cat("language_model.", rule.hf));
  for (std::size_t i = 0; i < inside.size(); ++i) inside[i].hf = names[i].c_str();
  cases.push_back(
      {"gemma3",
       cat("{\"model_type\": \"gemma3\", \"text_config\": {\"num_hidden_layers\": 7, "
           "\"num_key_value_heads\": 2, ",
           gemma,
           R"("hidden_activation": "gelu_pytorch_tanh", "sliding_window": 7, "rope_theta": 1000000,
              "rope_local_base_freq": 10000, "query_pre_attn_scalar": 16,
              "rope_scaling": {"rope_type": "linear", "factor": 8.0}}})"),
       inside, 6, 2, 1e-4f});
  cases.push_back(
      {"phi3",
       cat("{\"model_type\": \"phi3\", ", kCommon, R"("rms_norm_eps": 1e-5, "sliding_window": 2047})"),
       with({{R"(blk\.(\d+)\.attn_qkv\.weight)", "model.layers.$1.self_attn.qkv_proj.weight"},
             {R"(blk\.(\d+)\.ffn_up\.weight)", "model.layers.$1.mlp.gate_up_proj.weight"}},
            kLlamaRules)});
  cases.push_back(
      {"olmo2", cat("{\"model_type\": \"olmo2\", ", kCommon, R"("rms_norm_eps": 1e-5})"),
       with(
           {{R"(blk\.(\d+)\.post_attention_norm\.weight)", "model.layers.$1.post_attention_layernorm.weight"},
            {R"(blk\.(\d+)\.post_ffw_norm\.weight)", "model.layers.$1.post_feedforward_layernorm.weight"}},
           kLlamaRules)});
  cases.push_back(
      {"gpt2",
       R"({"model_type": "gpt2", "n_embd": 48, "n_layer": 2, "n_head": 6, "n_positions": 512, "n_ctx": 512,
           "n_inner": 80, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05})",
       {{"token_embd.weight", "wte.weight"},
        {"position_embd.weight", "wpe.weight"},
        {"output_norm.(weight|bias)", "ln_f.$1"},
        {R"(blk\.(\d+)\.attn_norm\.(weight|bias))", "h.$1.ln_1.$2"},
        {R"(blk\.(\d+)\.attn_qkv\.(weight|bias))", "h.$1.attn.c_attn.$2", Layout::transposed},
        {R"(blk\.(\d+)\.attn_output\.(weight|bias))", "h.$1.attn.c_proj.$2", Layout::transposed},
        {R"(blk\.(\d+)\.ffn_norm\.(weight|bias))", "h.$1.ln_2.$2"},
        {R"(blk\.(\d+)\.ffn_up\.(weight|bias))", "h.$1.mlp.c_fc.$2", Layout::transposed},
        {R"(blk\.(\d+)\.ffn_down\.(weight|bias))", "h.$1.mlp.c_proj.$2", Layout::transposed}}});
  cases.push_back(
      {"gptneox",
       R"({"model_type": "gpt_neox", "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2,
           "num_attention_heads": 4, "max_position_embeddings": 512, "rotary_pct": 0.34, "rotary_emb_base": 10000,
           "use_parallel_residual": true, "hidden_act": "gelu", "layer_norm_eps": 1e-05})",
       {{"token_embd.weight", "gpt_neox.embed_in.weight"},
        {"output_norm.(weight|bias)", "gpt_neox.final_layer_norm.$1"},
        {"output.weight", "embed_out.weight"},
        {R"(blk\.(\d+)\.attn_norm\.(weight|bias))", "gpt_neox.layers.$1.input_layernorm.$2"},
        {R"(blk\.(\d+)\.attn_qkv\.(weight|bias))", "gpt_neox.layers.$1.attention.query_key_value.$2",
         Layout::heads_woven},
        {R"(blk\.(\d+)\.attn_output\.(weight|bias))", "gpt_neox.layers.$1.attention.dense.$2"},
        {R"(blk\.(\d+)\.ffn_norm\.(weight|bias))", "gpt_neox.layers.$1.post_attention_layernorm.$2"},
        {R"(blk\.(\d+)\.ffn_up\.(weight|bias))", "gpt_neox.layers.$1.mlp.dense_h_to_4h.$2"},
        {R"(blk\.(\d+)\.ffn_down\.(weight|bias))", "gpt_neox.layers.$1.mlp.dense_4h_to_h.$2"}},
       4,
       4});
  cases.push_back(
      {"starcoder2",
       cat("{\"model_type\": \"starcoder2\", ", kCommon,
           R"("hidden_act": "gelu_pytorch_tanh", "norm_epsilon": 1e-05, "sliding_window": 4096})"),
       with({{"output_norm.(weight|bias)", "model.norm.$1"},
             {R"(blk\.(\d+)\.attn_norm\.(weight|bias))", "model.layers.$1.input_layernorm.$2"},
             {R"(blk\.(\d+)\.ffn_norm\.(weight|bias))", "model.layers.$1.post_attention_layernorm.$2"},
             {R"(blk\.(\d+)\.ffn_up\.(weight|bias))", "model.layers.$1.mlp.c_fc.$2"},
             {R"(blk\.(\d+)\.ffn_down\.(weight|bias))", "model.layers.$1.mlp.c_proj.$2"}},
            kLlamaRules)});
  cases.push_back(
      {"bert",
       R"({"model_type": "bert", "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2,
           "num_attention_heads": 6, "max_position_embeddings": 512, "hidden_act": "gelu", "layer_norm_eps": 1e-05})",
       {{"token_embd.weight", "embeddings.word_embeddings.weight"},
        {"position_embd.weight", "embeddings.position_embeddings.weight"},
        {"token_types.weight", "embeddings.token_type_embeddings.weight"},
        {"token_embd_norm.weight", "embeddings.LayerNorm.gamma"},
        {"token_embd_norm.bias", "embeddings.LayerNorm.beta"},
        {R"(blk\.(\d+)\.attn_q\.(weight|bias))", "encoder.layer.$1.attention.self.query.$2"},
        {R"(blk\.(\d+)\.attn_k\.(weight|bias))", "encoder.layer.$1.attention.self.key.$2"},
        {R"(blk\.(\d+)\.attn_v\.(weight|bias))", "encoder.layer.$1.attention.self.value.$2"},
        {R"(blk\.(\d+)\.attn_output\.(weight|bias))", "encoder.layer.$1.attention.output.dense.$2"},
        {R"(blk\.(\d+)\.attn_output_norm\.(weight|bias))", "encoder.layer.$1.attention.output.LayerNorm.$2"},
        {R"(blk\.(\d+)\.ffn_up\.(weight|bias))", "encoder.layer.$1.intermediate.dense.$2"},
        {R"(blk\.(\d+)\.ffn_down\.(weight|bias))", "encoder.layer.$1.output.dense.$2"},
        {R"(blk\.(\d+)\.layer_output_norm\.(weight|bias))", "encoder.layer.$1.output.LayerNorm.$2"}},
       6,
       6});
  cases.push_back(
      {"nomic_bert",
       R"({"model_type": "nomic_bert", "n_embd": 48, "n_inner": 80, "n_layer": 2, "n_head": 6, "n_positions": 8192,
           "max_trained_positions": 2048, "activation_function": "swiglu", "layer_norm_epsilon": 1e-05,
           "rotary_emb_base": 1000})",
       {{"token_embd.weight", "embeddings.word_embeddings.weight"},
        {"token_types.weight", "embeddings.token_type_embeddings.weight"},
        {"token_embd_norm.(weight|bias)", "emb_ln.$1"},
        {R"(blk\.(\d+)\.attn_qkv\.weight)", "encoder.layers.$1.attn.Wqkv.weight"},
        {R"(blk\.(\d+)\.attn_output\.weight)", "encoder.layers.$1.attn.out_proj.weight"},
        {R"(blk\.(\d+)\.attn_output_norm\.(weight|bias))", "encoder.layers.$1.norm1.$2"},
        {R"(blk\.(\d+)\.ffn_gate\.weight)", "encoder.layers.$1.mlp.fc12.weight"},
        {R"(blk\.(\d+)\.ffn_up\.weight)", "encoder.layers.$1.mlp.fc11.weight"},
        {R"(blk\.(\d+)\.ffn_down\.weight)", "encoder.layers.$1.mlp.fc2.weight"},
        {R"(blk\.(\d+)\.layer_output_norm\.(weight|bias))", "encoder.layers.$1.norm2.$2"}},
       6,
       6});
  return cases;
}

class HfFolders : public testing::TestWithParam<HfCase> {};

TEST_P(HfFolders, GiveTheSameAsTheGgufFile) {
  const HfCase& hf = GetParam();
  const auto all = parity_cases();
  const auto parity = std::ranges::find(all, hf.name, &ParityCase::name);
  ASSERT_NE(parity, all.end());
  const fs::path folder = fs::temp_directory_path() / cat("qn-hf-", hf.name, "-", ::getpid());
  const fs::path gguf = fs::path(folder) += ".gguf";
  write_model(*parity, gguf);
  write_folder(hf, GgufFile::open(gguf), folder);
  const auto expected = run(*open_model_source(gguf), *parity);
  const auto got = run(*open_model_source(folder), *parity);
  fs::remove_all(folder);
  fs::remove(gguf);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    // Halves and pairs are summed in another order.
    ASSERT_NEAR(got[i], expected[i], std::max(hf.tolerance, 2e-5f)) << hf.name << ", value " << i;
  }
}

/// The setting of the written file against that of the one that the folder was made from.
void expect_same_settings(const GgufFile& got, const GgufFile& expected, const std::string& name) {
  const std::string prefix = cat(expected.architecture(), ".");
  for (const GgufEntry& entry : expected.metadata()) {
    if (!entry.key.starts_with(prefix)) continue;
    if (name == "nomic_bert" && entry.key.ends_with("context_length")) continue;  // another one in the folder
    ASSERT_NE(got.find(entry.key), nullptr) << name << " lacks " << entry.key;
    if (const auto* text = std::get_if<std::string_view>(&entry.value)) {
      EXPECT_EQ(got.text(entry.key), *text) << name;
    } else if (const auto* flag = std::get_if<bool>(&entry.value)) {
      EXPECT_EQ(got.boolean(entry.key), *flag) << name << ", " << entry.key;
    } else {
      EXPECT_NEAR(*got.number(entry.key), *expected.number(entry.key), 1e-6) << name << ", " << entry.key;
    }
  }
}

void expect_same_tensors(const GgufFile& got, const GgufFile& expected, const HfCase& hf) {
  EXPECT_EQ(got.tensors().size(), expected.tensors().size()) << hf.name;
  for (const TensorInfo& info : expected.tensors()) {
    ASSERT_NE(got.find_tensor(info.name), nullptr) << hf.name << " lacks " << info.name;
    const Tensor is = got.tensor(info.name), was = expected.tensor(info.name);
    ASSERT_EQ(is.shape(), was.shape()) << info.name;
    if (std::ranges::equal(is.bytes(), was.bytes())) continue;
    // Only what is 1 more than in the folder may have been rounded on the way.
    ASSERT_GT(hf.tolerance, 0.0f) << hf.name << ": " << info.name << " differs";
    for (std::size_t i = 0; i < is.f32().size(); ++i)
      ASSERT_NEAR(is.f32()[i], was.f32()[i], 1e-6f) << info.name;
  }
}

TEST_P(HfFolders, BecomeTheGgufFileThatTheyWereMadeFrom) {
  const HfCase& hf = GetParam();
  const auto all = parity_cases();
  const auto parity = std::ranges::find(all, hf.name, &ParityCase::name);
  ASSERT_NE(parity, all.end());
  const fs::path folder = fs::temp_directory_path() / cat("qn-hf-export-", hf.name, "-", ::getpid());
  const fs::path gguf = folder / "was.gguf", written = folder / "is.gguf";
  fs::create_directories(folder);
  write_model(*parity, gguf);
  write_folder(hf, GgufFile::open(gguf), folder);
  const QuantizeReport report = quantize_model(folder, written, {.type = "f32"});
  EXPECT_TRUE(report.left_out.empty()) << report.left_out.front();
  const GgufFile was = GgufFile::open(gguf), is = GgufFile::open(written);
  expect_same_settings(is, was, hf.name);
  expect_same_tensors(is, was, hf);
  const auto from_folder = run(*open_model_source(folder), *parity);
  const auto from_file = run(*open_model_source(written), *parity);
  const auto from_original = run(*open_model_source(gguf), *parity);
  fs::remove_all(folder);
  ASSERT_EQ(from_file.size(), from_folder.size());
  if (is.architecture() == "llama") {
    // Pairs, where the folder has halves, are summed in another order: the original file is the measure.
    if (hf.tolerance == 0.0f) EXPECT_EQ(from_file, from_original) << hf.name;
    for (std::size_t i = 0; i < from_file.size(); ++i)
      ASSERT_NEAR(from_file[i], from_folder[i], 2e-5f) << hf.name << ", value " << i;
  } else {
    EXPECT_EQ(from_file, from_folder) << hf.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, HfFolders, testing::ValuesIn(hf_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace quintet::parity
