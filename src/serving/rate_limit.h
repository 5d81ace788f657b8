#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "serving/http.h"

namespace quintet {

struct RateLimits {
  double requests_per_second = 0;     // how fast a bucket refills; 0 = no limit
  double burst = 0;                   // its capacity; 0 = two seconds' worth, at least 1
  std::size_t max_clients = 100'000;  // buckets kept; the least recently used makes room
};

struct RateDecision {
  bool is_allowed = true;
  std::int64_t limit = 0;  // capacity; 0 = unlimited, and no headers
  std::int64_t remaining = 0;
  std::int64_t reset_seconds = 0;        // until the bucket is full again
  std::int64_t retry_after_seconds = 0;  // until the next request is allowed, when this one was not
  /// RateLimit-Limit, -Remaining and -Reset, the same with "X-", and Retry-After when refused.
  void add_headers(HttpHeaders& headers) const;
};

/// Token buckets, one per client name (a key id or an address). A full bucket and an unknown client are the
/// same, so forgetting the least recently used client costs little. Methods may be called from any thread.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  explicit RateLimiter(const RateLimits& limits);

  /// Takes one token of `client` if there is one.
  RateDecision take(std::string_view client, Clock::time_point now = Clock::now());
  std::size_t n_clients() const;

 private:
  struct Bucket {
    std::string client;
    double tokens;
    Clock::time_point updated;
  };
  using Buckets = std::list<Bucket>;  // most recently used first

  const RateLimits limits_;
  mutable std::mutex mutex_;
  Buckets buckets_;                                                // guarded by mutex_
  std::unordered_map<std::string_view, Buckets::iterator> index_;  // guarded by mutex_; views into buckets_
};

}  // namespace quintet
