#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "telemetry/trace.h"

namespace quintet {

/// Collects spans and hands them on in batches, on a thread of its own: when `batch_size` have come, when
/// `interval` has passed, on flush() and at the end. Holds at most `max_buffered`; what comes beyond is
/// dropped and counted. Methods may be called from any thread.
class SpanBatcher {
 public:
  struct Options {
    std::size_t batch_size = 256;
    std::size_t max_buffered = 8192;
    std::chrono::milliseconds interval{500};
  };
  /// Called with one batch at a time, in order. Must not throw. `stop` is requested when the batcher is going
  /// away.
  using Deliver = std::function<void(std::vector<SpanRecord>, std::stop_token stop)>;

  SpanBatcher(const Options& options, Deliver deliver);
  ~SpanBatcher();  // delivers what is left
  SpanBatcher(const SpanBatcher&) = delete;
  SpanBatcher& operator=(const SpanBatcher&) = delete;

  void add(SpanRecord span) noexcept;
  /// Returns when everything added before the call has been delivered.
  void flush();
  std::uint64_t n_dropped() const;

 private:
  void run(std::stop_token stop);

  const Options options_;
  const Deliver deliver_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable delivered_;
  std::vector<SpanRecord> buffer_;  // guarded by mutex_, as is all below
  std::uint64_t n_added_ = 0;
  std::uint64_t n_delivered_ = 0;
  std::uint64_t n_dropped_ = 0;
  bool flush_asked_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace quintet
