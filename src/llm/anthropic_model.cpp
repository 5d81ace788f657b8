#include "llm/anthropic_model.h"

#include "core/text.h"

namespace quintet {

AnthropicModel::AnthropicModel(Options options, HttpClient& client)
    : options_(std::move(options)),
      endpoint_{options_.provider, trim_base_url(options_.base_url), options_.api_key, options_.timeouts,
                options_.retry,    options_.max_response_bytes},
      client_(client) {}

ChatModelInfo AnthropicModel::info() const {
  return {.id = options_.id.empty() ? cat(options_.provider, ":", options_.model) : options_.id,
          .provider = options_.provider,
          .model = options_.model,
          .is_generative = true,
          .context_tokens = options_.context_tokens};
}

ClientRequest AnthropicModel::make_request(const ChatRequest& request) const {
  JsonObject body = encode_anthropic_request(request, options_.model, options_.default_max_tokens);
  for (const auto& member : options_.extra_body) body[member.key()] = member.value();
  ClientRequest http;
  http.method = "POST";
  http.url = cat(endpoint_.base_url, endpoint_.base_url.ends_with("/v1") ? "" : "/v1", "/messages");
  http.headers = options_.extra_headers;
  http.headers.push_back({"Content-Type", "application/json"});
  http.headers.push_back({"Accept", "text/event-stream"});
  http.headers.push_back({"anthropic-version", "2023-06-01"});
  if (!endpoint_.api_key.empty()) http.headers.push_back({"x-api-key", endpoint_.api_key});
  http.body = to_json(body);
  return http;
}

ChatResponse AnthropicModel::chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) {
  const ProviderCall call{.make_request = [&] { return make_request(request); },
                          .make_decoder = [] { return std::make_unique<AnthropicStreamDecoder>(); },
                          .adapt = {}};
  ChatResponse response = call_provider(client_, endpoint_, call, request, sink, std::move(stop));
  if (response.model.empty()) response.model = options_.model;
  return response;
}

}  // namespace quintet
