// Phi-3, Phi-3.5 and Phi-4 (arXiv:2404.14219): Llama's block with queries, keys and values in one matrix,
// gate and up in another, and LongRoPE for 128k tokens (arXiv:2402.13753).
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  // As the model was trained, in every layer; llama.cpp reads it and leaves it out.
  settings.attention.window =
      static_cast<std::size_t>(loader.source().integer("attention.sliding_window").value_or(0));
  return load_decoder(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings, load_fused_gated_mlp(loader, layer, settings));
  });
}

constexpr std::string_view kModelTypes[] = {"phi3"};
constexpr std::string_view kActivations[] = {"silu"};
constexpr HfName kNames[] = {
    {"blk.{b}.attn_qkv", "model.layers.{b}.self_attn.qkv_proj"},
    {"blk.{b}.ffn_up", "model.layers.{b}.mlp.gate_up_proj"},
};

}  // namespace

constinit const ModelFamily kPhi3{.architecture = "phi3",
                                  .load = load,
                                  .hf = {.model_types = kModelTypes,
                                         .activations = kActivations,
                                         .names = kNames,
                                         .shared_names = kLlamaHfNames,
                                         .optional_prefix = "model."}};

}  // namespace quintet
