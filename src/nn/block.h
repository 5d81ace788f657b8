#pragma once

#include <variant>

#include "nn/attention.h"
#include "nn/mixture_of_experts.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace quintet {

using FeedForward = std::variant<GatedMlp, PlainMlp, MixtureOfExperts>;

inline void forward(const FeedForward& layer, Compute& compute, MatrixView<const float> x,
                    MatrixView<float> out) {
  std::visit([&](const auto& l) { l.forward(compute, x, out); }, layer);
}

/// One layer of a transformer: attention and a feed-forward part around a residual stream. The kinds below
/// differ in where norms stand. Immutable once loaded.
class Block {
 public:
  virtual ~Block() = default;

  ///   x  [n_tokens, dim], changed in place
  /// `layer` says where keys and values lie in the cache; `rotations` are the model's for this batch.
  virtual void forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
                       std::span<const Rotation> rotations, MatrixView<float> x) const = 0;
};

/// x += attention(norm(x)); x += mlp(norm(x)): Llama and most others (arXiv:2002.04745).
struct PreNormBlock final : Block {
  Norm attention_norm;
  SelfAttention attention;
  Norm mlp_norm;
  FeedForward mlp;

  void forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
               std::span<const Rotation> rotations, MatrixView<float> x) const override;
};

/// x += attention(norm(x)) + mlp(norm'(x)): GPT-J, GPT-NeoX (arXiv:2204.06745, section 2.1).
struct ParallelBlock final : Block {
  Norm attention_norm;
  SelfAttention attention;
  Norm mlp_norm;
  FeedForward mlp;

  void forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
               std::span<const Rotation> rotations, MatrixView<float> x) const override;
};

/// x += norm'(attention(norm(x))), the same with the mlp: Gemma 2 and 3 (arXiv:2408.00118, section 2).
struct SandwichBlock final : Block {
  Norm attention_norm;
  SelfAttention attention;
  Norm attention_post_norm;
  Norm mlp_norm;
  FeedForward mlp;
  Norm mlp_post_norm;

  void forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
               std::span<const Rotation> rotations, MatrixView<float> x) const override;
};

/// x += norm(attention(x)); x += norm(mlp(x)): OLMo 2 (arXiv:2501.00656, section 3.2).
struct BranchNormBlock final : Block {
  SelfAttention attention;
  Norm attention_post_norm;
  FeedForward mlp;
  Norm mlp_post_norm;

  void forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
               std::span<const Rotation> rotations, MatrixView<float> x) const override;
};

/// x = norm(x + attention(x)); x = norm(x + mlp(x)): the first transformers and BERT (arXiv:1706.03762,
/// section 3.1).
struct PostNormBlock final : Block {
  SelfAttention attention;
  Norm attention_norm;
  FeedForward mlp;
  Norm mlp_norm;

  void forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
               std::span<const Rotation> rotations, MatrixView<float> x) const override;
};

}  // namespace quintet
