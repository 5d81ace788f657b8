#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "serving/server.h"

namespace quintet {

/// What is decided about a request when its head has arrived. Exactly one of route, websocket and answer is
/// set.
struct Admission {
  const Route* route = nullptr;
  const WebSocketRoute* websocket = nullptr;
  std::optional<HttpResponse> answer;
  std::string_view static_body;  // the body of `answer` when it is an asset
  HttpHeaders headers;           // to add to whatever is answered
  std::string_view pattern = "(none)";
};

/// Everything between a parsed request and a written response that needs no socket: route → Host and Origin →
/// authentication → rate limit → handler, and the headers that every response gets.
/// Immutable; const methods run concurrently on the I/O threads, handle() also on workers.
class RequestPipeline {
 public:
  RequestPipeline(const ServerOptions& options, Router router, const ServerServices& services);

  /// Fills path, query, parameters, caller and trace of `request`, whose method, headers and request_id are
  /// set.
  Admission admit(HttpRequest& request, std::string_view target, std::string_view remote_address) const;

  /// Runs the handler; what it throws becomes a problem response.
  HttpResponse handle(const HttpHandler& handler, const HttpRequest& request,
                      std::stop_token stop) const noexcept;

  HttpResponse problem(int status, std::string_view code, std::string_view detail,
                       std::string_view request_id, JsonObject extra = {}) const;

  /// Request id, security headers and cache policy, where the response does not set them itself.
  void add_common_headers(HttpResponse& response, const Admission& admission,
                          std::string_view request_id) const;

 private:
  bool is_host_allowed(std::string_view host) const;
  bool is_origin_configured(std::string_view origin) const;
  std::optional<HttpResponse> check_caller(HttpRequest& request, const Admission& admission,
                                           HttpHeaders& headers, std::string_view remote_address) const;
  bool answer_with_asset(const HttpRequest& request, Admission& admission) const;

  const ServerOptions options_;
  const Router router_;
  const ServerServices& services_;
  const bool checks_host_;
  const std::string content_security_policy_;
};

/// "Example.org:8321" → "example.org", "[::1]:80" → "[::1]".
std::string host_without_port(std::string_view host);

}  // namespace quintet
