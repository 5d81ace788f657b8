#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/json.h"

namespace quintet {

/// Where a span belongs (W3C Trace Context): passed explicitly, never through a thread-local, because work
/// crosses threads and coroutines.
struct TraceContext {
  std::string trace_id;  // 32 hex digits; empty = start a new trace
  std::string span_id;   // 16 hex digits; empty = a root span
};

/// Parses a `traceparent` header; an empty context when malformed.
TraceContext parse_traceparent(std::string_view header);
std::string to_traceparent(const TraceContext& context);

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
};

/// Takes finished spans; called from any thread, never throws, never blocks for long.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void record(SpanRecord span) noexcept = 0;
};

/// A span in progress; recorded when it is ended or destroyed. Used by one thread at a time.
class Span {
 public:
  Span() = default;  // records nothing
  Span(SpanSink* sink, std::string name, const TraceContext& parent);
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
