// Qwen3 mixtures of experts (arXiv:2505.09388): Qwen3's attention, 8 of 128 experts for each token.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  const std::size_t expert_ffn_dim = loader.source().require_count("expert_feed_forward_length");
  return load_decoder(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings,
                               load_experts(loader, layer, settings.dim, expert_ffn_dim));
  });
}

constexpr std::string_view kModelTypes[] = {"qwen3_moe"};
constexpr std::string_view kActivations[] = {"silu"};
constexpr HfName kNames[] = {
    {"blk.{b}.ffn_gate_inp", "model.layers.{b}.mlp.gate"},
    {"blk.{b}.ffn_gate.{e}", "model.layers.{b}.mlp.experts.{e}.gate_proj"},
    {"blk.{b}.ffn_up.{e}", "model.layers.{b}.mlp.experts.{e}.up_proj"},
    {"blk.{b}.ffn_down.{e}", "model.layers.{b}.mlp.experts.{e}.down_proj"},
};

void read_hf(const JsonObject& config, HfSettings& settings) {
  settings.copy_integer(config, "moe_intermediate_size", "expert_feed_forward_length");
  settings.set("expert_weights_norm", get_bool(config, "norm_topk_prob").value_or(false));
}

}  // namespace

constinit const ModelFamily kQwen3Moe{.architecture = "qwen3moe",
                                      .load = load,
                                      .hf = {.model_types = kModelTypes,
                                             .activations = kActivations,
                                             .names = kNames,
                                             .shared_names = kLlamaHfNames,
                                             .optional_prefix = "model.",
                                             .read_settings = read_hf}};

}  // namespace quintet
