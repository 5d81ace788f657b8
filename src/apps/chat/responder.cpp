#include "apps/chat/responder.h"

namespace quintet {

void AnswerFeed::delta(std::string_view text) {
  text_ += text;
  send("delta", {{"text", text}});
}

void AnswerFeed::reset(std::string_view reason) {
  text_.clear();
  send("reset", {{"reason", reason}});
}

void AnswerFeed::retry(const RetryNotice& notice) {
  send("retry",
       {{"attempt", notice.attempt}, {"delay_seconds", notice.delay_seconds}, {"reason", notice.reason}});
}

void AnswerFeed::send(std::string type, const JsonObject& data) {
  events_.append({std::move(type), to_json(data)});
}

MessageStatus message_status(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::cancelled: return MessageStatus::cancelled;
    case StopReason::interrupted: return MessageStatus::interrupted;
    case StopReason::end:
    case StopReason::max_tokens:
    case StopReason::stop_sequence:
    case StopReason::tool_calls:
    case StopReason::refused: return MessageStatus::complete;
  }
  return MessageStatus::complete;
}

namespace {

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

JsonObject usage_json(const Usage& usage, std::optional<double> cost_usd) {
  return {{"input_tokens", usage.input_tokens},
          {"cached_tokens", usage.cached_tokens},
          {"output_tokens", usage.output_tokens},
          {"cost_usd", or_null(cost_usd)}};
}

JsonObject response_details(const ChatResponse& response) {
  return {{"model", response.model},
          {"provider", response.provider},
          {"usage", usage_json(response.usage, response.cost_usd)},
          {"cost_usd", or_null(response.cost_usd)},
          {"latency_ms", response.latency_ms},
          {"first_token_ms", or_null(response.first_token_ms)},
          {"trace_id", response.trace_id}};
}

}  // namespace quintet
