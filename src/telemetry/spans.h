#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "telemetry/span_batcher.h"
#include "telemetry/trace.h"

namespace quintet {

class Database;
class Log;

/// Keeps finished spans in the database for a number of days. Written in the background, so a killed process
/// loses at most the last half second of them. Methods may be called from any thread; the database must
/// outlive it.
class SpanStore final : public SpanSink {
 public:
  struct Options {
    SpanBatcher::Options batching = {};
    int retention_days = 30;  // 0 keeps everything
  };
  SpanStore(Database& database, Log& log, const Options& options);
  SpanStore(Database& database, Log& log) : SpanStore(database, log, Options{}) {}

  void record(SpanRecord span) noexcept override;

  /// Every span of a trace by start time, also those recorded just now; empty when the trace is not known.
  std::vector<SpanRecord> read_trace(std::string_view trace_id);

  /// Deletes spans that began before `time` and returns how many. Runs by itself every hour with the
  /// retention.
  std::int64_t delete_before(TimestampMs time);

  /// Returns when everything recorded before the call is in the database, or has failed to get there.
  void flush();
  std::uint64_t n_dropped() const { return batcher_.n_dropped(); }

 private:
  void store(std::vector<SpanRecord> batch);
  void expire() noexcept;

  Database& database_;
  Log& log_;
  const int retention_days_;
  TimestampMs next_expiry_ = 0;  // used by the batcher's thread only
  SpanBatcher batcher_;          // last: its thread uses all of the above
};

}  // namespace quintet
