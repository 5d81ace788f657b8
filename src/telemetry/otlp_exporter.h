#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "telemetry/span_batcher.h"
#include "telemetry/trace.h"

namespace quintet {

class Log;

/// Names the sender in everything it sends.
struct OtlpResource {
  std::string service_name = "quintet";
  std::string service_version;
};

/// An ExportTraceServiceRequest in OTLP's JSON mapping (opentelemetry-proto 1.x: ids as hex, 64-bit integers
/// as strings, enums as numbers).
std::string to_otlp_json(std::span<const SpanRecord> spans, const OtlpResource& resource);

/// Sends finished spans to an OpenTelemetry collector (OTLP/HTTP with JSON), from a thread of its own. A
/// collector that is slow or away costs nobody anything but spans: the buffer is bounded and what does not
/// fit is dropped and counted. Methods may be called from any thread.
class OtlpExporter final : public SpanSink {
 public:
  struct Options {
    OtlpResource resource;
    SpanBatcher::Options batching{
        .batch_size = 256, .max_buffered = 4096, .interval = std::chrono::seconds(2)};
    int max_attempts = 5;
    std::chrono::milliseconds first_backoff{500};  // doubles with each attempt
    std::chrono::milliseconds max_backoff{30'000};
  };
  /// Posts a body with `Content-Type: application/json` to the collector's /v1/traces and returns the HTTP
  /// status. What it throws counts as a peer that cannot be reached. It must end in bounded time.
  using Post = std::function<int(const std::string& body)>;

  OtlpExporter(const Options& options, Post post, Log& log);

  void record(SpanRecord span) noexcept override { batcher_.add(std::move(span)); }
  /// Returns when everything recorded before the call has been sent or given up.
  void flush() { batcher_.flush(); }

  std::uint64_t n_sent() const noexcept { return n_sent_; }
  /// Did not fit, or the collector would not have them.
  std::uint64_t n_dropped() const { return batcher_.n_dropped() + n_given_up_; }

 private:
  void send(const std::vector<SpanRecord>& batch, const std::stop_token& stop);

  const Options options_;
  const Post post_;
  Log& log_;
  std::atomic<std::uint64_t> n_sent_{0};
  std::atomic<std::uint64_t> n_given_up_{0};
  bool peer_is_gone_ = false;  // used by the batcher's thread only
  SpanBatcher batcher_;        // last: its thread uses all of the above
};

}  // namespace quintet
