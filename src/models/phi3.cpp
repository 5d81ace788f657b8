// Phi-3, Phi-3.5 and Phi-4 (arXiv:2404.14219): Llama's block with queries, keys and values in one matrix,
// gate and up in another, and LongRoPE for 128k tokens (arXiv:2402.13753).
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Model> load_phi3(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  return load_decoder(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings, load_fused_gated_mlp(loader, layer, settings));
  });
}

}  // namespace quintet
