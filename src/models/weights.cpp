#include "models/weights.h"

#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "tensor/dequantize.h"

namespace quintet {

Linear WeightLoader::linear(const std::string& name, std::size_t n_out, std::size_t n_in) {
  const Tensor weight = source_.require_tensor(name + ".weight", Shape{n_out, n_in});
  if (!kernels::is_matmul_type(weight.dtype())) {
    throw Unsupported(cat(source_.name(), ": ", name, ".weight is ", dtype_name(weight.dtype()),
                          ", which matrices can't be"));
  }
  Linear loaded;
  loaded.weight = pack_matrix(compute_, weight);
  release_pages(*weight.storage(), weight.bytes());
  loaded.bias = optional_vector(name + ".bias", n_out);
  n_parameters_ += n_out * n_in;
  weight_bytes_ += loaded.weight.size_bytes();
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

RopeConfig read_rope(const ModelSource& source, std::size_t head_dim) {
  RopeConfig rope;
  rope.dim = static_cast<std::size_t>(
      source.integer("rope.dimension_count").value_or(static_cast<std::int64_t>(head_dim)));
  rope.theta = static_cast<float>(source.number("rope.freq_base").value_or(10'000.0));
  if (rope.dim == 0 || rope.dim > head_dim || rope.dim % 2 != 0) {
    throw CorruptData(cat(source.name(), ": ", rope.dim, " rotated dimensions in heads of ", head_dim));
  }
  if (!(rope.theta > 0.0f) || !std::isfinite(rope.theta))
    throw CorruptData(cat(source.name(), ": rope.freq_base is ", rope.theta));
  const std::string scaling = source.text("rope.scaling.type").value_or("none");
  rope.factor = static_cast<float>(source.number("rope.scaling.factor").value_or(1.0));
  if (scaling == "linear") {
    rope.scaling = RopeScaling::linear;
  } else if (scaling == "yarn") {
    rope.scaling = RopeScaling::yarn;
    rope.original_seq_len = source.require_count("rope.scaling.original_context_length");
  } else if (scaling != "none" && scaling != "llama3" && scaling != "longrope") {
    throw Unsupported(
        cat(source.name(), ": rope scaling \"", scaling, "\"; none, linear, yarn and llama3 work"));
  }
  if (rope.scaling != RopeScaling::none && !(rope.factor > 0.0f)) {
    throw CorruptData(cat(source.name(), ": rope.scaling.factor is ", rope.factor));
  }
  if (const auto factors = source.find_tensor("rope_freqs.weight")) {
    if (factors->shape().n_elements() != rope.dim / 2) {
      throw CorruptData(cat(source.name(), ": rope_freqs.weight is ", factors->shape().to_string()));
    }
    rope.frequency_factors.resize(rope.dim / 2);
    dequantize_row(factors->dtype(), factors->bytes().data(), rope.frequency_factors.data(), rope.dim / 2);
  }
  return rope;
}

}  // namespace

DecoderSettings read_decoder_settings(const ModelSource& source) {
  DecoderSettings settings;
  settings.n_layers = source.require_count("block_count");
  settings.dim = source.require_count("embedding_length");
  settings.ffn_dim = source.require_count("feed_forward_length");
  settings.max_seq_len = static_cast<std::size_t>(source.integer("context_length").value_or(0));
  settings.norm_eps = static_cast<float>(source.number("attention.layer_norm_rms_epsilon").value_or(1e-5));
  AttentionConfig& attention = settings.attention;
  attention.n_heads = source.require_count("attention.head_count");
  attention.n_kv_heads = static_cast<std::size_t>(
      source.integer("attention.head_count_kv").value_or(static_cast<std::int64_t>(attention.n_heads)));
  if (attention.n_kv_heads == 0 || attention.n_heads % attention.n_kv_heads != 0) {
    throw CorruptData(cat(source.name(), ": ", attention.n_heads, " query heads can't share ",
                          attention.n_kv_heads, " key/value heads"));
  }
  if (const auto length = source.integer("attention.key_length")) {
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
  settings.rope = read_rope(source, attention.head_dim);
  settings.rope.layout = source.has_rope_pairs() ? RopeLayout::pairs : RopeLayout::halves;
  return settings;
}

}  // namespace quintet
