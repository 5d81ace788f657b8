#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "llm/chat_model.h"
#include "llm/response_builder.h"
#include "llm/retry.h"
#include "net/http_client.h"
#include "net/sse_parser.h"

namespace quintet {

/// Zero means no limit.
struct ModelTimeouts {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds first_byte{120'000};  // silence before the first token
  std::chrono::milliseconds idle{60'000};         // silence after it
  std::chrono::milliseconds total{600'000};       // a whole chat(): attempts and the waits between them
};

/// Where requests go and how patiently; what every remote provider has in common.
struct ProviderEndpoint {
  std::string provider;  // "openai": for messages, ledger and traces
  std::string base_url;  // without a slash at the end
  std::string api_key;   // never in a message: texts from the provider are searched for it
  ModelTimeouts timeouts;
  RetryPolicy retry;
  std::size_t max_response_bytes = std::size_t{32} << 20;
};

/// The provider said no, or its answer cannot be used.
class ProviderFailure : public Error {
 public:
  ProviderFailure(ErrorCode code, const std::string& message, bool is_retryable)
      : Error(code, message), is_retryable_(is_retryable) {}
  bool is_retryable() const noexcept { return is_retryable_; }

  int status = 0;  // HTTP status, 0 when it came inside a stream
  std::optional<std::chrono::milliseconds> retry_after;

 private:
  bool is_retryable_;
};

/// What is known about an answer beyond its message.
struct DecodedAnswer {
  bool is_complete = false;  // the model said that it is finished
  StopReason stop_reason = StopReason::end;
  std::optional<Usage> usage;
  std::string model;
};

/// Turns one provider's stream into builder calls. One per attempt. May throw ProviderFailure and
/// CorruptData.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  virtual void take_event(const SseEvent& event, ResponseBuilder& builder) = 0;
  /// The whole answer at once, from a server that does not stream.
  virtual void take_body(const JsonObject& body, ResponseBuilder& builder) = 0;
  const DecodedAnswer& answer() const noexcept { return answer_; }

 protected:
  DecodedAnswer answer_;
};

struct ProviderCall {
  std::function<ClientRequest()> make_request;  // limits are filled in by call_provider
  std::function<std::unique_ptr<StreamDecoder>()> make_decoder;
  /// Asked once per refusal: true when the request was changed so that it is worth sending again at once, for
  /// servers that do not know every parameter. Must not say true for ever.
  std::function<bool(const ProviderFailure&)> adapt;
};

/// One chat with a remote provider: attempts, waits, decoding, and the rule that nothing is retried or thrown
/// once an event was shown. Same contract as ChatModel::chat; latency and cost are left to InstrumentedModel.
ChatResponse call_provider(HttpClient& client, const ProviderEndpoint& endpoint, const ProviderCall& call,
                           const ChatRequest& request, const ChatSink& sink, std::stop_token stop);

/// The failure that an error body or an error event describes, in any of the shapes that OpenAI, Anthropic,
/// vLLM, llama-server, Ollama, LM Studio, FastAPI and Google's compatible endpoint use. `status` 0 = not
/// known.
ProviderFailure read_provider_error(std::string_view body, int status);

/// `url` without slashes at its end.
std::string trim_base_url(std::string url);

/// `text` fit for an error message: without `secret`, control characters and excess length.
std::string clean_provider_text(std::string_view text, std::string_view secret);

}  // namespace quintet
