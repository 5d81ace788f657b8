// Gemma (arXiv:2403.08295): Llama's block with a GELU gate; embeddings are scaled by sqrt(dim) and tied.
// Checkpoints store norms' weights as offsets from 1; sources give them with the 1 added, as GGUF has them.
#include <cmath>

#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  DecoderParts parts = load_decoder_parts(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings,
                               load_gated_mlp(loader, layer, settings, Activation::gelu_tanh));
  });
  parts.input.scale = std::sqrt(static_cast<float>(settings.dim));
  return make_decoder(loader, settings, std::move(parts));
}

constexpr std::string_view kModelTypes[] = {"gemma"};
constexpr std::string_view kActivations[] = {"gelu_pytorch_tanh", "gelu"};
constexpr HfName kNames[] = {
    {"output_norm", "model.norm", HfChange::plus_one},
    {"blk.{b}.attn_norm", "model.layers.{b}.input_layernorm", HfChange::plus_one},
    {"blk.{b}.ffn_norm", "model.layers.{b}.post_attention_layernorm", HfChange::plus_one},
};

}  // namespace

constinit const ModelFamily kGemma{.architecture = "gemma",
                                   .load = load,
                                   .hf = {.model_types = kModelTypes,
                                          .activations = kActivations,
                                          .names = kNames,
                                          .shared_names = kLlamaHfNames,
                                          .optional_prefix = "model."}};

}  // namespace quintet
