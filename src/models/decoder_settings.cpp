#include "models/decoder_settings.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "tensor/dequantize.h"

namespace quintet {

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
  if (rope.scaling == RopeScaling::yarn)
    rope.attention_factor *= 0.1f * std::log(std::max(1.0f, rope.factor)) + 1.0f;
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

}  // namespace quintet
