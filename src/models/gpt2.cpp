// GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019): layer norms with
// biases, a plain MLP, learned positions instead of rotations.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Model> load(WeightLoader& loader) {
  const DecoderSettings settings = read_decoder_settings(loader, NormKind::layer);
  const std::size_t n_positions = loader.source().require_count("context_length");
  DecoderParts parts = load_decoder_parts(loader, settings, [&](std::size_t layer) {
    auto block = load_pre_norm_block(loader, layer, settings,
                                     load_plain_mlp(loader, layer, settings, Activation::gelu_tanh));
    block->attention.rope = std::nullopt;
    return block;
  });
  parts.ropes.clear();
  parts.input.positions = loader.table("position_embd.weight", n_positions, settings.dim);
  return make_decoder(loader, settings, std::move(parts));
}

constexpr std::string_view kModelTypes[] = {"gpt2"};
constexpr std::string_view kActivations[] = {"gelu_new", "gelu_pytorch_tanh"};
constexpr HfName kNames[] = {
    {"token_embd", "transformer.wte"},
    {"position_embd", "transformer.wpe"},
    {"output_norm", "transformer.ln_f"},
    {"output", "lm_head"},
    {"blk.{b}.attn_norm", "transformer.h.{b}.ln_1"},
    {"blk.{b}.attn_qkv", "transformer.h.{b}.attn.c_attn", HfChange::transposed},
    {"blk.{b}.attn_output", "transformer.h.{b}.attn.c_proj", HfChange::transposed},
    {"blk.{b}.ffn_norm", "transformer.h.{b}.ln_2"},
    {"blk.{b}.ffn_up", "transformer.h.{b}.mlp.c_fc", HfChange::transposed},
    {"blk.{b}.ffn_down", "transformer.h.{b}.mlp.c_proj", HfChange::transposed},
};

void read_hf(const JsonObject&, HfSettings& settings) {
  // "n_inner" is null in most configurations: 4 · n_embd.
  if (const auto dim = settings.integer("embedding_length"); dim && !settings.find("feed_forward_length"))
    settings.set("feed_forward_length", 4 * *dim);
}

}  // namespace

constinit const ModelFamily kGpt2{.architecture = "gpt2",
                                  .load = load,
                                  .hf = {.model_types = kModelTypes,
                                         .activations = kActivations,
                                         .names = kNames,
                                         .optional_prefix = "transformer.",
                                         .read_settings = read_hf}};

}  // namespace quintet
