// GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019): layer norms with
// biases, a plain MLP, learned positions instead of rotations.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Model> load_gpt2(WeightLoader& loader) {
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

}  // namespace quintet
