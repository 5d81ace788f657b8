#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace quintet {

/// Where a span belongs (W3C Trace Context): passed explicitly, never through a thread-local, because work
/// crosses threads and coroutines.
struct TraceContext {
  std::string trace_id;  // 32 hex digits; empty = start a new trace
  std::string span_id;   // 16 hex digits; empty = a root span
};

/// Random ids as W3C Trace Context wants them: 32 and 16 lower-case hex digits, never all zero.
std::string new_trace_id();
std::string new_span_id();

/// Parses a `traceparent` header (W3C Trace Context §3.2); an empty context when malformed. Versions after 00
/// are read as far as 00 goes, as the specification asks.
TraceContext parse_traceparent(std::string_view header);
/// The header for a call to a peer, marked as sampled; empty when the context is.
std::string to_traceparent(const TraceContext& context);

/// Whose side of a call a span describes; the values are OpenTelemetry's.
enum class SpanKind : std::uint8_t { internal = 1, server = 2, client = 3 };

/// A finished span. Attribute names follow OpenTelemetry's GenAI semantic conventions (gen_ai.operation.name,
/// gen_ai.request.model, gen_ai.usage.input_tokens …).
struct SpanRecord {
  std::string trace_id;
  std::string span_id;
  std::string parent_span_id;
  std::string name;
  std::int64_t start_ns = 0;  // since 1970
  std::int64_t end_ns = 0;
  JsonObject attributes;
  bool failed = false;
  std::string status_message;
  SpanKind kind = SpanKind::internal;
};

/// Takes finished spans; called from any thread, never throws, never blocks for long.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void record(SpanRecord span) noexcept = 0;
};

/// Hands every span to several sinks, which must outlive it.
class FanOutSpanSink final : public SpanSink {
 public:
  explicit FanOutSpanSink(std::vector<SpanSink*> sinks) : sinks_(std::move(sinks)) {}
  void record(SpanRecord span) noexcept override;

 private:
  const std::vector<SpanSink*> sinks_;
};

/// A span in progress; recorded when it is ended or destroyed. Used by one thread at a time.
class Span {
 public:
  Span() = default;  // records nothing
  /// Begins now. Without a sink nothing is recorded, but context() is valid all the same, so that ids reach
  /// logs and peers whether or not anybody collects spans.
  Span(SpanSink* sink, std::string name, const TraceContext& parent, SpanKind kind = SpanKind::internal);
  Span(Span&& other) noexcept;
  Span& operator=(Span&& other) noexcept;
  ~Span();

  TraceContext context() const;
  void set(std::string_view attribute, Json value);
  void fail(std::string_view message);
  void end() noexcept;

 private:
  SpanSink* sink_ = nullptr;
  SpanRecord record_;
};

}  // namespace quintet
