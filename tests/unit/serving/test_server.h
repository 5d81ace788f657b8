#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/log.h"
#include "core/worker_pool.h"
#include "serving/server.h"

namespace quintet {

/// A server on a free port with its worker pool; routes and options are set before start().
class TestServer {
 public:
  TestServer() : workers(WorkerPool::Options{.max_threads = 8}, null_log()) {
    options.port = 0;
    options.n_io_threads = 2;
  }
  ~TestServer() { server.reset(); }  // before the workers

  void get(std::string pattern, HttpHandler handler, bool is_instant = false) {
    router.add(Route{.method = "GET",
                     .pattern = std::move(pattern),
                     .handler = std::move(handler),
                     .is_instant = is_instant});
  }
  void post(std::string pattern, HttpHandler handler, std::size_t max_body_bytes = 2 << 20) {
    router.add(Route{.method = "POST",
                     .pattern = std::move(pattern),
                     .handler = std::move(handler),
                     .max_body_bytes = max_body_bytes});
  }

  HttpServer& start() {
    server = std::make_unique<HttpServer>(
        options, std::move(router),
        ServerServices{workers, null_log(), authenticate, rate_limiter, assets, on_finished});
    server->start();
    return *server;
  }
  std::uint16_t port() const { return server->port(); }

  WorkerPool workers;
  ServerOptions options;
  Router router;
  Authenticator authenticate;
  RateLimiter* rate_limiter = nullptr;
  const AssetTable* assets = nullptr;
  std::function<void(const AccessRecord&)> on_finished;
  std::unique_ptr<HttpServer> server;
};

inline HttpResponse hello(const HttpRequest&, std::stop_token) {
  return HttpResponse::text("hello", "text/plain");
}

inline HttpResponse echo_body(const HttpRequest& request, std::stop_token) {
  return HttpResponse::text(request.body, "application/octet-stream");
}

}  // namespace quintet
