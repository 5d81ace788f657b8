#pragma once

#include <cstddef>
#include <optional>

#include "models/source.h"

namespace quintet {

/// Memory that a model takes while it runs, beside the program itself.
struct MemoryNeeds {
  std::size_t weight_bytes = 0;  // as they lie in memory: matrices packed, vectors as f32, tables as stored
  /// Keys and values of one position in all layers; 0 for an encoder, which keeps none. Nothing when the
  /// settings don't say.
  std::optional<std::size_t> kv_bytes_per_token = {};
  std::size_t max_seq_len = 0;  // that the model was trained for; 0 when the settings don't say

  /// Of `n_tokens` positions, of all sequences together. Sliding windows are not counted on.
  std::size_t kv_bytes(std::size_t n_tokens) const noexcept {
    return n_tokens * kv_bytes_per_token.value_or(0);
  }
};

/// Says so before anything is loaded, out of the names, shapes and types of tensors. Works for families that
/// don't run here too.
MemoryNeeds memory_needs(const ModelSource& source, DType kv_type = DType::f16);

}  // namespace quintet
