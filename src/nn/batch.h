#pragma once

#include <cstdint>
#include <span>

#include "nn/kv_cache.h"

namespace quintet {

/// Consecutive tokens of a batch that continue one sequence, from position `kv->length()` on.
struct BatchSequence {
  KvSequence* kv = nullptr;  // with pages reserved for the tokens
  std::size_t first_token = 0;
  std::size_t n_tokens = 0;
};

/// Tokens that go through a model together: parts of prompts and next tokens of any number of sequences.
struct ForwardBatch {
  std::span<const std::uint32_t> tokens;
  std::span<const BatchSequence> sequences;      // cover all tokens, in order; no sequence twice
  std::span<const std::uint32_t> wanted_logits;  // indices of tokens, ascending
};

}  // namespace quintet
