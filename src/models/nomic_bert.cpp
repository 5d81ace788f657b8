// Nomic Embed (arXiv:2402.01613): BERT with rotations instead of learned positions, a gated MLP, and queries,
// keys and values in one matrix.
#include <algorithm>

#include "models/bert_encoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Encoder> load(WeightLoader& loader) {
  const DecoderSettings settings = read_bert_settings(loader);
  auto parts = load_bert_parts(loader, settings, 0,
                               [&](std::size_t layer) { return load_gated_mlp(loader, layer, settings); });
  parts.ropes.emplace_back(settings.rope);
  return make_bert_encoder(loader, settings, std::move(parts));
}

constexpr std::string_view kModelTypes[] = {"nomic_bert"};
constexpr std::string_view kActivations[] = {"swiglu"};
constexpr HfName kNames[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_types", "embeddings.token_type_embeddings"},
    {"token_embd_norm", "emb_ln"},
    {"blk.{b}.attn_qkv", "encoder.layers.{b}.attn.Wqkv"},
    {"blk.{b}.attn_output", "encoder.layers.{b}.attn.out_proj"},
    {"blk.{b}.attn_output_norm", "encoder.layers.{b}.norm1"},
    {"blk.{b}.ffn_gate", "encoder.layers.{b}.mlp.fc12"},
    {"blk.{b}.ffn_up", "encoder.layers.{b}.mlp.fc11"},
    {"blk.{b}.ffn_down", "encoder.layers.{b}.mlp.fc2"},
    {"blk.{b}.layer_output_norm", "encoder.layers.{b}.norm2"},
};

void read_hf(const JsonObject& config, HfSettings& settings) {
  // Longer texts than it was trained with need rotations that stretch; without them there are none.
  const auto trained = get_int(config, "max_trained_positions"), length = settings.integer("context_length");
  if (trained && length) settings.set("context_length", std::min(*trained, *length));
}

}  // namespace

constinit const EncoderFamily kNomicBert{
    .architecture = "nomic-bert",
    .load = load,
    .hf = {
        .model_types = kModelTypes, .activations = kActivations, .names = kNames, .read_settings = read_hf}};

}  // namespace quintet
