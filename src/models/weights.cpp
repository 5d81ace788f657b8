#include "models/weights.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "tensor/dequantize.h"

namespace quintet {

Linear WeightLoader::pack(const Tensor& weight, const std::string& name) {
  if (!kernels::is_matmul_type(weight.dtype())) {
    throw Unsupported(cat(source_.name(), ": ", name, ".weight is ", dtype_name(weight.dtype()),
                          ", which matrices can't be"));
  }
  Linear loaded;
  loaded.weight = pack_matrix(compute_, weight);
  release_pages(*weight.storage(), weight.bytes());
  n_parameters_ += weight.shape().n_elements();
  weight_bytes_ += loaded.weight.size_bytes();
  return loaded;
}

Linear WeightLoader::linear(const std::string& name, std::size_t n_out, std::size_t n_in) {
  Linear loaded = pack(source_.require_tensor(name + ".weight", Shape{n_out, n_in}), name);
  loaded.bias = optional_vector(name + ".bias", n_out);
  return loaded;
}

Linear WeightLoader::linear_rows(const std::string& name, std::size_t n_rows, std::size_t n_in,
                                 std::size_t begin, std::size_t n_out) {
  const Tensor whole = source_.require_tensor(name + ".weight", Shape{n_rows, n_in});
  Linear loaded = pack(whole.slice(begin, begin + n_out), name);
  const auto bias = optional_vector(name + ".bias", n_rows);
  if (!bias.empty()) {
    const auto first = bias.begin() + static_cast<std::ptrdiff_t>(begin);
    loaded.bias.assign(first, first + static_cast<std::ptrdiff_t>(n_out));
    n_parameters_ -= n_rows - n_out;
    weight_bytes_ -= (n_rows - n_out) * sizeof(float);
  }
  return loaded;
}

Linear WeightLoader::linear_of_stack(const std::string& name, std::size_t n, std::size_t index,
                                     std::size_t n_out, std::size_t n_in) {
  const Tensor stack = source_.require_tensor(name + ".weight", Shape{n, n_out, n_in});
  return pack(stack.slice(index, index + 1).reshaped(Shape{n_out, n_in}), name);
}

Norm WeightLoader::norm(const std::string& name, NormKind kind, float eps, std::size_t dim) {
  Norm loaded{.kind = kind, .eps = eps, .weight = vector(name + ".weight", dim), .bias = {}};
  if (kind == NormKind::layer) loaded.bias = optional_vector(name + ".bias", dim);
  return loaded;
}

std::vector<float> WeightLoader::vector(const std::string& name, std::size_t n) {
  const Tensor tensor = source_.require_tensor(name, Shape{n});
  std::vector<float> values(n);
  dequantize_row(tensor.dtype(), tensor.bytes().data(), values.data(), n);
  n_parameters_ += n;
  weight_bytes_ += n * sizeof(float);
  return values;
}

std::vector<float> WeightLoader::optional_vector(const std::string& name, std::size_t n) {
  return has(name) ? vector(name, n) : std::vector<float>{};
}

Tensor WeightLoader::table(const std::string& name, std::size_t n_rows, std::size_t n_cols) {
  Tensor tensor = source_.require_tensor(name, Shape{n_rows, n_cols});
  n_parameters_ += n_rows * n_cols;
  weight_bytes_ += tensor.size_bytes();
  return tensor;
}

void WeightLoader::report(ModelInfo& info) const noexcept {
  info.n_parameters = n_parameters_;
  info.weight_bytes = weight_bytes_;
}

std::string block_name(std::size_t layer, std::string_view rest) {
  return cat("blk.", layer, ".", rest);
}

namespace {

std::vector<float> read_frequency_factors(const ModelSource& source, const std::string& name,
                                          std::size_t n_pairs) {
  const auto tensor = source.find_tensor(name);
  if (!tensor) return {};
  if (tensor->shape().n_elements() != n_pairs) {
    throw CorruptData(
        cat(source.name(), ": ", name, " is ", tensor->shape().to_string(), ", expected [", n_pairs, "]"));
  }
  std::vector<float> factors(n_pairs);
  dequantize_row(tensor->dtype(), tensor->bytes().data(), factors.data(), n_pairs);
  for (const float factor : factors)
    if (!(factor > 0.0f)) throw CorruptData(cat(source.name(), ": ", name, " holds ", factor));
  return factors;
}

void read_rope_scaling(const WeightLoader& loader, std::size_t max_seq_len, RopeConfig& rope) {
  const ModelSource& source = loader.source();
  const auto factor = source.number("rope.scaling.factor");
  // Files of before there were several ways name the factor alone.
  const auto old_factor = source.number("rope.scale_linear");
  const std::string scaling =
      source.text("rope.scaling.type").value_or(factor || old_factor ? "linear" : "none");
  rope.factor = static_cast<float>(factor.value_or(old_factor.value_or(1.0)));
  rope.original_seq_len = static_cast<std::size_t>(
      std::max<std::int64_t>(0, source.integer("rope.scaling.original_context_length")
                                    .value_or(static_cast<std::int64_t>(max_seq_len))));
  rope.seq_len = std::max(loader.options().max_seq_len, rope.original_seq_len);
  const auto attention_factor = static_cast<float>(source.number("rope.scaling.attn_factor").value_or(1.0));
  if (scaling == "linear") {
    rope.scaling = RopeScaling::linear;
  } else if (scaling == "dynamic") {
    rope.scaling = RopeScaling::dynamic_ntk;
  } else if (scaling == "yarn") {
    rope.scaling = RopeScaling::yarn;
    rope.yarn_beta_fast =
        static_cast<float>(source.number("rope.scaling.yarn_beta_fast").value_or(rope.yarn_beta_fast));
    rope.yarn_beta_slow =
        static_cast<float>(source.number("rope.scaling.yarn_beta_slow").value_or(rope.yarn_beta_slow));
  } else if (scaling != "none" && scaling != "llama3" && scaling != "longrope") {
    throw Unsupported(cat(source.name(), ": rope scaling \"", scaling,
                          "\"; none, linear, dynamic, yarn, llama3 and longrope work"));
  }
  const bool needs_length =
      rope.scaling == RopeScaling::dynamic_ntk || rope.scaling == RopeScaling::yarn || scaling == "longrope";
  if (needs_length && rope.original_seq_len == 0) {
    throw CorruptData(cat(source.name(), ": rope scaling \"", scaling,
                          "\" needs rope.scaling.original_context_length, which is missing"));
  }
  if (rope.scaling != RopeScaling::none && (!(rope.factor > 0.0f) || !std::isfinite(rope.factor))) {
    throw CorruptData(cat(source.name(), ": rope.scaling.factor is ", rope.factor));
  }
  // The factor in the file comes on top of what yarn computes.
  rope.attention_factor = attention_factor;
  if (rope.scaling == RopeScaling::yarn) rope.attention_factor *= 0.1f * std::log(rope.factor) + 1.0f;
  const bool is_long = rope.seq_len > rope.original_seq_len;
  const std::size_t n_pairs = rope.dim / 2;
  rope.frequency_factors = read_frequency_factors(source, "rope_freqs.weight", n_pairs);
  if (rope.frequency_factors.empty()) {
    rope.frequency_factors = read_frequency_factors(
        source, is_long ? "rope_factors_long.weight" : "rope_factors_short.weight", n_pairs);
  }
}

RopeConfig read_rope(const WeightLoader& loader, std::size_t head_dim, std::size_t max_seq_len) {
  const ModelSource& source = loader.source();
  RopeConfig rope;
  rope.dim = static_cast<std::size_t>(
      source.integer("rope.dimension_count").value_or(static_cast<std::int64_t>(head_dim)));
  rope.theta = static_cast<float>(source.number("rope.freq_base").value_or(10'000.0));
  rope.layout = source.has_rope_pairs() ? RopeLayout::pairs : RopeLayout::halves;
  if (rope.dim == 0 || rope.dim > head_dim || rope.dim % 2 != 0) {
    throw CorruptData(cat(source.name(), ": ", rope.dim, " rotated dimensions in heads of ", head_dim));
  }
  if (!(rope.theta > 0.0f) || !std::isfinite(rope.theta))
    throw CorruptData(cat(source.name(), ": rope.freq_base is ", rope.theta));
  read_rope_scaling(loader, max_seq_len, rope);
  return rope;
}

}  // namespace

DecoderSettings read_decoder_settings(const WeightLoader& loader, NormKind norm) {
  const ModelSource& source = loader.source();
  DecoderSettings settings;
  settings.n_layers = source.require_count("block_count");
  settings.dim = source.require_count("embedding_length");
  settings.ffn_dim = source.require_count("feed_forward_length");
  settings.max_seq_len =
      static_cast<std::size_t>(std::max<std::int64_t>(0, source.integer("context_length").value_or(0)));
  settings.norm = norm;
  settings.norm_eps = static_cast<float>(
      source
          .number(norm == NormKind::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon")
          .value_or(1e-5));
  AttentionConfig& attention = settings.attention;
  attention.n_heads = source.require_count("attention.head_count");
  attention.n_kv_heads = source.integer("attention.head_count_kv")
                             ? source.require_count("attention.head_count_kv")
                             : attention.n_heads;
  if (attention.n_heads % attention.n_kv_heads != 0) {
    throw CorruptData(cat(source.name(), ": ", attention.n_heads, " query heads can't share ",
                          attention.n_kv_heads, " key/value heads"));
  }
  if (source.integer("attention.key_length")) {
    attention.head_dim = source.require_count("attention.key_length");
  } else if (settings.dim % attention.n_heads == 0) {
    attention.head_dim = settings.dim / attention.n_heads;
  } else {
    throw CorruptData(cat(source.name(), ": ", settings.dim, " dimensions can't be shared by ",
                          attention.n_heads, " heads"));
  }
  attention.norm_eps = settings.norm_eps;
  const auto embedding = source.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape().rank() != 2)
    throw CorruptData(cat(source.name(), ": the tensor token_embd.weight is missing or no matrix"));
  settings.vocab_size = embedding->shape()[0];
  settings.rope = read_rope(loader, attention.head_dim, settings.max_seq_len);
  return settings;
}

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

}  // namespace quintet
