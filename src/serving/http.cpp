#include "serving/http.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "serving/response_writer.h"

namespace quintet {

void HttpHeaders::set(std::string_view name, std::string value) {
  const auto is_named = [&](const auto& field) { return iequals_ascii(field.first, name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), is_named);
  if (first == fields_.end()) {
    fields_.emplace_back(std::string(name), std::move(value));
    return;
  }
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), is_named), fields_.end());
}

std::optional<std::string_view> HttpHeaders::get(std::string_view name) const noexcept {
  for (const auto& [field_name, value] : fields_)
    if (field_name.size() == name.size() && iequals_ascii(field_name, name)) return value;
  return std::nullopt;
}

bool Caller::has_scope(std::string_view scope) const noexcept {
  if (scope.empty()) return true;
  return std::any_of(scopes.begin(), scopes.end(), [&](const std::string& held) {
    return held == scope || held == "admin" || (held == "faq" && scope == "chat");
  });
}

JsonObject HttpRequest::json_object() const {
  const std::string_view media_type = trim(split(headers.get("Content-Type").value_or(""), ';').front());
  const bool is_json =
      iequals_ascii(media_type, "application/json") ||
      (media_type.size() > 5 && iequals_ascii(media_type.substr(media_type.size() - 5), "+json"));
  if (!is_json)
    throw UnsupportedMediaType(cat("the request body must be application/json, not '", media_type, "'"));
  Json value = parse_json(body, "request body");
  if (!value.is_object()) throw InvalidArgument("request body: expected a JSON object");
  return std::move(value.get_object());
}

const std::string& HttpRequest::parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  QN_CHECK(found != parameters.end());
  return found->second;
}

std::optional<std::string> HttpRequest::query_value(std::string_view name) const {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

std::int64_t HttpRequest::query_int(std::string_view name, std::int64_t fallback, std::int64_t low,
                                    std::int64_t high) const {
  const auto found = query.find(name);
  if (found == query.end() || found->second.empty()) return fallback;
  const auto value = parse_int(found->second);
  if (!value || *value < low || *value > high)
    throw InvalidArgument(cat("query parameter '", name, "': expected an integer from ", low, " to ", high));
  return *value;
}

HttpResponse HttpResponse::json(const Json& value, int status) {
  return text(to_json(value), "application/json", status);
}

HttpResponse HttpResponse::text(std::string body, std::string content_type, int status) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

HttpResponse HttpResponse::no_content() {
  HttpResponse response;
  response.status = 204;
  return response;
}

HttpResponse HttpResponse::events(EventStreamBody body) {
  HttpResponse response;
  response.headers.add("Content-Type", "text/event-stream");
  response.body = std::move(body);
  return response;
}

HttpResponse HttpResponse::problem(int status, std::string_view code, std::string_view detail,
                                   JsonObject extra) {
  JsonObject object{{"type", "about:blank"},
                    {"title", reason_phrase(status)},
                    {"status", status},
                    {"detail", detail},
                    {"code", code}};
  for (auto& member : extra) object[member.key()] = std::move(member.value());
  return text(to_json(object), "application/problem+json", status);
}

int http_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return 400;
    case ErrorCode::not_found: return 404;
    case ErrorCode::conflict: return 409;
    case ErrorCode::unsupported: return 501;
    case ErrorCode::corrupt_data: return 422;
    case ErrorCode::exhausted: return 507;
    case ErrorCode::unauthorized: return 401;
    case ErrorCode::forbidden: return 403;
    case ErrorCode::cancelled: return 499;
    case ErrorCode::unavailable: return 503;
    case ErrorCode::internal: return 500;
  }
  return 500;
}

}  // namespace quintet
