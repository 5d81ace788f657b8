#pragma once

#include <string>
#include <vector>

#include "llm/anthropic_wire.h"
#include "llm/chat_model.h"
#include "llm/provider_call.h"

namespace quintet {

/// Anthropic's Messages API, or a server that speaks it. chat() may run concurrently.
class AnthropicModel final : public ChatModel {
 public:
  struct Options {
    std::string id;  // empty = "<provider>:<model>"
    std::string provider = "anthropic";
    std::string base_url = "https://api.anthropic.com";  // with or without "/v1"
    std::string api_key;
    std::string model;  // when the request names none
    std::int64_t context_tokens = 0;
    ModelTimeouts timeouts;
    RetryPolicy retry;
    int default_max_tokens = kDefaultAnthropicMaxTokens;
    std::vector<HttpHeader> extra_headers;
    JsonObject extra_body;  // members added to every request
    std::size_t max_response_bytes = std::size_t{32} << 20;
  };

  /// `client` must outlive the model.
  AnthropicModel(Options options, HttpClient& client);

  ChatModelInfo info() const override;
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override;

 private:
  ClientRequest make_request(const ChatRequest& request) const;

  const Options options_;
  const ProviderEndpoint endpoint_;
  HttpClient& client_;
};

}  // namespace quintet
