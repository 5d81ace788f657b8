#include "telemetry/trace.h"

#include <algorithm>
#include <exception>

#include "core/ids.h"
#include "core/text.h"
#include "core/time.h"

namespace quintet {

namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kSpanIdDigits = 16;

bool is_lower_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// An id of all zeros means "none".
bool is_id(std::string_view text) noexcept {
  return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

std::string random_hex(std::size_t n_digits) {
  std::string id;
  do {
    id = hex_encode(random_bytes(n_digits / 2));
  } while (!is_id(id));
  return id;
}

}  // namespace

std::string new_trace_id() {
  return random_hex(kTraceIdDigits);
}
std::string new_span_id() {
  return random_hex(kSpanIdDigits);
}

TraceContext parse_traceparent(std::string_view header) {
  const auto parts = split(trim(header), '-');
  if (parts.size() < 4) return {};
  const std::string_view version = parts[0];
  const std::string_view flags = parts[3];
  if (version.size() != 2 || !is_lower_hex(version) || version == "ff") return {};
  if (version == "00" && parts.size() != 4) return {};
  if (parts[1].size() != kTraceIdDigits || !is_id(parts[1])) return {};
  if (parts[2].size() != kSpanIdDigits || !is_id(parts[2])) return {};
  if (flags.size() != 2 || !is_lower_hex(flags)) return {};
  return {std::string(parts[1]), std::string(parts[2])};
}

std::string to_traceparent(const TraceContext& context) {
  if (context.trace_id.empty() || context.span_id.empty()) return {};
  return cat("00-", context.trace_id, "-", context.span_id, "-01");
}

void FanOutSpanSink::record(SpanRecord span) noexcept {
  for (std::size_t i = 0; i + 1 < sinks_.size(); ++i) sinks_[i]->record(span);
  if (!sinks_.empty()) sinks_.back()->record(std::move(span));
}

Span::Span(SpanSink* sink, std::string name, const TraceContext& parent, SpanKind kind) : sink_(sink) {
  record_.trace_id = parent.trace_id.empty() ? new_trace_id() : parent.trace_id;
  record_.span_id = new_span_id();
  if (!parent.trace_id.empty()) record_.parent_span_id = parent.span_id;
  record_.name = std::move(name);
  record_.kind = kind;
  record_.start_ns = now_ns();
}

Span::Span(Span&& other) noexcept
    : sink_(std::exchange(other.sink_, nullptr)), record_(std::move(other.record_)) {}

Span& Span::operator=(Span&& other) noexcept {
  if (this == &other) return *this;
  end();
  sink_ = std::exchange(other.sink_, nullptr);
  record_ = std::move(other.record_);
  return *this;
}

Span::~Span() {
  end();
}

TraceContext Span::context() const {
  return {record_.trace_id, record_.span_id};
}

void Span::set(std::string_view attribute, Json value) {
  if (sink_ != nullptr) record_.attributes[attribute] = std::move(value);
}

void Span::fail(std::string_view message) {
  record_.failed = true;
  record_.status_message = message;
}

// The ids stay after the end: context() may still be asked for, by a response that names its trace.
void Span::end() noexcept {
  SpanSink* const sink = std::exchange(sink_, nullptr);
  if (sink == nullptr) return;
  record_.end_ns = std::max(now_ns(), record_.start_ns);  // the wall clock may have been set back
  SpanRecord finished;
  finished.trace_id = record_.trace_id;
  finished.span_id = record_.span_id;
  finished.parent_span_id = std::move(record_.parent_span_id);
  finished.name = std::move(record_.name);
  finished.start_ns = record_.start_ns;
  finished.end_ns = record_.end_ns;
  finished.attributes = std::move(record_.attributes);
  finished.failed = record_.failed;
  finished.status_message = std::move(record_.status_message);
  finished.kind = record_.kind;
  sink->record(std::move(finished));
}

}  // namespace quintet
