// Llama 1 to 3.x, Mistral, SmolLM, TinyLlama (arXiv:2302.13971, arXiv:2307.09288, arXiv:2407.21783) and, with
// experts, Mixtral (arXiv:2401.04088), which GGUF calls llama too. GGUF stores queries and keys for rotation
// in neighbouring pairs; sliding windows come with Mistral 7B v0.1 (arXiv:2310.06825).
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  const ModelSource& source = loader.source();
  DecoderSettings settings = read_decoder_settings(loader);
  settings.attention.window =
      static_cast<std::size_t>(source.integer("attention.sliding_window").value_or(0));
  const bool has_experts = source.integer("expert_count").value_or(0) > 0;
  return load_decoder(loader, settings, [&](std::size_t layer) {
    FeedForward mlp = has_experts ? FeedForward(load_experts(loader, layer, settings.dim, settings.ffn_dim))
                                  : FeedForward(load_gated_mlp(loader, layer, settings));
    return load_pre_norm_block(loader, layer, settings, std::move(mlp));
  });
}

constexpr std::string_view kModelTypes[] = {"llama", "mistral", "mixtral"};
constexpr std::string_view kActivations[] = {"silu"};
constexpr HfName kNames[] = {
    {"blk.{b}.ffn_gate_inp", "model.layers.{b}.block_sparse_moe.gate"},
    {"blk.{b}.ffn_gate.{e}", "model.layers.{b}.block_sparse_moe.experts.{e}.w1"},
    {"blk.{b}.ffn_up.{e}", "model.layers.{b}.block_sparse_moe.experts.{e}.w3"},
    {"blk.{b}.ffn_down.{e}", "model.layers.{b}.block_sparse_moe.experts.{e}.w2"},
};

}  // namespace

constinit const ModelFamily kLlama{.architecture = "llama",
                                   .load = load,
                                   .hf = {.model_types = kModelTypes,
                                          .activations = kActivations,
                                          .names = kNames,
                                          .shared_names = kLlamaHfNames,
                                          .optional_prefix = "model.",
                                          .gguf_has_rope_pairs = true}};

}  // namespace quintet
