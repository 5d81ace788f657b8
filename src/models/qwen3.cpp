// Qwen3 dense models (arXiv:2505.09388): Llama's block with RMSNorm on each head's queries and keys, rotation
// in halves.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  return load_decoder(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings, load_gated_mlp(loader, layer, settings));
  });
}

constexpr std::string_view kModelTypes[] = {"qwen3"};
constexpr std::string_view kActivations[] = {"silu"};

}  // namespace

constinit const ModelFamily kQwen3{.architecture = "qwen3",
                                   .load = load,
                                   .hf = {.model_types = kModelTypes,
                                          .activations = kActivations,
                                          .names = kLlamaHfNames,
                                          .optional_prefix = "model."}};

}  // namespace quintet
