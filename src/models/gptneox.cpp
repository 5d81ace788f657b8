// GPT-NeoX, Pythia (arXiv:2204.06745): attention and a plain MLP side by side, a quarter of each head
// rotated.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader, NormKind::layer);
  settings.rope.layout = RopeLayout::halves;
  const bool is_parallel = loader.source().boolean("use_parallel_residual").value_or(true);
  return load_decoder(loader, settings, [&](std::size_t layer) -> std::unique_ptr<Block> {
    // By erf, as it was trained, where llama.cpp has the tanh form: they differ by up to 5e-4.
    PlainMlp mlp = load_plain_mlp(loader, layer, settings, Activation::gelu_erf);
    auto sequential = load_pre_norm_block(loader, layer, settings, std::move(mlp));
    if (!is_parallel) return sequential;
    auto block = std::make_unique<ParallelBlock>();
    block->attention_norm = std::move(sequential->attention_norm);
    block->attention = std::move(sequential->attention);
    block->mlp_norm = std::move(sequential->mlp_norm);
    block->mlp = std::move(sequential->mlp);
    return block;
  });
}

constexpr std::string_view kModelTypes[] = {"gpt_neox"};
constexpr std::string_view kActivations[] = {"gelu"};
constexpr HfName kNames[] = {
    {"token_embd", "gpt_neox.embed_in"},
    {"output_norm", "gpt_neox.final_layer_norm"},
    {"output", "embed_out"},
    {"blk.{b}.attn_norm", "gpt_neox.layers.{b}.input_layernorm"},
    {"blk.{b}.attn_qkv", "gpt_neox.layers.{b}.attention.query_key_value", HfChange::interleaved_heads},
    {"blk.{b}.attn_output", "gpt_neox.layers.{b}.attention.dense"},
    {"blk.{b}.ffn_norm", "gpt_neox.layers.{b}.post_attention_layernorm"},
    {"blk.{b}.ffn_up", "gpt_neox.layers.{b}.mlp.dense_h_to_4h"},
    {"blk.{b}.ffn_down", "gpt_neox.layers.{b}.mlp.dense_4h_to_h"},
};

void read_hf(const JsonObject& config, HfSettings& settings) {
  settings.set("use_parallel_residual", get_bool(config, "use_parallel_residual").value_or(true));
}

}  // namespace

constinit const ModelFamily kGptNeox{.architecture = "gptneox",
                                     .load = load,
                                     .hf = {.model_types = kModelTypes,
                                            .activations = kActivations,
                                            .names = kNames,
                                            .optional_prefix = "gpt_neox.",
                                            .read_settings = read_hf}};

}  // namespace quintet
