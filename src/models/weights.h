#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "nn/block.h"

/// What families share when they load: weights by GGUF's names, checked against the shapes that their
/// settings imply.
namespace quintet {

/// Loads and packs weights, counting what it loads.
class WeightLoader {
 public:
  WeightLoader(const ModelSource& source, Compute& compute, const LoadOptions& options = {})
      : source_(source), compute_(compute), options_(options) {}

  /// "<name>.weight" [n_out, n_in] and, when there is one, "<name>.bias" [n_out].
  Linear linear(const std::string& name, std::size_t n_out, std::size_t n_in);
  /// Rows [begin, begin + n_out) of a matrix with `n_rows` of them, and of its bias: one of several matrices
  /// that are stored as one.
  Linear linear_rows(const std::string& name, std::size_t n_rows, std::size_t n_in, std::size_t begin,
                     std::size_t n_out);
  /// Number `index` of `n` matrices [n_out, n_in] that are stored as one tensor "<name>.weight" [n, n_out,
  /// n_in].
  Linear linear_of_stack(const std::string& name, std::size_t n, std::size_t index, std::size_t n_out,
                         std::size_t n_in);
  /// "<name>.weight" [dim] and, of a layer norm, "<name>.bias" where there is one.
  Norm norm(const std::string& name, NormKind kind, float eps, std::size_t dim);
  /// A vector as f32. Throws CorruptData when it is absent.
  std::vector<float> vector(const std::string& name, std::size_t n);
  /// Empty when it is absent.
  std::vector<float> optional_vector(const std::string& name, std::size_t n);
  /// A matrix kept as the file has it, for looking rows up.
  Tensor table(const std::string& name, std::size_t n_rows, std::size_t n_cols);
  bool has(const std::string& name) const { return source_.find_tensor(name).has_value(); }

  const ModelSource& source() const noexcept { return source_; }
  const LoadOptions& options() const noexcept { return options_; }
  /// Adds what was loaded to the model's figures.
  void report(ModelInfo& info) const noexcept;

 private:
  Linear pack(const Tensor& weight, const std::string& name);

  const ModelSource& source_;
  Compute& compute_;
  LoadOptions options_;
  std::size_t n_parameters_ = 0;
  std::size_t weight_bytes_ = 0;
};

/// "blk.3.<rest>"
std::string block_name(std::size_t layer, std::string_view rest);

/// Geometry that almost every decoder writes under the same keys.
struct DecoderSettings {
  std::size_t n_layers = 0;
  std::size_t dim = 0;
  std::size_t ffn_dim = 0;
  std::size_t vocab_size = 0;
  std::size_t max_seq_len = 0;
  NormKind norm = NormKind::rms;
  float norm_eps = 1e-5f;
  AttentionConfig attention;
  RopeConfig rope;
};
/// Throws CorruptData for settings that are missing or do not fit together, Unsupported for a way of scaling
/// rotations that isn't known.
DecoderSettings read_decoder_settings(const WeightLoader& loader, NormKind norm = NormKind::rms);

// Parts of block `layer` under the names that GGUF has for them in every family.

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

}  // namespace quintet
