#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serving/auth.h"
#include "serving/rate_limit.h"
#include "serving/request_parser.h"
#include "serving/router.h"
#include "serving/static_assets.h"

namespace quintet {

class Log;
class WorkerPool;

struct ServerTimeouts {
  std::chrono::milliseconds header{10'000};  // from a request's first byte to the end of its head; then 408
  std::chrono::milliseconds body_stall{30'000};   // between two arrivals of body bytes; then 408
  std::chrono::milliseconds keep_alive{60'000};   // between two requests; then closed
  std::chrono::milliseconds write_stall{60'000};  // while the peer takes nothing; then closed
  std::chrono::milliseconds linger{
      2'000};  // for the peer to read an answer that came before its request ended
  std::chrono::milliseconds heartbeat{15'000};  // between two writes on an event stream
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // an IP address or "localhost"
  std::uint16_t port = 8321;          // 0 = any free one
  std::size_t n_io_threads = 1;
  std::size_t max_connections = 4'096;  // more are answered with 503 and closed
  RequestParserLimits request_limits{};
  ServerTimeouts timeouts{};
  std::vector<std::string> allowed_hosts{};    // names for the Host check on loopback, without port
  std::vector<std::string> allowed_origins{};  // "https://example.org": may change state and read answers
  std::filesystem::path tls_certificate{};     // PEM chain; both given = HTTPS only
  std::filesystem::path tls_key{};             // PEM
};

/// One finished request, for metrics and the access log. Views are valid during the call.
struct AccessRecord {
  std::string_view route;  // the pattern, "(asset)" or "(none)": few distinct values
  std::string_view method;
  int status = 0;
  double seconds = 0;  // from the complete head to the last byte handed to the system
  std::uint64_t request_body_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::string_view request_id;
  std::string_view remote_address;
};

/// What the server uses and does not own; all outlive it.
struct ServerServices {
  WorkerPool& workers;
  Log& log;
  Authenticator authenticate{};                            // empty = everybody has every scope
  RateLimiter* rate_limiter = nullptr;                     // null = no limit
  const AssetTable* assets = nullptr;                      // null = no web client
  std::function<void(const AccessRecord&)> on_finished{};  // on an I/O thread: must not block
};

/// HTTP/1.1 server with keep-alive, pipelining, server-sent events, WebSocket and TLS on Boost.Asio
/// coroutines.
///
/// One or more I/O threads own the connections, each connection staying on its thread; handlers run on the
/// worker pool. The constructor binds and listens, start() begins to accept.
class HttpServer {
 public:
  /// Throws Unavailable naming the address when it cannot be bound, InvalidArgument for an address,
  /// certificate or key that is none.
  HttpServer(ServerOptions options, Router router, ServerServices services);
  ~HttpServer();  // stop(0)
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void start();

  /// In two steps: closes the listener and idle connections and lets what runs finish for `drain_limit`; then
  /// closes every connection and requests the stop_token of every handler. Returns when no handler runs any
  /// more. Calling it again, from another thread too, shortens nothing and waits as well.
  void stop(std::chrono::milliseconds drain_limit);

  std::uint16_t port() const noexcept;
  std::string url() const;  // "http://127.0.0.1:8321"
  std::size_t n_connections() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The Content-Security-Policy of our pages, for handlers whose page may be framed by others.
std::string content_security_policy(std::string_view frame_ancestors);

}  // namespace quintet
