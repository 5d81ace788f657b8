#include "llm/provider_call.h"

#include <algorithm>
#include <cstring>

#include "core/ids.h"
#include "core/text.h"
#include "llm/token_estimate.h"

namespace quintet {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMaxErrorBytes = 64 * 1024;

/// In [0, 1).
double random_uniform() {
  std::uint64_t bits = 0;
  std::memcpy(&bits, random_bytes(sizeof(bits)).data(), sizeof(bits));
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

bool is_retryable_fault(HttpFault fault) noexcept {
  switch (fault) {
    case HttpFault::resolve:
    case HttpFault::connect:
    case HttpFault::timeout_connect:
    case HttpFault::timeout_first_byte:
    case HttpFault::timeout_idle:
    case HttpFault::cut_off: return true;
    case HttpFault::invalid_url:
    case HttpFault::tls:
    case HttpFault::timeout_total:
    case HttpFault::too_large:
    case HttpFault::garbled:
    case HttpFault::redirect:
    case HttpFault::cancelled: return false;
  }
  return false;
}

/// Receives the bytes of one attempt and knows what kind of body they are.
class BodyReader {
 public:
  BodyReader(StreamDecoder& decoder, ResponseBuilder& builder) : decoder_(decoder), builder_(builder) {}

  void take(const HttpHead& head, std::string_view bytes) {
    n_bytes_ += bytes.size();
    if (head.status < 200 || head.status > 299) {
      text_ += bytes.substr(0, kMaxErrorBytes - std::min(kMaxErrorBytes, text_.size()));
      return;
    }
    if (n_bytes_ == bytes.size()) {
      // Servers that stream do not all say text/event-stream, but those that do not stream say what they
      // send.
      const std::string_view type = find_header(head.headers, "Content-Type").value_or("");
      is_stream_ = type.find("json") == std::string_view::npos && type.find("html") == std::string_view::npos;
    }
    if (is_stream_) {
      sse_.feed(bytes, [this](const SseEvent& event) { decoder_.take_event(event, builder_); });
    } else {
      text_ += bytes;
    }
  }

  /// After the last byte. Throws when the response was a refusal or not an answer.
  void finish(const HttpHead& head) {
    if (head.status < 200 || head.status > 299) throw refusal(head);
    if (!is_stream_ && n_bytes_ != 0) {
      const auto body = try_parse_json(text_);
      if (!body || !body->is_object()) {
        throw CorruptData(cat("answered ", n_bytes_, " bytes that are neither JSON nor an event stream"));
      }
      const Json* error = body->get_object().if_contains("error");
      if (error != nullptr && !error->is_null()) throw read_provider_error(text_, 0);
      decoder_.take_body(body->get_object(), builder_);
    }
    if (decoder_.answer().is_complete) return;
    if (n_bytes_ != 0 && sse_.n_events() == 0 && is_stream_) {
      throw CorruptData(cat("answered ", n_bytes_, " bytes that are not an event stream"));
    }
    throw ProviderFailure(ErrorCode::unavailable, "the stream ended before the answer did", true);
  }

 private:
  ProviderFailure refusal(const HttpHead& head) const {
    if (head.status < 400) {
      return {ErrorCode::invalid_argument,
              cat("HTTP ", head.status, ": the provider redirects; set its base_url to where it is now"),
              false};
    }
    ProviderFailure failure = read_provider_error(text_, head.status);
    if (const auto wish = find_header(head.headers, "x-should-retry"); wish == "false") {
      failure = ProviderFailure(failure.code(), failure.what(), false);
      failure.status = head.status;
    }
    if (const auto value = find_header(head.headers, "Retry-After")) {
      failure.retry_after = parse_retry_after(*value, now_ms());
    }
    return failure;
  }

  StreamDecoder& decoder_;
  ResponseBuilder& builder_;
  SseParser sse_;
  std::string text_;  // of a body that is not a stream, or of an error
  std::size_t n_bytes_ = 0;
  bool is_stream_ = true;
};

/// What went wrong in an attempt, ready to be shown: the provider named, its secrets gone.
ProviderFailure describe(const Error& error, const ProviderEndpoint& endpoint) {
  const std::string message =
      cat(endpoint.provider, ": ", clean_provider_text(error.what(), endpoint.api_key));
  if (const auto* refusal = dynamic_cast<const ProviderFailure*>(&error)) {
    ProviderFailure failure(error.code(), message, refusal->is_retryable());
    failure.status = refusal->status;
    failure.retry_after = refusal->retry_after;
    return failure;
  }
  const auto* transport = dynamic_cast<const HttpFailure*>(&error);
  return {error.code(), message, transport != nullptr && is_retryable_fault(transport->fault())};
}

/// The exception types that callers of chat() know.
[[noreturn]] void rethrow_as_known(const ProviderFailure& failure, int n_attempts) {
  std::string message = failure.what();
  if (n_attempts > 1) message += cat(" (after ", n_attempts, " attempts)");
  if (failure.retry_after && failure.is_retryable()) {
    message += cat(" (asks to wait ", (failure.retry_after->count() + 999) / 1000, " s)");
  }
  switch (failure.code()) {
    case ErrorCode::unauthorized: throw Unauthorized(message);
    case ErrorCode::exhausted: throw Exhausted(message);
    case ErrorCode::invalid_argument: throw InvalidArgument(message);
    case ErrorCode::corrupt_data: throw CorruptData(message);
    default: throw Unavailable(message);
  }
}

/// Tokens of an answer whose provider did not count them, or not to the end.
Usage complete_usage(const DecodedAnswer& answer, const ChatRequest& request, const Message& message) {
  if (answer.usage && answer.is_complete) return *answer.usage;
  Usage usage = answer.usage.value_or(Usage{});
  if (!answer.usage) usage.input_tokens = estimate_input_tokens(request);
  std::int64_t n_received = 0;
  for (const Part& part : message.parts) {
    if (const auto* text = std::get_if<TextPart>(&part)) n_received += estimate_tokens(text->text);
    if (const auto* reasoning = std::get_if<ReasoningPart>(&part))
      n_received += estimate_tokens(reasoning->text);
    if (const auto* tool = std::get_if<ToolCallPart>(&part)) n_received += estimate_tokens(tool->arguments);
  }
  usage.output_tokens = std::max(usage.output_tokens, n_received);
  return usage;
}

ChatResponse make_response(const ProviderEndpoint& endpoint, const ChatRequest& request,
                           const DecodedAnswer& answer, ResponseBuilder& builder, int n_attempts) {
  ChatResponse response;
  response.stop_reason = answer.stop_reason;
  response.provider = endpoint.provider;
  response.model = answer.model.empty() ? request.model : answer.model;
  response.n_attempts = n_attempts;
  if (answer.is_complete || answer.usage || builder.has_shown()) {
    response.usage = complete_usage(answer, request, builder.message());
  }
  response.message = builder.take_message();
  return response;
}

}  // namespace

ChatResponse call_provider(HttpClient& client, const ProviderEndpoint& endpoint, const ProviderCall& call,
                           const ChatRequest& request, const ChatSink& sink, std::stop_token stop) {
  const auto started = Clock::now();
  const auto time_left = [&] {
    return endpoint.timeouts.total - std::chrono::floor<milliseconds>(Clock::now() - started);
  };
  const bool has_total = endpoint.timeouts.total.count() > 0;

  for (int attempt = 1;;) {
    ResponseBuilder builder(sink);
    const auto decoder = call.make_decoder();
    BodyReader reader(*decoder, builder);
    std::optional<ProviderFailure> failure;
    bool was_cancelled = stop.stop_requested();
    try {
      ClientRequest http = call.make_request();
      http.limits.connect = endpoint.timeouts.connect;
      http.limits.first_byte = endpoint.timeouts.first_byte;
      // Servers announce an answer, or keep the line alive, long before the first token.
      http.limits.idle = endpoint.timeouts.first_byte;
      http.limits.max_body_bytes = endpoint.max_response_bytes;
      if (has_total) http.limits.total = std::max(milliseconds(1), time_left());
      if (!was_cancelled) {
        const auto take = [&](const HttpHead& head, std::string_view bytes) {
          reader.take(head, bytes);
          if (builder.has_shown()) http.limits.idle = endpoint.timeouts.idle;
        };
        const HttpHead head = client.send(http, take, stop).head;
        reader.finish(head);
      }
    } catch (const Error& error) {
      if (builder.sink_threw()) throw;
      const auto* transport = dynamic_cast<const HttpFailure*>(&error);
      was_cancelled = transport != nullptr && transport->fault() == HttpFault::cancelled;
      // After the model's last word a broken connection loses nothing.
      const bool is_harmless = transport != nullptr && decoder->answer().is_complete;
      if (!was_cancelled && !is_harmless) failure = describe(error, endpoint);
    }

    if (!failure || builder.has_shown() || was_cancelled) {
      ChatResponse response = make_response(endpoint, request, decoder->answer(), builder, attempt);
      if (was_cancelled && !decoder->answer().is_complete) response.stop_reason = StopReason::cancelled;
      if (failure) {
        response.stop_reason = StopReason::interrupted;
        response.interruption = failure->what();
      }
      return response;
    }

    if (call.adapt && call.adapt(*failure)) continue;
    std::optional<milliseconds> delay;
    if (failure->is_retryable())
      delay = retry_delay(endpoint.retry, attempt, failure->retry_after, random_uniform());
    if (!delay || (has_total && *delay >= time_left())) rethrow_as_known(*failure, attempt);
    if (sink) sink(RetryNotice{attempt, static_cast<double>(delay->count()) / 1000.0, failure->what()});
    ++attempt;
    wait_unless_stopped(*delay, stop);  // a stop is seen by the next attempt
  }
}

}  // namespace quintet
