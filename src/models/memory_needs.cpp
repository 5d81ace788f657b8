#include "models/memory_needs.h"

#include <algorithm>

#include "core/error.h"
#include "formats/checkpoint.h"
#include "kernels/packed_matrix.h"
#include "models/encoder.h"

namespace quintet {

namespace {

// Beyond these a setting is no geometry of a model: nothing is computed with it.
constexpr std::int64_t kMost = 1'000'000;

bool is_packed(const TensorInfo& info) {
  return info.shape.rank() >= 2 && kernels::is_matmul_type(info.dtype) &&
         info.shape.back() % dtype_info(info.dtype).block_size == 0;
}

std::size_t packed_bytes(const TensorInfo& info) {
  const std::size_t n_matrices = info.shape.rank() > 2 ? info.shape[0] : 1;
  return n_matrices * kernels::packed_bytes(info.dtype, info.shape.n_rows() / n_matrices, info.shape.back());
}

/// Looked up row by row, and kept as stored.
bool is_table(std::string_view name) {
  return name == "token_embd.weight" || name == "position_embd.weight" || name == "token_types.weight";
}

void count_weights(const ModelSource& source, bool is_encoder, MemoryNeeds& needs) {
  const auto tensors = source.tensors();
  const bool has_output =
      std::ranges::any_of(tensors, [](const TensorInfo& info) { return info.name == "output.weight"; });
  for (const TensorInfo& info : tensors) {
    if (info.shape.rank() == 0 || info.shape.n_elements() == 0) continue;
    // The embedding of a decoder without an output matrix is that too, and packed.
    const bool is_tied = info.name == "token_embd.weight" && !has_output && !is_encoder;
    if (is_table(info.name) && !is_tied) {
      needs.weight_bytes += tensor_bytes(info);
    } else {
      needs.weight_bytes += is_packed(info) ? packed_bytes(info) : info.shape.n_elements() * sizeof(float);
    }
  }
}

std::optional<std::int64_t> positive(std::optional<std::int64_t> value) {
  return value && *value > 0 && *value <= kMost ? value : std::nullopt;
}

/// A setting that some models give for each layer, summed.
std::optional<std::int64_t> over_layers(const ModelSource& source, std::string_view key,
                                        std::int64_t n_layers) {
  try {
    const auto value = positive(source.integer(key));
    return value ? std::optional(*value * n_layers) : std::nullopt;
  } catch (const CorruptData&) {
    // It is a list.
    const auto values = source.integers(key);
    if (!values) return std::nullopt;
    std::int64_t sum = 0;
    for (const std::int64_t value : *values) {
      if (value < 0 || value > kMost) return std::nullopt;
      sum += value;
    }
    return sum;
  }
}

/// Elements of keys and values of one token: Σ over layers of n_kv_heads · (key + value length).
std::optional<std::size_t> kv_elements(const ModelSource& source) {
  const auto n_layers = positive(source.integer("block_count"));
  const auto dim = positive(source.integer("embedding_length"));
  if (!n_layers || !dim) return std::nullopt;
  const auto n_heads = over_layers(source, "attention.head_count", *n_layers);
  if (!n_heads || *n_heads <= 0) return std::nullopt;
  const auto n_kv_heads = over_layers(source, "attention.head_count_kv", *n_layers).value_or(*n_heads);
  const std::int64_t head_dim = *dim * *n_layers / *n_heads;
  const std::int64_t key = positive(source.integer("attention.key_length")).value_or(head_dim);
  const std::int64_t value = positive(source.integer("attention.value_length")).value_or(key);
  return static_cast<std::size_t>(n_kv_heads) * static_cast<std::size_t>(key + value);
}

}  // namespace

MemoryNeeds memory_needs(const ModelSource& source, DType kv_type) {
  const bool is_encoder = std::ranges::any_of(encoder_families(), [&](const EncoderFamily* family) {
    return family->architecture == source.architecture();
  });
  MemoryNeeds needs;
  count_weights(source, is_encoder, needs);
  if (is_encoder) {
    needs.kv_bytes_per_token = 0;
  } else if (const auto elements = kv_elements(source)) {
    const DTypeInfo& info = dtype_info(kv_type);
    needs.kv_bytes_per_token = (*elements + info.block_size - 1) / info.block_size * info.block_bytes;
  }
  if (const auto length = source.integer("context_length"); length && *length > 0)
    needs.max_seq_len = static_cast<std::size_t>(std::min(*length, kMost * 1000));
  return needs;
}

}  // namespace quintet
