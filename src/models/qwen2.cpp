// Qwen2 and Qwen2.5 (arXiv:2407.10671): Llama's block with biases on queries, keys and values, rotation in
// halves.
#include "models/families.h"
#include "models/pre_norm_decoder.h"

namespace quintet {

std::unique_ptr<Model> load_qwen2(const ModelSource& source, Compute& compute) {
  DecoderSettings settings = read_decoder_settings(source);
  settings.rope.layout = RopeLayout::halves;
  WeightLoader loader(source, compute);
  return PreNormDecoder::load(loader, settings);
}

}  // namespace quintet
