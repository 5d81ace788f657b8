// BERT (arXiv:1810.04805) and the sentence encoders made of it: MiniLM, BGE, E5, GTE.
#include "models/bert_encoder.h"
#include "models/families.h"

namespace quintet {

namespace {

std::unique_ptr<Encoder> load(WeightLoader& loader) {
  const DecoderSettings settings = read_bert_settings(loader);
  const std::size_t n_positions = loader.source().require_count("context_length");
  auto parts = load_bert_parts(loader, settings, std::nullopt, [&](std::size_t layer) {
    return load_plain_mlp(loader, layer, settings, Activation::gelu_erf);
  });
  parts.input.positions = loader.table("position_embd.weight", n_positions, settings.dim);
  return make_bert_encoder(loader, settings, std::move(parts));
}

constexpr std::string_view kModelTypes[] = {"bert"};
constexpr std::string_view kActivations[] = {"gelu"};
constexpr HfName kNames[] = {
    {"token_embd", "bert.embeddings.word_embeddings"},
    {"position_embd", "bert.embeddings.position_embeddings"},
    {"token_types", "bert.embeddings.token_type_embeddings"},
    {"token_embd_norm", "bert.embeddings.LayerNorm"},
    {"blk.{b}.attn_q", "bert.encoder.layer.{b}.attention.self.query"},
    {"blk.{b}.attn_k", "bert.encoder.layer.{b}.attention.self.key"},
    {"blk.{b}.attn_v", "bert.encoder.layer.{b}.attention.self.value"},
    {"blk.{b}.attn_output", "bert.encoder.layer.{b}.attention.output.dense"},
    {"blk.{b}.attn_output_norm", "bert.encoder.layer.{b}.attention.output.LayerNorm"},
    {"blk.{b}.ffn_up", "bert.encoder.layer.{b}.intermediate.dense"},
    {"blk.{b}.ffn_down", "bert.encoder.layer.{b}.output.dense"},
    {"blk.{b}.layer_output_norm", "bert.encoder.layer.{b}.output.LayerNorm"},
};

}  // namespace

constinit const EncoderFamily kBert{.architecture = "bert",
                                    .load = load,
                                    .hf = {.model_types = kModelTypes,
                                           .activations = kActivations,
                                           .names = kNames,
                                           .optional_prefix = "bert."}};

}  // namespace quintet
