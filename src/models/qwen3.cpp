// Qwen3 dense models (arXiv:2505.09388): Llama's block with RMSNorm on each head's queries and keys, rotation
// in halves.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Model> load_qwen3(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader);
  settings.rope.layout = RopeLayout::halves;
  return load_decoder(loader, settings, [&](std::size_t layer) {
    return load_pre_norm_block(loader, layer, settings, load_gated_mlp(loader, layer, settings));
  });
}

}  // namespace quintet
