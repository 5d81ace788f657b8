// Qwen3 mixtures of experts (arXiv:2505.09388): Qwen3's attention, 8 of 128 experts for each token.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Model> load_qwen3moe(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  const std::size_t expert_ffn_dim = loader.source().require_count("expert_feed_forward_length");
  return load_decoder(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings,
                               load_experts(loader, layer, settings.dim, expert_ffn_dim));
  });
}

}  // namespace quintet
