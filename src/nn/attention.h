#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "nn/batch.h"
#include "nn/linear.h"
#include "nn/rope.h"

namespace quintet {

/// Attention geometry, read once from the checkpoint and never changed.
struct AttentionConfig {
  std::size_t n_heads = 0;     // query heads
  std::size_t n_kv_heads = 0;  // key/value heads; divides n_heads (grouped-query attention, arXiv:2305.13245)
  std::size_t head_dim = 0;
  float scale = 0.0f;      // of the scores; 0 = 1 / sqrt(head_dim)
  float softcap = 0.0f;    // scores become softcap · tanh(score / softcap); 0 = not
  std::size_t window = 0;  // how many positions a query sees, itself included; 0 = all
  float norm_eps = 1e-6f;  // of the norms of queries and keys
  bool is_causal = true;   // else a query sees the whole of its sequence's part of the batch, behind it too
  std::size_t queries_per_kv() const noexcept { return n_heads / n_kv_heads; }
};

/// Self-attention with rotary positions over the key/value cache.
struct SelfAttention {
  AttentionConfig config;
  Linear q, k, v, o;
  // RMSNorm before rotation: [head_dim] of each head (Qwen3), [n_heads · head_dim] of all together (OLMo 2),
  // or empty.
  std::vector<float> q_norm, k_norm;
  std::vector<float> sinks;             // [n_heads] or empty
  std::optional<std::size_t> rope = 0;  // which of the pass's rotations turns queries and keys

  /// out = o(softmax(q kᵀ) v) for the batch's tokens; stores their keys and values in layer `layer` of their
  /// sequences.
  ///   x, out  [n_tokens, dim]
  void forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
               std::span<const Rotation> rotations, MatrixView<const float> x, MatrixView<float> out) const;
};

/// Positions of a batch's tokens in their sequences, in scratch memory of the current scope.
std::span<const std::uint32_t> batch_positions(Compute& compute, const ForwardBatch& batch);

}  // namespace quintet
