#include "core/time.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "core/text.h"

namespace quintet {

namespace {

std::tm utc(std::time_t seconds) noexcept {
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

/// Rounded down, also before 1970.
std::time_t whole_seconds(TimestampMs time) noexcept {
  return static_cast<std::time_t>(time / 1000 - (time % 1000 < 0 ? 1 : 0));
}

// The locale never changes a date that a protocol defines: names are spelled out here.
constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <typename... Ts>
std::string print(const char* format, Ts... values) {
  std::array<char, 64> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

}  // namespace

TimestampMs now_ms() noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t now_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string to_iso8601(TimestampMs time) {
  const std::tm parts = utc(whole_seconds(time));
  return print("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
               parts.tm_hour, parts.tm_min, parts.tm_sec,
               static_cast<int>(time - whole_seconds(time) * 1000));
}

std::string to_iso_date(TimestampMs time) {
  return to_iso8601(time).substr(0, 10);
}

std::string to_http_date(TimestampMs time) {
  const std::tm parts = utc(whole_seconds(time));
  return print("%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday], parts.tm_mday,
               kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::optional<TimestampMs> parse_http_date(std::string_view text) {
  const std::string copy(trim(text));
  std::array<char, 4> month{};
  std::tm parts{};
  if (std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &parts.tm_mday, month.data(),
                  &parts.tm_year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
    return std::nullopt;
  parts.tm_year -= 1900;
  for (int i = 0; i < 12; ++i) {
    if (std::string_view(kMonths[i]) != month.data()) continue;
    parts.tm_mon = i;
    const auto time = static_cast<TimestampMs>(timegm(&parts)) * 1000;
    // sscanf is lenient and timegm carries over; what is written back the same was a date.
    if (to_http_date(time) != copy) return std::nullopt;
    return time;
  }
  return std::nullopt;
}

}  // namespace quintet
