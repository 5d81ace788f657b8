#include "telemetry/otlp_exporter.h"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <stop_token>

#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr int kStatusCodeError = 2;  // opentelemetry.proto.trace.v1.Status.StatusCode

JsonObject to_any_value(const Json& value);

JsonArray to_key_values(const JsonObject& object) {
  JsonArray pairs;
  for (const auto& [key, value] : object)
    if (!value.is_null()) pairs.push_back(JsonObject{{"key", key}, {"value", to_any_value(value)}});
  return pairs;
}

/// opentelemetry.proto.common.v1.AnyValue
JsonObject to_any_value(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return {};
    case boost::json::kind::bool_: return {{"boolValue", value.get_bool()}};
    case boost::json::kind::int64: return {{"intValue", cat(value.get_int64())}};
    case boost::json::kind::uint64:
      if (value.get_uint64() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return {{"intValue", cat(value.get_uint64())}};
      return {{"doubleValue", static_cast<double>(value.get_uint64())}};
    case boost::json::kind::double_: return {{"doubleValue", value.get_double()}};
    case boost::json::kind::string: return {{"stringValue", value.get_string()}};
    case boost::json::kind::array: {
      JsonArray values;
      for (const Json& item : value.get_array()) values.push_back(to_any_value(item));
      return {{"arrayValue", JsonObject{{"values", std::move(values)}}}};
    }
    case boost::json::kind::object:
      return {{"kvlistValue", JsonObject{{"values", to_key_values(value.get_object())}}}};
  }
  return {};
}

JsonObject to_otlp_span(const SpanRecord& span) {
  JsonObject out{{"traceId", span.trace_id}, {"spanId", span.span_id}};
  if (!span.parent_span_id.empty()) out["parentSpanId"] = span.parent_span_id;
  out["name"] = span.name;
  out["kind"] = static_cast<int>(span.kind);
  out["startTimeUnixNano"] = cat(span.start_ns);
  out["endTimeUnixNano"] = cat(span.end_ns);
  out["attributes"] = to_key_values(span.attributes);
  JsonObject status;
  if (span.failed) {
    status["code"] = kStatusCodeError;
    if (!span.status_message.empty()) status["message"] = span.status_message;
  }
  out["status"] = std::move(status);
  return out;
}

/// What the OTLP specification lists as worth another attempt.
bool is_worth_a_retry(int status) noexcept {
  return status == 429 || (status >= 500 && status <= 599);
}

/// Sleeps, unless asked to stop.
void wait_for(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace

std::string to_otlp_json(std::span<const SpanRecord> spans, const OtlpResource& resource) {
  JsonObject resource_attributes{{"service.name", resource.service_name}};
  JsonObject scope{{"name", "quintet"}};
  if (!resource.service_version.empty()) {
    resource_attributes["service.version"] = resource.service_version;
    scope["version"] = resource.service_version;
  }
  JsonArray otlp_spans;
  for (const SpanRecord& span : spans) otlp_spans.push_back(to_otlp_span(span));
  return to_json(JsonObject{
      {"resourceSpans",
       JsonArray{JsonObject{{"resource", JsonObject{{"attributes", to_key_values(resource_attributes)}}},
                            {"scopeSpans", JsonArray{JsonObject{{"scope", std::move(scope)},
                                                                {"spans", std::move(otlp_spans)}}}}}}}});
}

OtlpExporter::OtlpExporter(const Options& options, Post post, Log& log)
    : options_(options),
      post_(std::move(post)),
      log_(log),
      batcher_(options.batching,
               [this](std::vector<SpanRecord> batch, std::stop_token stop) { send(batch, stop); }) {}

void OtlpExporter::send(const std::vector<SpanRecord>& batch, const std::stop_token& stop) {
  std::string reason = "the program is ending";
  // While stopping each batch gets one attempt, and none once the collector has not answered: leaving is
  // quick.
  if (!(stop.stop_requested() && peer_is_gone_)) {
    const std::string body = to_otlp_json(batch, options_.resource);
    auto backoff = options_.first_backoff;
    for (int attempt = 1;; ++attempt) {
      bool retry = true;
      try {
        const int status = post_(body);
        if (status >= 200 && status <= 299) {
          n_sent_ += batch.size();
          peer_is_gone_ = false;
          return;
        }
        reason = cat("HTTP status ", status);
        retry = is_worth_a_retry(status);
      } catch (const std::exception& error) {
        reason = error.what();
      }
      peer_is_gone_ = retry;
      if (!retry || attempt >= options_.max_attempts || stop.stop_requested()) break;
      wait_for(std::min(backoff, options_.max_backoff), stop);
      backoff *= 2;
    }
  }
  n_given_up_ += batch.size();
  log_.warning("spans were not exported", {{"n", batch.size()}, {"reason", reason}});
}

}  // namespace quintet
