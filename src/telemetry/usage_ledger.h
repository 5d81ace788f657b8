#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "telemetry/usage.h"

namespace quintet {

class Database;
class Log;
class PriceTable;

/// The calls of one UTC day to one model.
struct UsageDay {
  std::string date;  // "2026-11-23"
  std::string model;
  std::string provider;
  std::int64_t n_calls = 0;
  std::int64_t input_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t output_tokens = 0;
  std::optional<double> cost_usd;  // of the calls that had a price; nothing when none had
  double mean_latency_ms = 0;
  std::optional<double> mean_first_token_ms;  // of the calls that streamed
};

struct UsageTotals {
  std::int64_t n_calls = 0;
  std::int64_t input_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t output_tokens = 0;
  double cost_usd = 0;  // of the calls that had a price
};

struct UsageReport {
  std::vector<UsageDay> days;  // newest day first, then by provider and model
  UsageTotals totals;
};

/// Every model call with its tokens and cost, kept for good: a row is some hundred bytes. Written in the
/// background; a killed process may lose the last milliseconds. Methods may be called from any thread;
/// database and prices must outlive it.
class UsageLedger {
 public:
  UsageLedger(Database& database, const PriceTable& prices, Log& log)
      : database_(database), prices_(prices), log_(log) {}

  /// Fills in the time (now) and the cost (from the prices) where the record has none. Never throws: an
  /// answer is not lost because it could not be counted; what is not counted is logged.
  void record(UsageRecord usage) noexcept;

  /// The last `n_days` UTC days, today included, with what was recorded just now. n_days is at least 1.
  UsageReport report(int n_days, TimestampMs now = now_ms()) const;

 private:
  Database& database_;
  const PriceTable& prices_;
  Log& log_;
};

}  // namespace quintet
