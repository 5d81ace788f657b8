#include "serving/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace quintet {
namespace {

RateLimits with_defaults(RateLimits limits) {
  if (limits.burst <= 0) limits.burst = 2 * limits.requests_per_second;
  limits.burst = std::max(1.0, std::floor(limits.burst));
  limits.max_clients = std::max<std::size_t>(1, limits.max_clients);
  return limits;
}

}  // namespace

RateLimiter::RateLimiter(const RateLimits& limits) : limits_(with_defaults(limits)) {}

RateDecision RateLimiter::take(std::string_view client, Clock::time_point now) {
  RateDecision decision;
  if (limits_.requests_per_second <= 0) return decision;
  const std::lock_guard lock(mutex_);
  auto found = index_.find(client);
  if (found == index_.end()) {
    if (buckets_.size() >= limits_.max_clients) {
      index_.erase(buckets_.back().client);
      buckets_.pop_back();
    }
    buckets_.push_front({std::string(client), limits_.burst, now});
    found = index_.emplace(buckets_.front().client, buckets_.begin()).first;
  } else {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
  }
  Bucket& bucket = *found->second;
  const double elapsed = std::max(0.0, std::chrono::duration<double>(now - bucket.updated).count());
  bucket.tokens = std::min(limits_.burst, bucket.tokens + elapsed * limits_.requests_per_second);
  bucket.updated = std::max(bucket.updated, now);
  const auto seconds_for = [&](double tokens) {
    return static_cast<std::int64_t>(std::ceil(std::max(0.0, tokens) / limits_.requests_per_second));
  };
  decision.is_allowed = bucket.tokens >= 1;
  if (decision.is_allowed) {
    bucket.tokens -= 1;
  } else {
    decision.retry_after_seconds = std::max<std::int64_t>(1, seconds_for(1 - bucket.tokens));
  }
  decision.limit = static_cast<std::int64_t>(limits_.burst);
  decision.remaining = static_cast<std::int64_t>(bucket.tokens);
  decision.reset_seconds = seconds_for(limits_.burst - bucket.tokens);
  return decision;
}

std::size_t RateLimiter::n_clients() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

void RateDecision::add_headers(HttpHeaders& headers) const {
  if (limit == 0) return;
  for (const std::string_view prefix : {"", "X-"}) {
    headers.add(std::string(prefix) + "RateLimit-Limit", std::to_string(limit));
    headers.add(std::string(prefix) + "RateLimit-Remaining", std::to_string(remaining));
    headers.add(std::string(prefix) + "RateLimit-Reset", std::to_string(reset_seconds));
  }
  if (!is_allowed) headers.add("Retry-After", std::to_string(retry_after_seconds));
}

}  // namespace quintet
