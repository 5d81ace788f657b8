#include "models/bert_encoder.h"

#include "core/error.h"
#include "core/text.h"
#include "ops/rows.h"
#include "tensor/dequantize.h"

namespace quintet {

BertEncoder::BertEncoder(ModelInfo info, Pooling pooling, Parts parts) : parts_(std::move(parts)) {
  info_ = std::move(info);
  pooling_ = pooling;
}

void BertEncoder::forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> hidden) const {
  if (hidden.rows != batch.tokens.size() || hidden.cols != info_.dim) {
    throw InvalidArgument(cat("encode: the result is [", hidden.rows, ", ", hidden.cols, "], wanted [",
                              batch.tokens.size(), ", ", info_.dim, "]"));
  }
  const Scratch::Scope scope(compute.scratch);
  parts_.input.forward(compute, batch, hidden);
  if (!parts_.type.empty()) {
    // The same row for every token.
    const MatrixView<const float> type(parts_.type.data(), hidden.rows, hidden.cols, 0);
    add(compute, hidden, type, hidden);
  }
  parts_.input_norm.forward(compute, hidden, hidden);
  const auto rotations = compute.scratch.take<Rotation>(parts_.ropes.size());
  if (!parts_.ropes.empty()) {
    const auto positions = batch_positions(compute, batch);
    for (std::size_t i = 0; i < rotations.size(); ++i)
      rotations[i] = {&parts_.ropes[i], parts_.ropes[i].angles(compute, positions)};
  }
  // Keys and values are needed no longer than their layer: all of them share the cache's only one.
  for (const auto& block : parts_.blocks) block->forward(compute, batch, 0, rotations, hidden);
}

DecoderSettings read_bert_settings(const WeightLoader& loader) {
  DecoderSettings settings = read_decoder_settings(loader, NormKind::layer);
  settings.rope.layout = RopeLayout::halves;
  settings.attention.is_causal = false;
  return settings;
}

BertEncoder::Parts load_bert_parts(WeightLoader& loader, const DecoderSettings& settings,
                                   std::optional<std::size_t> rope, const LoadMlp& load_mlp) {
  const std::size_t dim = settings.dim;
  BertEncoder::Parts parts;
  parts.input.tokens = loader.table("token_embd.weight", settings.vocab_size, dim);
  if (const auto types = loader.source().find_tensor("token_types.weight")) {
    // Some files have the row of type 0 alone, as a vector.
    const std::size_t n_types = types->shape().n_rows();
    if (types->shape().back() != dim || n_types == 0)
      throw CorruptData(cat(loader.source().name(), ": token_types.weight is ", types->shape().to_string()));
    parts.type.resize(dim);
    dequantize_row(types->dtype(), types->row(0).data(), parts.type.data(), dim);
  }
  parts.input_norm = loader.norm("token_embd_norm", settings.norm, settings.norm_eps, dim);
  for (std::size_t layer = 0; layer < settings.n_layers; ++layer) {
    const auto norm = [&](std::string_view name) {
      return loader.norm(block_name(layer, name), settings.norm, settings.norm_eps, dim);
    };
    auto block = std::make_unique<PostNormBlock>();
    block->attention = load_attention(loader, layer, settings.attention, dim);
    block->attention.rope = rope;
    block->attention_norm = norm("attn_output_norm");
    block->mlp = load_mlp(layer);
    block->mlp_norm = norm("layer_output_norm");
    parts.blocks.push_back(std::move(block));
  }
  return parts;
}

std::unique_ptr<BertEncoder> make_bert_encoder(const WeightLoader& loader, const DecoderSettings& settings,
                                               BertEncoder::Parts parts) {
  const ModelSource& source = loader.source();
  ModelInfo info{
      .name = source.name(),
      .architecture = std::string(source.architecture()),
      .n_layers = settings.n_layers,
      .dim = settings.dim,
      .vocab_size = settings.vocab_size,
      .max_seq_len = settings.max_seq_len,
      .kv = {1, settings.attention.n_kv_heads, settings.attention.head_dim},
  };
  loader.report(info);
  return std::make_unique<BertEncoder>(std::move(info), read_pooling(source), std::move(parts));
}

}  // namespace quintet
