#include "llm/openai_model.h"

#include "core/text.h"

namespace quintet {

OpenAiModel::OpenAiModel(Options options, HttpClient& client)
    : options_(std::move(options)),
      endpoint_{options_.provider, trim_base_url(options_.base_url), options_.api_key, options_.timeouts,
                options_.retry,    options_.max_response_bytes},
      client_(client),
      is_openai_itself_(url_origin(endpoint_.base_url) == "https://api.openai.com"),
      uses_max_completion_tokens_(options_.uses_max_completion_tokens.value_or(is_openai_itself_)) {}

ChatModelInfo OpenAiModel::info() const {
  return {.id = options_.id.empty() ? cat(options_.provider, ":", options_.model) : options_.id,
          .provider = options_.provider,
          .model = options_.model,
          .is_generative = true,
          .context_tokens = options_.context_tokens};
}

ClientRequest OpenAiModel::make_request(const ChatRequest& request, const OpenAiDialect& dialect) const {
  JsonObject body = encode_openai_request(request, options_.model, dialect);
  for (const auto& member : options_.extra_body) body[member.key()] = member.value();
  ClientRequest http;
  http.method = "POST";
  http.url = cat(endpoint_.base_url, "/chat/completions");
  http.headers = options_.extra_headers;
  http.headers.push_back({"Content-Type", "application/json"});
  http.headers.push_back({"Accept", "text/event-stream"});
  if (!endpoint_.api_key.empty())
    http.headers.push_back({"Authorization", cat("Bearer ", endpoint_.api_key)});
  http.body = to_json(body);
  return http;
}

/// Changes `dialect` for this call and what the next calls begin with.
bool OpenAiModel::adapt(const ProviderFailure& failure, OpenAiDialect& dialect) {
  if (failure.status != 400 && failure.status != 422) return false;
  const std::string_view message = failure.what();
  if (dialect.sends_stream_options && message.find("stream_options") != std::string_view::npos) {
    dialect.sends_stream_options = sends_stream_options_ = false;
    return true;
  }
  // "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead."
  if (!dialect.uses_max_completion_tokens &&
      message.find("max_completion_tokens") != std::string_view::npos) {
    dialect.uses_max_completion_tokens = uses_max_completion_tokens_ = true;
    return true;
  }
  return false;
}

ChatResponse OpenAiModel::chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) {
  OpenAiDialect dialect{.uses_max_completion_tokens = uses_max_completion_tokens_,
                        .sends_stream_options = sends_stream_options_,
                        .sends_sampling_extensions = !is_openai_itself_};
  const ProviderCall call{.make_request = [&] { return make_request(request, dialect); },
                          .make_decoder = [] { return std::make_unique<OpenAiStreamDecoder>(); },
                          .adapt = [&](const ProviderFailure& failure) { return adapt(failure, dialect); }};
  ChatResponse response = call_provider(client_, endpoint_, call, request, sink, std::move(stop));
  if (response.model.empty()) response.model = options_.model;
  return response;
}

}  // namespace quintet
