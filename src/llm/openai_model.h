#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "llm/chat_model.h"
#include "llm/openai_wire.h"
#include "llm/provider_call.h"

namespace quintet {

/// Any server that speaks OpenAI's Chat Completions: OpenAI, vLLM, llama-server, Ollama, LM Studio,
/// OpenRouter … chat() may run concurrently.
class OpenAiModel final : public ChatModel {
 public:
  struct Options {
    std::string id;  // empty = "<provider>:<model>"
    std::string provider = "openai";
    std::string base_url = "https://api.openai.com/v1";
    std::string api_key;  // empty for local servers
    std::string model;    // when the request names none
    std::int64_t context_tokens = 0;
    ModelTimeouts timeouts;
    RetryPolicy retry;
    std::optional<bool> uses_max_completion_tokens;  // nothing = yes for api.openai.com only
    std::vector<HttpHeader> extra_headers;
    JsonObject extra_body;  // members added to every request, e.g. {"reasoning_effort": "low"}
    std::size_t max_response_bytes = std::size_t{32} << 20;
  };

  /// `client` must outlive the model.
  OpenAiModel(Options options, HttpClient& client);

  ChatModelInfo info() const override;
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override;

 private:
  ClientRequest make_request(const ChatRequest& request, const OpenAiDialect& dialect) const;
  bool adapt(const ProviderFailure& failure, OpenAiDialect& dialect);

  const Options options_;
  const ProviderEndpoint endpoint_;
  HttpClient& client_;
  const bool is_openai_itself_;
  // Learned from the server's refusals.
  std::atomic<bool> uses_max_completion_tokens_;
  std::atomic<bool> sends_stream_options_{true};
};

}  // namespace quintet
