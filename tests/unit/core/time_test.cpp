#include "core/time.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

constexpr TimestampMs kRfcExample = 784'111'777'000;  // RFC 9110 section 5.6.7

TEST(Time, IsWrittenInUtc) {
  EXPECT_EQ(to_iso8601(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(1'795'395'917'123), "2026-11-23T01:05:17.123Z");
  EXPECT_EQ(to_iso8601(1'709'164'800'000), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(to_iso_date(1'795'391'999'999), "2026-11-22");
  EXPECT_EQ(to_iso_date(1'795'392'000'000), "2026-11-23");
}

TEST(Time, BeforeTheEpochIsADateToo) {
  EXPECT_EQ(to_iso8601(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_iso_date(-1), "1969-12-31");
}

TEST(Time, HttpDatesAreReadAndWritten) {
  EXPECT_EQ(to_http_date(kRfcExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kRfcExample);
  EXPECT_EQ(parse_http_date(" Sun, 06 Nov 1994 08:49:37 GMT "), kRfcExample);
}

TEST(Time, AMalformedHttpDateIsNothing) {
  for (const char* text :
       {"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:61:37 GMT",
        "Sun, 06 Now 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT and more", "Sun, 99999999999 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
}

TEST(Time, TheTwoClocksAgree) {
  const TimestampMs before = now_ms();
  const std::int64_t between = now_ns() / 1'000'000;
  const TimestampMs after = now_ms();
  EXPECT_LE(before, between);
  EXPECT_LE(between, after);
}

}  // namespace
}  // namespace quintet
