#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quintet {

/// Wall-clock time, always UTC, as it is stored: milliseconds since 1970.
using TimestampMs = std::int64_t;

TimestampMs now_ms() noexcept;
/// Nanoseconds since 1970, for trace spans.
std::int64_t now_ns() noexcept;

/// "2026-11-23T01:05:17.123Z"
std::string to_iso8601(TimestampMs time);
/// "2026-11-23"
std::string to_iso_date(TimestampMs time);
/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 IMF-fixdate), for Retry-After and If-Modified-Since. Nothing
/// when malformed.
std::optional<TimestampMs> parse_http_date(std::string_view text);
std::string to_http_date(TimestampMs time);

/// Elapsed time since construction.
class Stopwatch {
 public:
  double seconds() const noexcept {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  double milliseconds() const noexcept { return seconds() * 1e3; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace quintet
