#include "models/block_weights.h"

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

/// A norm of queries or keys: of each head, or of all of them together.
std::vector<float> load_head_norm(WeightLoader& loader, const std::string& name, std::size_t head_dim,
                                  std::size_t n_heads) {
  const auto tensor = loader.source().find_tensor(name);
  if (!tensor) return {};
  return loader.vector(name, tensor->shape().n_elements() == head_dim ? head_dim : head_dim * n_heads);
}

}  // namespace

SelfAttention load_attention(WeightLoader& loader, std::size_t layer, const AttentionConfig& config,
                             std::size_t dim) {
  const std::size_t q_dim = config.n_heads * config.head_dim, kv_dim = config.n_kv_heads * config.head_dim;
  SelfAttention attention;
  attention.config = config;
  if (const auto fused = block_name(layer, "attn_qkv"); loader.has(fused + ".weight")) {
    const std::size_t n_rows = q_dim + 2 * kv_dim;
    attention.q = loader.linear_rows(fused, n_rows, dim, 0, q_dim);
    attention.k = loader.linear_rows(fused, n_rows, dim, q_dim, kv_dim);
    attention.v = loader.linear_rows(fused, n_rows, dim, q_dim + kv_dim, kv_dim);
  } else {
    attention.q = loader.linear(block_name(layer, "attn_q"), q_dim, dim);
    attention.k = loader.linear(block_name(layer, "attn_k"), kv_dim, dim);
    attention.v = loader.linear(block_name(layer, "attn_v"), kv_dim, dim);
  }
  attention.o = loader.linear(block_name(layer, "attn_output"), dim, q_dim);
  attention.q_norm =
      load_head_norm(loader, block_name(layer, "attn_q_norm.weight"), config.head_dim, config.n_heads);
  attention.k_norm =
      load_head_norm(loader, block_name(layer, "attn_k_norm.weight"), config.head_dim, config.n_kv_heads);
  return attention;
}

GatedMlp load_gated_mlp(WeightLoader& loader, std::size_t layer, const DecoderSettings& settings,
                        Activation activation) {
  GatedMlp mlp;
  mlp.gate = loader.linear(block_name(layer, "ffn_gate"), settings.ffn_dim, settings.dim);
  mlp.up = loader.linear(block_name(layer, "ffn_up"), settings.ffn_dim, settings.dim);
  mlp.down = loader.linear(block_name(layer, "ffn_down"), settings.dim, settings.ffn_dim);
  mlp.activation = activation;
  return mlp;
}

GatedMlp load_fused_gated_mlp(WeightLoader& loader, std::size_t layer, const DecoderSettings& settings,
                              Activation activation) {
  const std::string name = block_name(layer, "ffn_up");
  const std::size_t ffn_dim = settings.ffn_dim;
  GatedMlp mlp;
  mlp.gate = loader.linear_rows(name, 2 * ffn_dim, settings.dim, 0, ffn_dim);
  mlp.up = loader.linear_rows(name, 2 * ffn_dim, settings.dim, ffn_dim, ffn_dim);
  mlp.down = loader.linear(block_name(layer, "ffn_down"), settings.dim, ffn_dim);
  mlp.activation = activation;
  return mlp;
}

PlainMlp load_plain_mlp(WeightLoader& loader, std::size_t layer, const DecoderSettings& settings,
                        Activation activation) {
  PlainMlp mlp;
  mlp.up = loader.linear(block_name(layer, "ffn_up"), settings.ffn_dim, settings.dim);
  mlp.down = loader.linear(block_name(layer, "ffn_down"), settings.dim, settings.ffn_dim);
  mlp.activation = activation;
  return mlp;
}

MixtureOfExperts load_experts(WeightLoader& loader, std::size_t layer, std::size_t dim,
                              std::size_t expert_ffn_dim) {
  const ModelSource& source = loader.source();
  const std::size_t n = source.require_count("expert_count");
  MixtureOfExperts mixture;
  mixture.n_used = source.require_count("expert_used_count");
  if (mixture.n_used > n)
    throw CorruptData(cat(source.name(), ": ", mixture.n_used, " of ", n, " experts are used"));
  mixture.router = loader.linear(block_name(layer, "ffn_gate_inp"), n, dim);
  mixture.normalises_weights = source.boolean("expert_weights_norm").value_or(true);
  mixture.weight_scale = static_cast<float>(source.number("expert_weights_scale").value_or(0.0));
  if (mixture.weight_scale == 0.0f) mixture.weight_scale = 1.0f;  // how files say "not scaled"
  const bool is_stacked = loader.has(block_name(layer, "ffn_gate_exps.weight"));
  const auto load = [&](std::string_view part, std::size_t expert, std::size_t n_out, std::size_t n_in) {
    return is_stacked ? loader.linear_of_stack(block_name(layer, cat(part, "_exps")), n, expert, n_out, n_in)
                      : loader.linear(block_name(layer, cat(part, ".", expert)), n_out, n_in);
  };
  for (std::size_t e = 0; e < n; ++e) {
    GatedMlp expert;
    expert.gate = load("ffn_gate", e, expert_ffn_dim, dim);
    expert.up = load("ffn_up", e, expert_ffn_dim, dim);
    expert.down = load("ffn_down", e, dim, expert_ffn_dim);
    mixture.experts.push_back(std::move(expert));
  }
  return mixture;
}

std::unique_ptr<PreNormBlock> load_pre_norm_block(WeightLoader& loader, std::size_t layer,
                                                  const DecoderSettings& settings, FeedForward mlp) {
  auto block = std::make_unique<PreNormBlock>();
  const auto norm = [&](std::string_view name) {
    return loader.norm(block_name(layer, name), settings.norm, settings.norm_eps, settings.dim);
  };
  block->attention_norm = norm("attn_norm");
  block->attention = load_attention(loader, layer, settings.attention, settings.dim);
  block->mlp_norm = norm("ffn_norm");
  block->mlp = std::move(mlp);
  return block;
}

std::unique_ptr<SandwichBlock> load_sandwich_block(WeightLoader& loader, std::size_t layer,
                                                   const DecoderSettings& settings,
                                                   const AttentionConfig& attention, FeedForward mlp) {
  auto block = std::make_unique<SandwichBlock>();
  const auto norm = [&](std::string_view name) {
    return loader.norm(block_name(layer, name), settings.norm, settings.norm_eps, settings.dim);
  };
  block->attention_norm = norm("attn_norm");
  block->attention = load_attention(loader, layer, attention, settings.dim);
  block->attention_post_norm = norm("post_attention_norm");
  block->mlp_norm = norm("ffn_norm");
  block->mlp = std::move(mlp);
  block->mlp_post_norm = norm("post_ffw_norm");
  return block;
}

}  // namespace quintet
