#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>

#include "core/time.h"

namespace quintet {

/// When a failed request is worth sending again, and how long to wait before it.
struct RetryPolicy {
  int max_attempts = 3;                       // the first one included
  std::chrono::milliseconds base_delay{500};  // doubled after each attempt
  std::chrono::milliseconds max_delay{20'000};
  std::chrono::milliseconds max_retry_after{30'000};  // a peer that asks for more is not waited for
};

/// 408, 409, 429 and 5xx: the peer may answer the same request later.
bool is_retryable_status(int status) noexcept;

/// A Retry-After header: seconds or an HTTP date. Nothing when malformed; never negative.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, TimestampMs now);

/// The wait after attempt `attempt` (from 1): exponential with full jitter, `uniform` in [0, 1), so that
/// clients that failed together do not return together. What the peer asked for is a lower bound. Nothing
/// when the peer asks for more than the policy grants, or no attempt is left.
std::optional<std::chrono::milliseconds> retry_delay(const RetryPolicy& policy, int attempt,
                                                     std::optional<std::chrono::milliseconds> retry_after,
                                                     double uniform);

/// Sleeps; false at once when `stop` is or gets requested.
bool wait_unless_stopped(std::chrono::milliseconds time, std::stop_token stop);

}  // namespace quintet
