#include "models/pre_norm_decoder.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "ops/rows.h"

namespace quintet {

void PreNormDecoder::forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> logits) const {
  if (logits.rows != batch.wanted_logits.size() || (logits.rows > 0 && logits.cols != info_.vocab_size)) {
    throw InvalidArgument(cat("forward: logits are [", logits.rows, ", ", logits.cols, "], wanted [",
                              batch.wanted_logits.size(), ", ", info_.vocab_size, "]"));
  }
  const Scratch::Scope scope(compute.scratch);
  const std::size_t n_tokens = batch.tokens.size(), dim = info_.dim;
  const auto x = compute.scratch.take_matrix(n_tokens, dim);
  const auto normed = compute.scratch.take_matrix(n_tokens, dim);
  const auto change = compute.scratch.take_matrix(n_tokens, dim);
  embed(compute, embedding_, batch.tokens, 1.0f, x);
  const RopeAngles angles = rope_.angles(compute, batch_positions(compute, batch));
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const PreNormBlock& block = blocks_[layer];
    rms_norm(compute, x, block.attention_norm, norm_eps_, normed);
    block.attention.forward(compute, batch, layer, &rope_, angles, normed, change);
    add(compute, x, change, x);
    rms_norm(compute, x, block.mlp_norm, norm_eps_, normed);
    block.mlp.forward(compute, normed, change);
    add(compute, x, change, x);
  }
  if (logits.rows == 0) return;
  const auto last = compute.scratch.take_matrix(logits.rows, dim);
  for (std::size_t i = 0; i < logits.rows; ++i)
    std::ranges::copy(x.row(batch.wanted_logits[i]), last.row(i).begin());
  rms_norm(compute, last, output_norm_, norm_eps_, last);
  linear(compute, last, output_.into(logits));
}

std::unique_ptr<PreNormDecoder> PreNormDecoder::load(WeightLoader& loader, const DecoderSettings& settings) {
  auto model = std::make_unique<PreNormDecoder>(settings, Rope(settings.rope));
  const AttentionConfig& attention = settings.attention;
  const std::size_t dim = settings.dim, head_dim = attention.head_dim;
  model->embedding_ = loader.table("token_embd.weight", settings.vocab_size, dim);
  for (std::size_t layer = 0; layer < settings.n_layers; ++layer) {
    const auto name = [layer](std::string_view rest) { return block_name(layer, rest); };
    PreNormBlock block;
    block.attention_norm = loader.vector(name("attn_norm.weight"), dim);
    block.attention.config = attention;
    block.attention.q = loader.linear(name("attn_q"), attention.n_heads * head_dim, dim);
    block.attention.k = loader.linear(name("attn_k"), attention.n_kv_heads * head_dim, dim);
    block.attention.v = loader.linear(name("attn_v"), attention.n_kv_heads * head_dim, dim);
    block.attention.o = loader.linear(name("attn_output"), dim, attention.n_heads * head_dim);
    block.attention.q_norm = loader.optional_vector(name("attn_q_norm.weight"), head_dim);
    block.attention.k_norm = loader.optional_vector(name("attn_k_norm.weight"), head_dim);
    block.mlp_norm = loader.vector(name("ffn_norm.weight"), dim);
    block.mlp.gate = loader.linear(name("ffn_gate"), settings.ffn_dim, dim);
    block.mlp.up = loader.linear(name("ffn_up"), settings.ffn_dim, dim);
    block.mlp.down = loader.linear(name("ffn_down"), dim, settings.ffn_dim);
    model->blocks_.push_back(std::move(block));
  }
  model->output_norm_ = loader.vector("output_norm.weight", dim);
  // Without an output matrix of its own the embedding is read a second time, repacked.
  model->output_ =
      loader.linear(loader.has("output.weight") ? "output" : "token_embd", settings.vocab_size, dim);
  model->info_ = ModelInfo{.name = loader.source().name(),
                           .architecture = std::string(loader.source().architecture()),
                           .n_layers = settings.n_layers,
                           .dim = dim,
                           .vocab_size = settings.vocab_size,
                           .max_seq_len = settings.max_seq_len,
                           .kv = {settings.n_layers, attention.n_kv_heads, head_dim}};
  loader.report(model->info_);
  return model;
}

}  // namespace quintet
