// BERT (arXiv:1810.04805) and the sentence encoders made of it: MiniLM, BGE, E5, GTE.
#include "models/bert_encoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Encoder> load_bert(WeightLoader& loader) {
  const DecoderSettings settings = read_bert_settings(loader);
  const std::size_t n_positions = loader.source().require_count("context_length");
  auto parts = load_bert_parts(loader, settings, std::nullopt, [&](std::size_t layer) {
    return load_plain_mlp(loader, layer, settings, Activation::gelu_erf);
  });
  parts.input.positions = loader.table("position_embd.weight", n_positions, settings.dim);
  return make_bert_encoder(loader, settings, std::move(parts));
}

}  // namespace quintet
