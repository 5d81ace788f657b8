#include "llm/retry.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>

#include "core/text.h"

namespace quintet {

using std::chrono::milliseconds;

bool is_retryable_status(int status) noexcept {
  return status == 408 || status == 409 || status == 429 || (status >= 500 && status <= 599);
}

std::optional<milliseconds> parse_retry_after(std::string_view value, TimestampMs now) {
  value = trim(value);
  if (const auto seconds = parse_double(value)) {
    // Beyond a day the exact figure does not matter, and the conversion could overflow.
    if (std::isnan(*seconds) || *seconds < 0) return std::nullopt;
    return milliseconds(static_cast<std::int64_t>(std::min(*seconds, 86'400.0) * 1000));
  }
  if (const auto date = parse_http_date(value)) return milliseconds(std::max<std::int64_t>(0, *date - now));
  return std::nullopt;
}

std::optional<milliseconds> retry_delay(const RetryPolicy& policy, int attempt,
                                        std::optional<milliseconds> retry_after, double uniform) {
  if (attempt >= policy.max_attempts) return std::nullopt;
  if (retry_after && *retry_after > policy.max_retry_after) return std::nullopt;
  const double ceiling =
      std::min(static_cast<double>(policy.max_delay.count()),
               static_cast<double>(policy.base_delay.count()) * std::pow(2.0, attempt - 1));
  const milliseconds jittered(static_cast<std::int64_t>(ceiling * uniform));
  return std::max(jittered, retry_after.value_or(milliseconds(0)));
}

bool wait_unless_stopped(milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace quintet
