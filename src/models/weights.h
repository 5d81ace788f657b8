#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "nn/attention.h"
#include "nn/mlp.h"

/// What families share when they load: weights by GGUF's names, checked against the shapes that their
/// settings imply.
namespace quintet {

/// Loads and packs weights, counting what it loads.
class WeightLoader {
 public:
  WeightLoader(const ModelSource& source, Compute& compute) : source_(source), compute_(compute) {}

  /// "<name>.weight" [n_out, n_in] and, when there is one, "<name>.bias" [n_out].
  Linear linear(const std::string& name, std::size_t n_out, std::size_t n_in);
  /// A vector as f32. Throws CorruptData when it is absent.
  std::vector<float> vector(const std::string& name, std::size_t n);
  /// Empty when it is absent.
  std::vector<float> optional_vector(const std::string& name, std::size_t n);
  /// A matrix kept as the file has it, for looking rows up.
  Tensor table(const std::string& name, std::size_t n_rows, std::size_t n_cols);
  bool has(const std::string& name) const { return source_.find_tensor(name).has_value(); }

  const ModelSource& source() const noexcept { return source_; }
  /// Adds what was loaded to the model's figures.
  void report(ModelInfo& info) const noexcept;

 private:
  const ModelSource& source_;
  Compute& compute_;
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
  float norm_eps = 1e-5f;
  AttentionConfig attention;
  RopeConfig rope;
};
/// Throws CorruptData for settings that are missing or do not fit together.
DecoderSettings read_decoder_settings(const ModelSource& source);

}  // namespace quintet
