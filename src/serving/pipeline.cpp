#include "serving/pipeline.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "core/time.h"
#include "serving/request_target.h"
#include "telemetry/trace.h"

namespace quintet {
namespace {

constexpr std::array<std::string_view, 7> kKnownMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                           "PATCH", "DELETE", "OPTIONS"};

bool is_known(std::string_view method) {
  return std::find(kKnownMethods.begin(), kKnownMethods.end(), method) != kKnownMethods.end();
}

bool changes_state(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

bool starts_with_media_type(std::string_view value, std::string_view type) {
  return starts_with_ignoring_case(value, type);
}

/// A page in a browser asks for HTML by name; curl and fetch() send "*/*".
bool wants_page(const HttpRequest& request) {
  const auto accept = request.headers.get("Accept");
  return accept && accept->find("text/html") != std::string_view::npos &&
         accepted_quality(*accept, "text/html").value_or(0) > 0;
}

/// "https://Example.org:443" → host and port as a Host field of that scheme would write them.
std::string_view origin_authority(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

/// RFC 9110 §6.6.1; the text changes once a second, each thread keeps its own.
const std::string& date_text() {
  thread_local TimestampMs second = -1;
  thread_local std::string text;
  const TimestampMs now = now_ms() / 1000;
  if (now != second) {
    text = to_http_date(now * 1000);
    second = now;
  }
  return text;
}

void add_missing(HttpHeaders& headers, std::string_view name, std::string_view value) {
  if (!headers.get(name)) headers.add(std::string(name), std::string(value));
}

}  // namespace

std::string content_security_policy(std::string_view frame_ancestors) {
  return cat(
      "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
      "connect-src 'self'; object-src 'none'; frame-ancestors ",
      frame_ancestors, "; base-uri 'none'; form-action 'self'");
}

std::string host_without_port(std::string_view host) {
  if (host.starts_with('['))
    return ascii_lower(host.substr(0, std::min(host.find(']'), host.size() - 1) + 1));
  return ascii_lower(host.substr(0, host.find(':')));
}

RequestPipeline::RequestPipeline(const ServerOptions& options, Router router, const ServerServices& services)
    : options_(options),
      router_(std::move(router)),
      services_(services),
      checks_host_(is_loopback_address(options.address)),
      content_security_policy_(content_security_policy("'none'")) {}

bool RequestPipeline::is_host_allowed(std::string_view host_field) const {
  if (!checks_host_) return true;
  const std::string host = host_without_port(trim(host_field));
  if (host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == options_.address ||
      host == cat("[", options_.address, "]"))
    return true;
  return std::any_of(options_.allowed_hosts.begin(), options_.allowed_hosts.end(),
                     [&](const std::string& allowed) { return host_without_port(allowed) == host; });
}

bool RequestPipeline::is_origin_configured(std::string_view origin) const {
  return std::any_of(options_.allowed_origins.begin(), options_.allowed_origins.end(),
                     [&](const std::string& allowed) { return iequals_ascii(allowed, origin); });
}

Admission RequestPipeline::admit(HttpRequest& request, std::string_view target,
                                 std::string_view remote_address) const {
  Admission admission;
  const auto refuse = [&](int status, std::string_view code, std::string_view detail) -> Admission& {
    admission.route = nullptr;
    admission.websocket = nullptr;
    admission.answer = problem(status, code, detail, request.request_id);
    return admission;
  };
  if (!is_known(request.method))
    return refuse(501, "unsupported", cat("the method ", request.method, " is not implemented"));
  auto parsed = parse_request_target(target);
  if (!parsed)
    return refuse(400, "invalid_argument",
                  "the request target is not a path with valid percent-encoded UTF-8");
  request.path = std::move(parsed->path);
  request.query = std::move(parsed->query);
  if (const auto header = request.headers.get("traceparent")) request.trace = parse_traceparent(*header);

  // RFC 9112 §3.2.2: the authority of the absolute form stands above the Host field.
  const std::string host(parsed->authority.empty() ? request.headers.get("Host").value_or("")
                                                   : parsed->authority);
  if (!is_host_allowed(host))
    return refuse(
        421, "forbidden",
        cat("this server does not answer for the host '", host, "'; configure it as an allowed host"));
  if (parsed->is_asterisk) {
    if (request.method != "OPTIONS") return refuse(400, "invalid_argument", "only OPTIONS can ask for '*'");
    admission.answer = HttpResponse::no_content();
    return admission;
  }

  RouteMatch match = router_.find(request.method, parsed->raw_path);
  const auto origin = request.headers.get("Origin");
  const bool is_foreign_friend = origin && is_origin_configured(*origin);
  if (is_foreign_friend) {
    admission.headers.add("Access-Control-Allow-Origin", std::string(*origin));
    admission.headers.add("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, RateLimit-Remaining");
    admission.headers.add("Vary", "Origin");
  }
  if (match.route) {
    admission.route = match.route;
    admission.pattern = match.route->pattern;
  } else if (match.websocket) {
    admission.websocket = match.websocket;
    admission.pattern = match.websocket->pattern;
  } else if (request.method == "OPTIONS" && !match.allow.empty()) {
    admission.answer = HttpResponse::no_content();
    admission.headers.add("Allow", match.allow);
    if (is_foreign_friend) {
      admission.headers.add("Access-Control-Allow-Methods", match.allow);
      admission.headers.add("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID");
      admission.headers.add("Access-Control-Max-Age", "600");
    }
    return admission;
  } else if (!match.allow.empty()) {
    admission.headers.add("Allow", match.allow);
    return refuse(405, "unsupported", cat(request.path, " takes ", match.allow, ", not ", request.method));
  } else if (answer_with_asset(request, admission)) {
    return admission;
  } else {
    return refuse(404, "not_found", cat("there is nothing at ", request.path));
  }
  request.parameters = std::move(match.parameters);

  // A WebSocket can be opened by any page (no CORS), so it counts as a change.
  if (origin && !is_foreign_friend && (changes_state(request.method) || admission.websocket) &&
      !iequals_ascii(origin_authority(*origin), host))
    return refuse(403, "forbidden",
                  cat("requests from pages of ", *origin,
                      " are not accepted; configure it as an "
                      "allowed origin"));
  if (auto refusal = check_caller(request, admission, admission.headers, remote_address)) {
    admission.route = nullptr;
    admission.websocket = nullptr;
    admission.answer = std::move(refusal);
  }
  return admission;
}

std::optional<HttpResponse> RequestPipeline::check_caller(HttpRequest& request, const Admission& admission,
                                                          HttpHeaders& headers,
                                                          std::string_view remote_address) const {
  const bool is_public = admission.route ? admission.route->is_public : admission.websocket->is_public;
  const std::string& scope = admission.route ? admission.route->scope : admission.websocket->scope;
  AuthResult auth{true, {"", {"faq", "admin"}, ""}, ""};
  if (services_.authenticate && !(is_public && admission.route && admission.route->is_instant)) {
    try {
      auth = services_.authenticate(request);
    } catch (const std::exception& error) {
      services_.log.error("the authenticator failed",
                          {{"request_id", request.request_id}, {"error", error.what()}});
      return problem(503, "unavailable", "keys cannot be checked now", request.request_id);
    }
  }
  request.caller = std::move(auth.caller);
  request.caller.remote_address = remote_address;
  // Health checks and metrics are cheap, and refusing them hides an overloaded server from its supervisor.
  const bool is_limited =
      services_.rate_limiter && !(admission.route && admission.route->is_instant && is_public);
  if (is_limited) {
    // A visitor may draw a new name at will, but not a new address.
    const std::string& key_id = request.caller.key_id;
    const std::string client =
        key_id.empty() || is_visitor(key_id) ? cat("address ", remote_address) : cat("key ", key_id);
    const RateDecision decision = services_.rate_limiter->take(client);
    decision.add_headers(headers);
    if (!decision.is_allowed)
      return problem(429, "exhausted",
                     cat("too many requests; try again in ", decision.retry_after_seconds, " s"),
                     request.request_id);
  }
  if (is_public) return std::nullopt;
  if (!auth.is_accepted) {
    headers.add("WWW-Authenticate", "Bearer realm=\"quintet\"");
    return problem(401, "unauthorized", auth.problem, request.request_id);
  }
  if (!request.caller.has_scope(scope))
    return problem(403, "forbidden", cat("the key lacks the scope '", scope, "'"), request.request_id);
  return std::nullopt;
}

bool RequestPipeline::answer_with_asset(const HttpRequest& request, Admission& admission) const {
  if (!services_.assets || (request.method != "GET" && request.method != "HEAD")) return false;
  const Asset* asset = services_.assets->find(request.path == "/" ? "/index.html" : request.path);
  // The client's own router knows what the path of a page means; a missing file of its own stays 404.
  if (!asset && !request.path.starts_with("/api/") && !request.path.starts_with("/assets/") &&
      wants_page(request))
    asset = services_.assets->find("/index.html");
  if (!asset) return false;
  AssetReply reply = reply_with(*asset, request.headers);
  HttpResponse response;
  response.status = reply.status;
  response.headers = std::move(reply.headers);
  admission.answer = std::move(response);
  admission.static_body = reply.body;
  admission.pattern = "(asset)";
  return true;
}

HttpResponse RequestPipeline::handle(const HttpHandler& handler, const HttpRequest& request,
                                     std::stop_token stop) const noexcept {
  int status = 500;
  std::string_view code = "internal";
  try {
    try {
      return handler(request, std::move(stop));
    } catch (const HttpError& error) {
      return problem(error.status(), error_code_name(error.code()), error.what(), request.request_id,
                     error.extra());
    } catch (const UnsupportedMediaType& error) {
      return problem(415, "unsupported", error.what(), request.request_id);
    } catch (const Error& error) {
      status = http_status(error.code());
      code = error_code_name(error.code());
      if (error.code() != ErrorCode::internal) {
        HttpResponse response = problem(status, code, error.what(), request.request_id);
        if (status == 503) response.headers.add("Retry-After", "1");
        return response;
      }
      services_.log.error("a request failed", {{"request_id", request.request_id}, {"error", error.what()}});
    } catch (const std::exception& error) {
      services_.log.error("a request failed", {{"request_id", request.request_id}, {"error", error.what()}});
    }
    return problem(status, code,
                   "something went wrong inside the server; its log has more under the request id",
                   request.request_id);
  } catch (const std::exception&) {  // no memory even for the apology
    HttpResponse response;
    response.status = 500;
    return response;
  }
}

HttpResponse RequestPipeline::problem(int status, std::string_view code, std::string_view detail,
                                      std::string_view request_id, JsonObject extra) const {
  extra["request_id"] = request_id;
  return HttpResponse::problem(status, code, detail, std::move(extra));
}

void RequestPipeline::add_common_headers(HttpResponse& response, const Admission& admission,
                                         std::string_view request_id) const {
  HttpHeaders& headers = response.headers;
  for (const auto& [name, value] : admission.headers.fields()) headers.add(name, value);
  headers.add("Date", date_text());
  headers.add("X-Request-Id", std::string(request_id));
  add_missing(headers, "X-Content-Type-Options", "nosniff");
  add_missing(headers, "Referrer-Policy", "no-referrer");
  const std::string type(headers.get("Content-Type").value_or(""));
  if (starts_with_media_type(type, "text/html")) {
    add_missing(headers, "Content-Security-Policy", content_security_policy_);
    add_missing(headers, "Cross-Origin-Opener-Policy", "same-origin");
    add_missing(headers, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
  } else if (starts_with_media_type(type, "application/json") ||
             starts_with_media_type(type, "application/problem+json")) {
    add_missing(headers, "Cross-Origin-Resource-Policy", "same-origin");
  }
  add_missing(headers, "Cache-Control", "no-store");
  if (std::holds_alternative<EventStreamBody>(response.body))
    add_missing(headers, "X-Accel-Buffering", "no");  // nginx would hold events back
}

}  // namespace quintet
