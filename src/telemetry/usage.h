#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time.h"

namespace quintet {

/// Tokens of one model call. `input_tokens` includes the cached ones.
struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t output_tokens = 0;
};

/// One row of the usage ledger: what a model call used, cost and took.
struct UsageRecord {
  std::string trace_id;
  TimestampMs time = 0;
  std::string app;       // "faq", "docs" …
  std::string provider;  // "openai", "anthropic", "extractive" …
  std::string model;
  std::string key_id;  // the API key that asked; empty on loopback without keys
  Usage usage;
  std::optional<double> cost_usd;  // nothing when the model has no price
  double latency_ms = 0;
  std::optional<double> first_token_ms;
  std::string outcome;  // "ok", "cancelled", "interrupted", or an error code's name
};

}  // namespace quintet
