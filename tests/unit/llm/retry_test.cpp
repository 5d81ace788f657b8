#include "llm/retry.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

using namespace std::chrono_literals;

TEST(Retry, StatusesThatMayPass) {
  for (const int status : {408, 409, 429, 500, 502, 503, 504, 529})
    EXPECT_TRUE(is_retryable_status(status)) << status;
  for (const int status : {200, 302, 400, 401, 403, 404, 413, 422, 600}) {
    EXPECT_FALSE(is_retryable_status(status)) << status;
  }
}

TEST(Retry, RetryAfterIsSecondsOrADate) {
  EXPECT_EQ(parse_retry_after("2", 0), 2s);
  EXPECT_EQ(parse_retry_after(" 0.5 ", 0), 500ms);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 20'000), 40s);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 20'000), 0s);
  EXPECT_EQ(parse_retry_after("soon", 0), std::nullopt);
  EXPECT_EQ(parse_retry_after("-1", 0), std::nullopt);
  EXPECT_EQ(parse_retry_after("1e300", 0), 24h);
}

TEST(Retry, DelaysDoubleUpToTheirLimitAndAreSpreadOverTheWholeRange) {
  const RetryPolicy policy{
      .max_attempts = 10, .base_delay = 100ms, .max_delay = 500ms, .max_retry_after = 1s};
  EXPECT_EQ(retry_delay(policy, 1, {}, 0.0), 0ms);
  EXPECT_EQ(retry_delay(policy, 1, {}, 0.5), 50ms);
  EXPECT_EQ(retry_delay(policy, 2, {}, 0.5), 100ms);
  EXPECT_EQ(retry_delay(policy, 9, {}, 0.5), 250ms);
  EXPECT_EQ(retry_delay(policy, 1, 700ms, 0.5), 700ms);
  EXPECT_EQ(retry_delay(policy, 1, 1001ms, 0.5), std::nullopt);
  EXPECT_EQ(retry_delay(policy, 10, {}, 0.5), std::nullopt);
}

TEST(Retry, AWaitEndsWhenItIsStopped) {
  std::stop_source stop;
  EXPECT_TRUE(wait_unless_stopped(1ms, stop.get_token()));
  stop.request_stop();
  EXPECT_FALSE(wait_unless_stopped(1h, stop.get_token()));
}

}  // namespace
}  // namespace quintet
