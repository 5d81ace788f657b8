#pragma once

#include <vector>

#include "models/weights.h"

namespace quintet {

/// x += attention(norm(x)); x += mlp(norm(x)): the block of Llama (arXiv:2302.13971) that many families
/// share.
struct PreNormBlock {
  std::vector<float> attention_norm;  // [dim]
  SelfAttention attention;
  std::vector<float> mlp_norm;  // [dim]
  GatedMlp mlp;
};

/// Embedding, blocks, norm, output: the way through Llama and its relatives. Families fill it and differ in
/// what they fill in.
class PreNormDecoder final : public Model {
 public:
  PreNormDecoder(const DecoderSettings& settings, Rope rope)
      : norm_eps_(settings.norm_eps), rope_(std::move(rope)) {}

  void forward(Compute& compute, const ForwardBatch& batch, MatrixView<float> logits) const override;

  /// Loads what all have in common; `settings` says the shapes, `rope_layout` how heads are rotated. Biases
  /// and norms of queries and keys come along where the checkpoint has them.
  static std::unique_ptr<PreNormDecoder> load(WeightLoader& loader, const DecoderSettings& settings);

 private:
  float norm_eps_;
  Rope rope_;
  Tensor embedding_;  // [vocab_size, dim], as stored
  std::vector<PreNormBlock> blocks_;
  std::vector<float> output_norm_;  // [dim]
  Linear output_;                   // [vocab_size, dim]
};

}  // namespace quintet
