#include "serving/rate_limit.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

using std::chrono::milliseconds;

TEST(RateLimiter, AllowsABurstThenTheRate) {
  RateLimiter limiter({.requests_per_second = 2, .burst = 3});
  const auto start = RateLimiter::Clock::now();
  for (int i = 2; i >= 0; --i) {
    const auto decision = limiter.take("a", start);
    EXPECT_TRUE(decision.is_allowed);
    EXPECT_EQ(decision.limit, 3);
    EXPECT_EQ(decision.remaining, i);
  }
  const auto refused = limiter.take("a", start);
  EXPECT_FALSE(refused.is_allowed);
  EXPECT_EQ(refused.retry_after_seconds, 1);
  EXPECT_EQ(refused.reset_seconds, 2) << "three tokens at two per second, rounded up";
  EXPECT_TRUE(limiter.take("b", start).is_allowed) << "another client has its own bucket";
  EXPECT_FALSE(limiter.take("a", start + milliseconds(400)).is_allowed);
  EXPECT_TRUE(limiter.take("a", start + milliseconds(600)).is_allowed);
  EXPECT_FALSE(limiter.take("a", start + milliseconds(600)).is_allowed);
}

TEST(RateLimiter, ForgetsTheLeastRecentlyUsedClient) {
  RateLimiter limiter({.requests_per_second = 1, .burst = 1, .max_clients = 2});
  const auto now = RateLimiter::Clock::now();
  EXPECT_TRUE(limiter.take("a", now).is_allowed);
  EXPECT_TRUE(limiter.take("b", now).is_allowed);
  EXPECT_FALSE(limiter.take("a", now).is_allowed);  // a is now the most recent
  EXPECT_TRUE(limiter.take("c", now).is_allowed);   // b makes room
  EXPECT_EQ(limiter.n_clients(), 2U);
  EXPECT_FALSE(limiter.take("a", now).is_allowed);
  EXPECT_TRUE(limiter.take("b", now).is_allowed);
}

TEST(RateLimiter, WritesHeadersOfBothSpellings) {
  RateLimiter limiter({.requests_per_second = 0.1, .burst = 1});
  limiter.take("a");
  HttpHeaders headers;
  limiter.take("a").add_headers(headers);
  EXPECT_EQ(headers.get("RateLimit-Limit"), "1");
  EXPECT_EQ(headers.get("X-RateLimit-Remaining"), "0");
  EXPECT_EQ(headers.get("RateLimit-Reset"), "10");
  EXPECT_EQ(headers.get("Retry-After"), "10");
  HttpHeaders none;
  RateLimiter({.requests_per_second = 0}).take("a").add_headers(none);
  EXPECT_TRUE(none.fields().empty());
}

}  // namespace
}  // namespace quintet
