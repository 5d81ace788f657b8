#pragma once

#include <filesystem>
#include <map>

#include "models/hf_dialect.h"
#include "tensor/tensor.h"

namespace quintet {

/// What config.json says, under GGUF's names, and tensors that GGUF has and config.json implies:
/// "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight".
struct HfConfig {
  HfSettings settings;
  std::map<std::string, Tensor, std::less<>> tensors;
};

/// Reads the members that families have in common, then the dialect's own. Throws InvalidArgument for members
/// of the wrong type, Unsupported for an activation that the dialect doesn't have or a way of scaling
/// rotations that isn't known.
HfConfig read_hf_config(const JsonObject& config, const HfDialect& dialect);

/// "pooling_type" from 1_Pooling/config.json, where sentence-transformers keep it, in GGUF's numbers; nothing
/// when the folder has none.
std::optional<std::int64_t> read_hf_pooling(const std::filesystem::path& folder);

}  // namespace quintet
