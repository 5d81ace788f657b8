#include "llm/instrumented_model.h"

#include "core/error.h"
#include "core/text.h"
#include "core/time.h"
#include "net/http_client.h"

namespace quintet {

namespace {

/// The words of gen_ai.response.finish_reasons.
std::string_view finish_reason(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end:
    case StopReason::stop_sequence: return "stop";
    case StopReason::max_tokens: return "length";
    case StopReason::tool_calls: return "tool_calls";
    case StopReason::refused: return "content_filter";
    case StopReason::cancelled: return "cancelled";
    case StopReason::interrupted: return "interrupted";
  }
  return "stop";
}

std::string outcome_of(StopReason reason) {
  return reason == StopReason::cancelled || reason == StopReason::interrupted
             ? std::string(stop_reason_name(reason))
             : "ok";
}

void describe_request(Span& span, const ChatRequest& request, const ChatModelInfo& info) {
  span.set("gen_ai.operation.name", "chat");
  span.set("gen_ai.provider.name", Json(info.provider));
  span.set("gen_ai.request.model", Json(request.model.empty() ? info.model : request.model));
  if (request.max_output_tokens) span.set("gen_ai.request.max_tokens", *request.max_output_tokens);
  if (request.sampling.temperature) span.set("gen_ai.request.temperature", *request.sampling.temperature);
  if (request.sampling.top_p) span.set("gen_ai.request.top_p", *request.sampling.top_p);
  if (request.sampling.seed) span.set("gen_ai.request.seed", *request.sampling.seed);
  if (!std::holds_alternative<TextFormat>(request.response_format)) span.set("gen_ai.output.type", "json");
  if (!request.app.empty()) span.set("quintet.app", Json(request.app));
  if (!request.prompt_version.empty()) span.set("quintet.prompt.version", Json(request.prompt_version));
}

void describe_response(Span& span, const ChatResponse& response) {
  if (!response.model.empty()) span.set("gen_ai.response.model", Json(response.model));
  span.set("gen_ai.response.finish_reasons", JsonArray{Json(finish_reason(response.stop_reason))});
  span.set("gen_ai.usage.input_tokens", response.usage.input_tokens);
  span.set("gen_ai.usage.output_tokens", response.usage.output_tokens);
  if (response.usage.cached_tokens > 0) {
    span.set("gen_ai.usage.cache_read.input_tokens", response.usage.cached_tokens);
  }
  if (response.n_attempts > 1) span.set("quintet.attempts", response.n_attempts);
  if (response.first_token_ms) span.set("quintet.first_token_ms", *response.first_token_ms);
  if (response.cost_usd) span.set("quintet.cost_usd", *response.cost_usd);
  if (response.stop_reason == StopReason::interrupted) {
    span.set("error.type", Json("interrupted"));
    span.fail("interrupted");
  }
}

/// Providers' words may quote the prompt, so a span says only what kind of failure it was.
void describe_failure(Span& span, std::string_view kind) {
  span.set("error.type", Json(kind));
  span.fail(kind);
}

}  // namespace

InstrumentedModel::InstrumentedModel(std::unique_ptr<ChatModel> inner, ModelInstruments instruments,
                                     std::string_view base_url)
    : inner_(std::move(inner)), instruments_(std::move(instruments)) {
  if (base_url.empty()) return;
  std::string origin = url_origin(base_url);
  std::string_view host = origin;
  server_port_ = host.starts_with("http://") ? 80 : 443;
  if (const auto scheme_end = host.find("://"); scheme_end != std::string_view::npos) {
    host.remove_prefix(scheme_end + 3);
  }
  // The colons inside an IPv6 address stand before its bracket.
  if (const auto colon = host.rfind(':');
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    if (const auto port = parse_int(host.substr(colon + 1))) server_port_ = static_cast<int>(*port);
    host = host.substr(0, colon);
  }
  server_address_ = host;
}

ChatResponse InstrumentedModel::chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) {
  const ChatModelInfo info = inner_->info();
  const std::string& requested_model = request.model.empty() ? info.model : request.model;
  Span span(instruments_.spans, cat("chat ", requested_model), request.trace, SpanKind::client);
  describe_request(span, request, info);
  if (!server_address_.empty()) {
    span.set("server.address", Json(server_address_));
    if (server_port_) span.set("server.port", *server_port_);
  }
  UsageRecord record;
  record.trace_id = span.context().trace_id;
  record.time = now_ms();
  record.app = request.app;
  record.provider = info.provider;
  record.model = requested_model;
  record.key_id = request.key_id;

  const Stopwatch watch;
  std::optional<double> first_token_ms;
  const auto note_failure = [&](std::string_view kind) {
    describe_failure(span, kind);
    record.outcome = kind;
    record.latency_ms = watch.milliseconds();
    record.first_token_ms = first_token_ms;
    if (instruments_.usage) instruments_.usage(record);
  };
  ChatResponse response;
  try {
    response = inner_->chat(
        request,
        [&](const ChatEvent& event) {
          if (!first_token_ms && !std::holds_alternative<RetryNotice>(event))
            first_token_ms = watch.milliseconds();
          if (sink) sink(event);
        },
        std::move(stop));
  } catch (const Error& error) {
    note_failure(error_code_name(error.code()));
    throw;
  } catch (...) {
    note_failure("internal");
    throw;
  }

  response.latency_ms = watch.milliseconds();
  response.first_token_ms = first_token_ms;
  response.trace_id = record.trace_id;
  if (!response.cost_usd && instruments_.cost) {
    if (!response.model.empty()) response.cost_usd = instruments_.cost(response.model, response.usage);
    if (!response.cost_usd) response.cost_usd = instruments_.cost(requested_model, response.usage);
  }
  describe_response(span, response);
  if (!response.model.empty()) record.model = response.model;
  record.usage = response.usage;
  record.cost_usd = response.cost_usd;
  record.latency_ms = response.latency_ms;
  record.first_token_ms = first_token_ms;
  record.outcome = outcome_of(response.stop_reason);
  if (instruments_.usage) instruments_.usage(std::move(record));
  return response;
}

}  // namespace quintet
