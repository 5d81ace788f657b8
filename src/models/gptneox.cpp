// GPT-NeoX, Pythia (arXiv:2204.06745): attention and a plain MLP side by side, a quarter of each head
// rotated.
#include "models/decoder.h"
#include "models/families.h"

namespace quintet {

std::unique_ptr<Model> load_gptneox(WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader, NormKind::layer);
  settings.rope.layout = RopeLayout::halves;
  const bool is_parallel = loader.source().boolean("use_parallel_residual").value_or(true);
  return load_decoder(loader, settings, [&](std::size_t layer) -> std::unique_ptr<Block> {
    // By erf, as it was trained, where llama.cpp has the tanh form: they differ by up to 5e-4.
    PlainMlp mlp = load_plain_mlp(loader, layer, settings, Activation::gelu_erf);
    auto sequential = load_pre_norm_block(loader, layer, settings, std::move(mlp));
    if (!is_parallel) return sequential;
    auto block = std::make_unique<ParallelBlock>();
    block->attention_norm = std::move(sequential->attention_norm);
    block->attention = std::move(sequential->attention);
    block->mlp_norm = std::move(sequential->mlp_norm);
    block->mlp = std::move(sequential->mlp);
    return block;
  });
}

}  // namespace quintet
