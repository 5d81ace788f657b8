#pragma once

#include "models/weights.h"
#include "nn/attention.h"

namespace quintet {

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

}  // namespace quintet
