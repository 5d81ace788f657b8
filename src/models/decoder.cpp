#include "models/decoder.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "ops/rows.h"

namespace quintet {

void Decoder::run_blocks(Compute& compute, const ForwardBatch& batch, MatrixView<float> x) const {
  const Scratch::Scope scope(compute.scratch);
  parts_.input.forward(compute, batch, x);
  const auto rotations = compute.scratch.take<Rotation>(parts_.ropes.size());
  if (!parts_.ropes.empty()) {
    const auto positions = batch_positions(compute, batch);
    for (std::size_t i = 0; i < rotations.size(); ++i)
      rotations[i] = {&parts_.ropes[i], parts_.ropes[i].angles(compute, positions)};
  }
  for (std::size_t layer = 0; layer < parts_.blocks.size(); ++layer)
    parts_.blocks[layer]->forward(compute, batch, layer, rotations, x);
}

void Decoder::forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> logits) const {
  if (logits.rows != batch.wanted_logits.size() || (logits.rows > 0 && logits.cols != info_.vocab_size)) {
    throw InvalidArgument(cat("forward: logits are [", logits.rows, ", ", logits.cols, "], wanted [",
                              batch.wanted_logits.size(), ", ", info_.vocab_size, "]"));
  }
  const Scratch::Scope scope(compute.scratch);
  const auto x = compute.scratch.take_matrix(batch.tokens.size(), info_.dim);
  run_blocks(compute, batch, x);
  if (logits.rows == 0) return;
  const auto last = compute.scratch.take_matrix(logits.rows, info_.dim);
  for (std::size_t i = 0; i < logits.rows; ++i)
    std::ranges::copy(x.row(batch.wanted_logits[i]), last.row(i).begin());
  parts_.output_norm.forward(compute, last, last);
  linear(compute, last, parts_.output.into(logits));
  if (parts_.logit_softcap > 0.0f) softcap(compute, logits, parts_.logit_softcap, logits);
}

void Decoder::hidden_states(Compute& compute, const ForwardBatch& batch, MatrixView<float> out) const {
  if (out.rows != batch.tokens.size() || out.cols != info_.dim) {
    throw InvalidArgument(cat("hidden_states: the result is [", out.rows, ", ", out.cols, "], wanted [",
                              batch.tokens.size(), ", ", info_.dim, "]"));
  }
  run_blocks(compute, batch, out);
  parts_.output_norm.forward(compute, out, out);
}

DecoderParts load_decoder_parts(WeightLoader& loader, const DecoderSettings& settings,
                                const LoadBlock& load_block) {
  DecoderParts parts;
  parts.ropes.emplace_back(settings.rope);
  for (std::size_t layer = 0; layer < settings.n_layers; ++layer) parts.blocks.push_back(load_block(layer));
  parts.output_norm = loader.norm("output_norm", settings.norm, settings.norm_eps, settings.dim);
  if (loader.has("output.weight")) {
    parts.output = loader.linear("output", settings.vocab_size, settings.dim);
    parts.input.tokens = loader.table("token_embd.weight", settings.vocab_size, settings.dim);
  } else {
    parts.output = loader.linear("token_embd", settings.vocab_size, settings.dim);
    parts.input.tokens = parts.output.weight;
  }
  return parts;
}

std::unique_ptr<Decoder> make_decoder(const WeightLoader& loader, const DecoderSettings& settings,
                                      DecoderParts parts) {
  const ModelSource& source = loader.source();
  ModelInfo info{
      .name = source.name(),
      .architecture = std::string(source.architecture()),
      .n_layers = settings.n_layers,
      .dim = settings.dim,
      .vocab_size = settings.vocab_size,
      .max_seq_len = settings.max_seq_len,
      .kv = {settings.n_layers, settings.attention.n_kv_heads, settings.attention.head_dim},
  };
  loader.report(info);
  return std::make_unique<Decoder>(std::move(info), std::move(parts));
}

std::unique_ptr<Decoder> load_decoder(WeightLoader& loader, const DecoderSettings& settings,
                                      const LoadBlock& load_block) {
  DecoderParts parts = load_decoder_parts(loader, settings, load_block);
  return make_decoder(loader, settings, std::move(parts));
}

}  // namespace quintet
