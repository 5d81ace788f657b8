#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/text.h"
#include "llm/anthropic_model.h"
#include "llm/openai_model.h"
#include "testing/http_script_server.h"

namespace quintet {

inline constexpr std::string_view kTestKey = "sk-test-0123456789-secret";

struct ProviderOptions {
  ModelTimeouts timeouts;
  RetryPolicy retry{.max_attempts = 3,
                    .base_delay = std::chrono::milliseconds(1),
                    .max_delay = std::chrono::milliseconds(5),
                    .max_retry_after = std::chrono::milliseconds(2'000)};
  std::size_t max_response_bytes = std::size_t{32} << 20;
};

/// One remote provider as the tests that hold for all of them see it.
struct ProviderCase {
  std::string name;
  std::function<std::unique_ptr<ChatModel>(const std::string& base_url, const ProviderOptions&)> make;
  std::string stream;  // a complete answer: reasoning "Let me…", text "Grüße 👋!", tool call f({"q":"é"})
  std::string first;   // the stream's beginning, up to the first text "Grü"
  std::string error_event;
};

/// A remote model with an HTTP client of its own.
template <typename Model>
class SelfContained final : public ChatModel {
 public:
  explicit SelfContained(const typename Model::Options& options) : model_(options, client_) {}
  ChatModelInfo info() const override { return model_.info(); }
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override {
    return model_.chat(request, sink, stop);
  }

 private:
  HttpClient client_;
  Model model_;
};

template <typename Model>
std::unique_ptr<ChatModel> make_remote_model(const std::string& base_url, const ProviderOptions& options) {
  typename Model::Options model;
  model.base_url = base_url + "/v1/";
  model.api_key = kTestKey;
  model.model = "test-model";
  model.timeouts = options.timeouts;
  model.retry = options.retry;
  model.max_response_bytes = options.max_response_bytes;
  return std::make_unique<SelfContained<Model>>(model);
}

inline ProviderCase openai_case() {
  const std::string first =
      ": keep-alive\r\n\r\n"
      "data: "
      "{\"id\":\"c1\",\"model\":\"served-model\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
      "\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Let me…\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grü\"}}]}\n\n";
  const std::string rest =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ße \\ud83d\\udc4b!\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_9\",\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
      "\"{\\\"q\\\":\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
      "\"\\\"é\\\"}\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":8,"
      "\"prompt_tokens_details\":{\"cached_tokens\":16}}}\n\n"
      "data: [DONE]\n\n";
  return {"openai", make_remote_model<OpenAiModel>, first + rest, first,
          "data: {\"error\":{\"message\":\"engine fell over\",\"type\":\"server_error\"}}\n\n"};
}

inline std::string anthropic_event(std::string_view type, std::string_view rest) {
  return cat("event: ", type, "\ndata: {\"type\":\"", type, "\"", rest.empty() ? "" : ",", rest, "}\n\n");
}

inline ProviderCase anthropic_case() {
  const std::string first =
      anthropic_event("message_start",
                      R"("message":{"id":"m","model":"served-model","usage":{"input_tokens":3,)"
                      R"("cache_creation_input_tokens":1,"cache_read_input_tokens":16,"output_tokens":1}})") +
      anthropic_event("content_block_start",
                      R"("index":0,"content_block":{"type":"thinking","thinking":""})") +
      anthropic_event("ping", "") +
      anthropic_event("content_block_delta",
                      R"("index":0,"delta":{"type":"thinking_delta","thinking":"Let me…"})") +
      anthropic_event("content_block_delta",
                      R"("index":0,"delta":{"type":"signature_delta","signature":"sig"})") +
      anthropic_event("content_block_stop", R"("index":0)") +
      anthropic_event("content_block_start", R"("index":1,"content_block":{"type":"text","text":""})") +
      anthropic_event("content_block_delta", R"("index":1,"delta":{"type":"text_delta","text":"Grü"})");
  const std::string rest =
      anthropic_event("content_block_delta", R"("index":1,"delta":{"type":"text_delta","text":"ße 👋!"})") +
      anthropic_event("content_block_stop", R"("index":1)") +
      anthropic_event(
          "content_block_start",
          R"("index":2,"content_block":{"type":"tool_use","id":"call_9","name":"f","input":{}})") +
      anthropic_event("content_block_delta",
                      R"("index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"})") +
      anthropic_event("content_block_delta",
                      R"("index":2,"delta":{"type":"input_json_delta","partial_json":"\"é\"}"})") +
      anthropic_event("content_block_stop", R"("index":2)") +
      anthropic_event("message_delta", R"("delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":8})") +
      anthropic_event("message_stop", "");
  return {"anthropic", make_remote_model<AnthropicModel>, first + rest, first,
          anthropic_event("error", R"("error":{"type":"overloaded_error","message":"engine fell over"})")};
}

/// Everything the sink saw and the response says, as one comparable text.
inline std::string transcript(ChatModel& model, const ChatRequest& request, std::stop_token stop = {}) {
  std::string out;
  const auto response = model.chat(
      request,
      [&](const ChatEvent& event) {
        if (const auto* text = std::get_if<TextDelta>(&event)) out += cat("text ", text->text, "\n");
        if (const auto* reasoning = std::get_if<ReasoningDelta>(&event))
          out += cat("think ", reasoning->text, "\n");
        if (const auto* call = std::get_if<ToolCallDelta>(&event)) {
          out += cat("call ", call->index, " ", call->id, " ", call->name, " ", call->arguments, "\n");
        }
        if (const auto* retry = std::get_if<RetryNotice>(&event)) out += cat("retry ", retry->attempt, "\n");
      },
      stop);
  out +=
      cat(stop_reason_name(response.stop_reason), " ", response.model, " ", response.usage.input_tokens, "/",
          response.usage.cached_tokens, "/", response.usage.output_tokens, "\n", response.message.text());
  for (const auto& call : response.message.tool_calls()) out += cat("\n", call.id, call.name, call.arguments);
  return out;
}

inline ChatRequest simple_request() {
  ChatRequest request;
  request.messages = {Message::system("Be brief."), Message::user("Hello?")};
  return request;
}

}  // namespace quintet
