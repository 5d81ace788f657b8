// OLMo 2 (arXiv:2501.00656): norms on the results of attention and MLP instead of before them, and over all
// heads' queries and keys together.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  return load_decoder(loader, settings, [&](std::size_t layer) {
    const auto norm = [&](std::string_view name) {
      return loader.norm(block_name(layer, name), settings.norm, settings.norm_eps, settings.dim);
    };
    auto block = std::make_unique<BranchNormBlock>();
    block->attention = load_attention(loader, layer, settings.attention, settings.dim);
    block->attention_post_norm = norm("post_attention_norm");
    block->mlp = load_gated_mlp(loader, layer, settings);
    block->mlp_post_norm = norm("post_ffw_norm");
    return block;
  });
}

constexpr std::string_view kModelTypes[] = {"olmo2"};
constexpr std::string_view kActivations[] = {"silu"};
constexpr HfName kNames[] = {
    {"blk.{b}.post_attention_norm", "model.layers.{b}.post_attention_layernorm"},
    {"blk.{b}.post_ffw_norm", "model.layers.{b}.post_feedforward_layernorm"},
};

}  // namespace

constinit const ModelFamily kOlmo2{.architecture = "olmo2",
                                   .load = load,
                                   .hf = {.model_types = kModelTypes,
                                          .activations = kActivations,
                                          .names = kNames,
                                          .shared_names = kLlamaHfNames,
                                          .optional_prefix = "model."}};

}  // namespace quintet
