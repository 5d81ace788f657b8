// Qwen3 dense models (arXiv:2505.09388): Llama's block with RMSNorm on each head's queries and keys, rotation
// in halves.
#include "models/families.h"
#include "models/pre_norm_decoder.h"

namespace quintet {

std::unique_ptr<Model> load_qwen3(const ModelSource& source, Compute& compute) {
  DecoderSettings settings = read_decoder_settings(source);
  settings.rope.layout = RopeLayout::halves;
  WeightLoader loader(source, compute);
  return PreNormDecoder::load(loader, settings);
}

}  // namespace quintet
