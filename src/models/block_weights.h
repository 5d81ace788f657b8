#pragma once

#include <memory>

#include "models/decoder_settings.h"
#include "nn/block.h"

/// Parts of block `layer` under the names that GGUF has for them in every family.
namespace quintet {

/// attn_q, attn_k and attn_v, or attn_qkv with the rows of all three; attn_output; attn_q_norm and
/// attn_k_norm where they are, of each head or of all together.
SelfAttention load_attention(WeightLoader& loader, std::size_t layer, const AttentionConfig& config,
                             std::size_t dim);
/// ffn_gate, ffn_up, ffn_down.
GatedMlp load_gated_mlp(WeightLoader& loader, std::size_t layer, const DecoderSettings& settings,
                        Activation activation = Activation::silu);
/// ffn_up with the rows of gate and up, ffn_down.
GatedMlp load_fused_gated_mlp(WeightLoader& loader, std::size_t layer, const DecoderSettings& settings,
                              Activation activation = Activation::silu);
/// ffn_up, ffn_down.
PlainMlp load_plain_mlp(WeightLoader& loader, std::size_t layer, const DecoderSettings& settings,
                        Activation activation);
/// ffn_gate_inp and the experts: stacked in ffn_gate_exps, ffn_up_exps and ffn_down_exps, or each by itself
/// as ffn_gate.<expert> and so on. Their number is expert_count, those used for a token expert_used_count.
MixtureOfExperts load_experts(WeightLoader& loader, std::size_t layer, std::size_t dim,
                              std::size_t expert_ffn_dim);
/// attn_norm, attention, ffn_norm and `mlp`.
std::unique_ptr<PreNormBlock> load_pre_norm_block(WeightLoader& loader, std::size_t layer,
                                                  const DecoderSettings& settings, FeedForward mlp);
/// attn_norm, attention of this configuration, post_attention_norm, ffn_norm, `mlp`, post_ffw_norm.
std::unique_ptr<SandwichBlock> load_sandwich_block(WeightLoader& loader, std::size_t layer,
                                                   const DecoderSettings& settings,
                                                   const AttentionConfig& attention, FeedForward mlp);

}  // namespace quintet
