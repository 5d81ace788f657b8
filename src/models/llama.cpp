// Llama 1 to 3.x, Mistral, SmolLM, TinyLlama (arXiv:2302.13971, arXiv:2307.09288, arXiv:2407.21783). GGUF
// stores queries and keys for rotation in neighbouring pairs; sliding windows come with Mistral 7B v0.1
// (arXiv:2310.06825).
#include "core/error.h"
#include "core/text.h"
#include "models/families.h"
#include "models/pre_norm_decoder.h"

namespace quintet {

std::unique_ptr<Model> load_llama(const ModelSource& source, Compute& compute) {
  if (source.integer("expert_count").value_or(0) > 0) {
    throw Unsupported(
        cat(source.name(), " is a mixture of experts (Mixtral), which this version does not run"));
  }
  DecoderSettings settings = read_decoder_settings(source);
  settings.attention.window =
      static_cast<std::size_t>(source.integer("attention.sliding_window").value_or(0));
  WeightLoader loader(source, compute);
  return PreNormDecoder::load(loader, settings);
}

}  // namespace quintet
