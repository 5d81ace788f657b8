// Llama 1 to 3.x, Mistral, SmolLM, TinyLlama (arXiv:2302.13971, arXiv:2307.09288, arXiv:2407.21783) and, with
// experts, Mixtral (arXiv:2401.04088), which GGUF calls llama too. GGUF stores queries and keys for rotation
// in neighbouring pairs; sliding windows come with Mistral 7B v0.1 (arXiv:2310.06825).
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Model> load_llama(WeightLoader& loader) {
  const ModelSource& source = loader.source();
  DecoderSettings settings = read_decoder_settings(loader);
  settings.attention.window =
      static_cast<std::size_t>(source.integer("attention.sliding_window").value_or(0));
  const bool has_experts = source.integer("expert_count").value_or(0) > 0;
  return load_decoder(loader, settings, [&](std::size_t layer) {
    FeedForward mlp = has_experts ? FeedForward(load_experts(loader, layer, settings.dim, settings.ffn_dim))
                                  : FeedForward(load_gated_mlp(loader, layer, settings));
    return load_pre_norm_block(loader, layer, settings, std::move(mlp));
  });
}

}  // namespace quintet
