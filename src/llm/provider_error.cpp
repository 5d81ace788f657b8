#include <algorithm>

#include "core/text.h"
#include "llm/provider_call.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxMessageBytes = 600;
// Shorter than any real key; replacing it everywhere would only garble the message.
constexpr std::size_t kMinSecretBytes = 4;

struct ErrorFields {
  std::string message;
  std::string type;
  std::string code;
  int status = 0;
};

std::string text_of(const Json* value) {
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) return std::string(value->get_string());
  return to_json(*value);
}

void read_object(const JsonObject& object, ErrorFields& fields) {
  // {"error": {…}}, {"error": "…"}, or the fields themselves (vLLM before 0.10).
  if (const Json* error = object.if_contains("error"); error != nullptr && !error->is_null()) {
    if (error->is_object()) {
      read_object(error->get_object(), fields);
    } else {
      fields.message = text_of(error);
    }
    return;
  }
  fields.message = text_of(object.if_contains("message"));
  if (fields.message.empty()) fields.message = text_of(object.if_contains("detail"));  // FastAPI
  fields.type = text_of(object.if_contains("type"));
  const Json* code = object.if_contains("code");
  fields.code = text_of(code);
  if (code != nullptr && code->is_number())
    fields.status = static_cast<int>(parse_int(fields.code).value_or(0));
}

ErrorFields read_fields(std::string_view body) {
  ErrorFields fields;
  if (const auto json = try_parse_json(body)) {
    const Json* value = &*json;
    if (value->is_array() && !value->get_array().empty()) value = &value->get_array().front();  // Google
    if (value->is_object()) {
      read_object(value->get_object(), fields);
      return fields;
    }
  }
  // A proxy's page or plain words.
  if (body.find('<') == std::string_view::npos) fields.message = trim(body);
  return fields;
}

/// A status for the words that errors inside a stream use instead of one.
int status_of(const ErrorFields& fields) {
  const std::string words = cat(fields.type, " ", fields.code);
  const auto has = [&](std::string_view word) { return words.find(word) != std::string::npos; };
  if (has("rate_limit")) return 429;
  if (has("insufficient_quota") || has("billing")) return 402;
  if (has("authentication") || has("invalid_api_key")) return 401;
  if (has("permission")) return 403;
  if (has("not_found")) return 404;
  if (has("invalid_request") || has("BadRequest") || has("context_length")) return 400;
  if (has("overloaded")) return 529;
  return 0;
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
    case 403: return ErrorCode::unauthorized;
    case 402:
    case 429: return ErrorCode::exhausted;
    case 408:
    case 409: return ErrorCode::unavailable;
    default: return status >= 400 && status < 500 ? ErrorCode::invalid_argument : ErrorCode::unavailable;
  }
}

}  // namespace

ProviderFailure read_provider_error(std::string_view body, int status) {
  const ErrorFields fields = read_fields(body);
  const bool is_in_stream = status == 0;
  if (is_in_stream) status = fields.status >= 400 && fields.status <= 599 ? fields.status : status_of(fields);
  // An empty purse does not fill by waiting (OpenAI answers 429 for it).
  const bool is_out_of_quota = fields.code == "insufficient_quota" || fields.type == "insufficient_quota";
  const bool is_retryable =
      !is_out_of_quota && (is_retryable_status(status) || (is_in_stream && status == 0));
  std::string message = is_in_stream ? "error in the stream" : cat("HTTP ", status);
  if (!fields.message.empty()) message += cat(": ", fields.message);
  if (fields.message.empty() && !fields.type.empty()) message += cat(": ", fields.type);
  ProviderFailure failure(code_of(status), message, is_retryable);
  failure.status = is_in_stream ? 0 : status;
  return failure;
}

std::string trim_base_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string clean_provider_text(std::string_view text, std::string_view secret) {
  std::string clean = sanitize_utf8(text);
  if (secret.size() >= kMinSecretBytes) clean = replace_all(std::move(clean), secret, "[redacted]");
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; },
      ' ');
  if (clean.size() > kMaxMessageBytes) clean = cat(truncate_utf8(clean, kMaxMessageBytes), "…");
  return clean;
}

}  // namespace quintet
