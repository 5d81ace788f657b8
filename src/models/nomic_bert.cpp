// Nomic Embed (arXiv:2402.01613): BERT with rotations instead of learned positions, a gated MLP, and queries,
// keys and values in one matrix.
#include "models/bert_encoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Encoder> load_nomic_bert(WeightLoader& loader) {
  const DecoderSettings settings = read_bert_settings(loader);
  auto parts = load_bert_parts(loader, settings, 0,
                               [&](std::size_t layer) { return load_gated_mlp(loader, layer, settings); });
  parts.ropes.emplace_back(settings.rope);
  return make_bert_encoder(loader, settings, std::move(parts));
}

}  // namespace quintet
