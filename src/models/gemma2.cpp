// Gemma 2 (arXiv:2408.00118): norms before and after each part, soft caps on attention scores and logits,
// sliding windows in every other layer.
#include <cmath>

#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

constexpr std::size_t kLayersOf27b = 46;

float score_scale(const ModelSource& source, const DecoderSettings& settings) {
  if (const auto scale = source.number("attention.scale")) return static_cast<float>(*scale);
  // GGUF doesn't say that 27B divides by dim / n_heads, which isn't its head_dim: llama.cpp goes by the
  // layers too.
  const std::size_t divisor = settings.n_layers == kLayersOf27b ? settings.dim / settings.attention.n_heads
                                                                : settings.attention.head_dim;
  return 1.0f / std::sqrt(static_cast<float>(divisor));
}

std::unique_ptr<Model> load(WeightLoader& loader) {
  const ModelSource& source = loader.source();
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  settings.attention.scale = score_scale(source, settings);
  settings.attention.softcap = static_cast<float>(source.number("attn_logit_softcapping").value_or(50.0));
  const auto window = static_cast<std::size_t>(source.integer("attention.sliding_window").value_or(4'096));
  DecoderParts parts = load_decoder_parts(loader, settings, [&](std::size_t layer) {
    AttentionConfig attention = settings.attention;
    attention.window = layer % 2 == 0 ? window : 0;
    return load_sandwich_block(loader, layer, settings, attention,
                               load_gated_mlp(loader, layer, settings, Activation::gelu_tanh));
  });
  parts.input.scale = std::sqrt(static_cast<float>(settings.dim));
  parts.logit_softcap = static_cast<float>(source.number("final_logit_softcapping").value_or(30.0));
  return make_decoder(loader, settings, std::move(parts));
}

constexpr std::string_view kModelTypes[] = {"gemma2"};
constexpr std::string_view kActivations[] = {"gelu_pytorch_tanh"};
constexpr HfName kNames[] = {
    {"output_norm", "model.norm", HfChange::plus_one},
    {"blk.{b}.attn_norm", "model.layers.{b}.input_layernorm", HfChange::plus_one},
    {"blk.{b}.post_attention_norm", "model.layers.{b}.post_attention_layernorm", HfChange::plus_one},
    {"blk.{b}.ffn_norm", "model.layers.{b}.pre_feedforward_layernorm", HfChange::plus_one},
    {"blk.{b}.post_ffw_norm", "model.layers.{b}.post_feedforward_layernorm", HfChange::plus_one},
};

void read_hf(const JsonObject& config, HfSettings& settings) {
  settings.copy_number(config, "attn_logit_softcapping", "attn_logit_softcapping");
  settings.copy_number(config, "final_logit_softcapping", "final_logit_softcapping");
  if (const auto scalar = get_double(config, "query_pre_attn_scalar"); scalar && *scalar > 0.0)
    settings.set("attention.scale", 1.0 / std::sqrt(*scalar));
}

}  // namespace

constinit const ModelFamily kGemma2{.architecture = "gemma2",
                                    .load = load,
                                    .hf = {.model_types = kModelTypes,
                                           .activations = kActivations,
                                           .names = kNames,
                                           .shared_names = kLlamaHfNames,
                                           .optional_prefix = "model.",
                                           .read_settings = read_hf}};

}  // namespace quintet
