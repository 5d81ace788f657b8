// Gemma 3, text (arXiv:2503.19786): Gemma 2's block with norms of queries and keys instead of soft caps; five
// layers with a sliding window and rotations of their own, then one that sees everything.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

constexpr std::size_t kLayersOf27b = 62;
enum RopeIndex : std::size_t { kGlobalRope, kLocalRope };

float score_scale(const ModelSource& source, const DecoderSettings& settings) {
  if (const auto scale = source.number("attention.scale")) return static_cast<float>(*scale);
  // GGUF doesn't say that 27B divides by dim / n_heads, which isn't its head_dim: llama.cpp goes by the
  // layers too.
  const std::size_t divisor = settings.n_layers == kLayersOf27b ? settings.dim / settings.attention.n_heads
                                                                : settings.attention.head_dim;
  return 1.0f / std::sqrt(static_cast<float>(divisor));
}

RopeConfig local_rope(const ModelSource& source, const DecoderSettings& settings) {
  const double theta = source.number("rope.freq_base_swa").value_or(10'000.0);
  if (!(theta > 0.0) || !std::isfinite(theta))
    throw CorruptData(cat(source.name(), ": rope.freq_base_swa is ", theta));
  RopeConfig rope;
  rope.dim = settings.rope.dim;
  rope.theta = static_cast<float>(theta);
  return rope;
}

std::unique_ptr<Model> load(WeightLoader& loader) {
  const ModelSource& source = loader.source();
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  settings.attention.scale = score_scale(source, settings);
  const auto window = static_cast<std::size_t>(source.integer("attention.sliding_window").value_or(0));
  const auto period = source.integer("attention.sliding_window_pattern")
                          ? source.require_count("attention.sliding_window_pattern")
                          : 6;
  DecoderParts parts = load_decoder_parts(loader, settings, [&](std::size_t layer) {
    const bool is_local = window > 0 && layer % period < period - 1;
    AttentionConfig attention = settings.attention;
    attention.window = is_local ? window : 0;
    auto block = load_sandwich_block(loader, layer, settings, attention,
                                     load_gated_mlp(loader, layer, settings, Activation::gelu_tanh));
    block->attention.rope = is_local ? kLocalRope : kGlobalRope;
    return block;
  });
  parts.ropes.emplace_back(local_rope(source, settings));
  parts.input.scale = std::sqrt(static_cast<float>(settings.dim));
  parts.logit_softcap = static_cast<float>(source.number("final_logit_softcapping").value_or(0.0));
  return make_decoder(loader, settings, std::move(parts));
}

constexpr std::string_view kModelTypes[] = {"gemma3_text", "gemma3"};
constexpr std::string_view kActivations[] = {"gelu_pytorch_tanh"};
constexpr HfName kNames[] = {
    {"output_norm", "model.norm", HfChange::plus_one},
    {"blk.{b}.attn_norm", "model.layers.{b}.input_layernorm", HfChange::plus_one},
    {"blk.{b}.attn_q_norm", "model.layers.{b}.self_attn.q_norm", HfChange::plus_one},
    {"blk.{b}.attn_k_norm", "model.layers.{b}.self_attn.k_norm", HfChange::plus_one},
    {"blk.{b}.post_attention_norm", "model.layers.{b}.post_attention_layernorm", HfChange::plus_one},
    {"blk.{b}.ffn_norm", "model.layers.{b}.pre_feedforward_layernorm", HfChange::plus_one},
    {"blk.{b}.post_ffw_norm", "model.layers.{b}.post_feedforward_layernorm", HfChange::plus_one},
};

void read_hf(const JsonObject& config, HfSettings& settings) {
  settings.copy_number(config, "final_logit_softcapping", "final_logit_softcapping");
  settings.copy_number(config, "rope_local_base_freq", "rope.freq_base_swa");
  settings.copy_integer(config, "sliding_window_pattern", "attention.sliding_window_pattern");
  if (const auto scalar = get_double(config, "query_pre_attn_scalar"); scalar && *scalar > 0.0)
    settings.set("attention.scale", 1.0 / std::sqrt(*scalar));
  // Newer configurations list every layer: the first that sees everything ends the period.
  const auto layers = get_strings(config, "layer_types");
  if (const auto full = std::ranges::find(layers, "full_attention"); full != layers.end())
    settings.set("attention.sliding_window_pattern", std::int64_t{full - layers.begin() + 1});
}

}  // namespace

constinit const ModelFamily kGemma3{.architecture = "gemma3",
                                    .load = load,
                                    .hf = {.model_types = kModelTypes,
                                           .activations = kActivations,
                                           .names = kNames,
                                           .shared_names = kLlamaHfNames,
                                           .optional_prefix = "model.",
                                           .read_settings = read_hf}};

}  // namespace quintet
