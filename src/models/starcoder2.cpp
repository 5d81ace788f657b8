// StarCoder2 (arXiv:2402.19173): layer norms, biases everywhere, a plain MLP, grouped queries with rotations
// and, in the small ones, a sliding window.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader, NormKind::layer);
  settings.rope.layout = RopeLayout::halves;
  settings.attention.window =
      static_cast<std::size_t>(loader.source().integer("attention.sliding_window").value_or(0));
  return load_decoder(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings,
                               load_plain_mlp(loader, layer, settings, Activation::gelu_tanh));
  });
}

constexpr std::string_view kModelTypes[] = {"starcoder2"};
constexpr std::string_view kActivations[] = {"gelu_pytorch_tanh"};
constexpr HfName kNames[] = {
    {"blk.{b}.ffn_up", "model.layers.{b}.mlp.c_fc"},
    {"blk.{b}.ffn_down", "model.layers.{b}.mlp.c_proj"},
};

}  // namespace

constinit const ModelFamily kStarcoder2{.architecture = "starcoder2",
                                        .load = load,
                                        .hf = {.model_types = kModelTypes,
                                               .activations = kActivations,
                                               .names = kNames,
                                               .shared_names = kLlamaHfNames,
                                               .optional_prefix = "model."}};

}  // namespace quintet
