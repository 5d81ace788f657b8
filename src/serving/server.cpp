#include "serving/server.h"

#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "serving/http_connection.h"

namespace quintet {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

tcp::endpoint parse_endpoint(const std::string& address, std::uint16_t port) {
  error_code error;
  const auto ip = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, error);
  if (error) throw InvalidArgument(cat("serve: '", address, "' is not an IP address"));
  return {ip, port};
}

}  // namespace

struct HttpServer::Impl {
  Impl(ServerOptions options_in, Router router, ServerServices services_in)
      : options(std::move(options_in)),
        services(std::move(services_in)),
        pipeline(options, std::move(router), services),
        environment{options, services, pipeline} {
    if (options.tls_certificate.empty() != options.tls_key.empty())
      throw InvalidArgument("serve: TLS needs both a certificate and a key");
    if (!options.tls_certificate.empty())
      tls = std::make_unique<TlsContext>(options.tls_certificate, options.tls_key);
    for (std::size_t i = 0; i < std::max<std::size_t>(1, options.n_io_threads); ++i)
      loops.push_back(std::make_shared<IoLoop>());
    listen();
  }

  const ServerOptions options;
  const ServerServices services;
  const RequestPipeline pipeline;
  ConnectionEnvironment environment;
  std::unique_ptr<TlsContext> tls;
  std::vector<std::shared_ptr<IoLoop>> loops;  // the acceptor lives on the first
  std::optional<tcp::acceptor> acceptor;
  tcp::endpoint bound;

  std::mutex stop_mutex;  // one stop() at a time; guards the three below
  std::vector<std::thread> threads;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  bool is_stopped = false;

  void listen() {
    const tcp::endpoint endpoint = parse_endpoint(options.address, options.port);
    acceptor.emplace(loops.front()->context);
    error_code error;
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(1024, error);
    if (error)
      throw Unavailable(cat("serve: cannot listen on ", options.address, ":", options.port, ": ",
                            error.message(), "; choose another port or stop what uses it"));
    bound = acceptor->local_endpoint();
  }

  void start() {
    const std::lock_guard lock(stop_mutex);
    QN_CHECK(threads.empty() && !is_stopped);
    asio::co_spawn(loops.front()->context, accept_connections(), asio::detached);
    for (const auto& loop : loops) {
      guards.push_back(asio::make_work_guard(loop->context));
      threads.emplace_back([loop, this] { run_loop(*loop); });
    }
  }

  void run_loop(IoLoop& loop) const {
    for (;;) {
      try {
        loop.context.run();
        return;
      } catch (const std::exception& error) {  // a callback of the composition; the loop must go on
        services.log.error("an I/O callback failed", {{"error", error.what()}});
      }
    }
  }

  asio::awaitable<void> accept_connections() {
    asio::steady_timer pause(loops.front()->context);
    for (std::size_t n = 0;; ++n) {
      const auto& loop = loops[n % loops.size()];
      tcp::socket socket(loop->context);
      error_code error;
      co_await acceptor->async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (!acceptor->is_open()) co_return;
      if (error) {  // usually out of file descriptors: wait for one
        services.log.warning("cannot accept a connection", {{"error", error.message()}});
        pause.expires_after(std::chrono::milliseconds(100));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      take(loop, std::move(socket));
    }
  }

  void take(const std::shared_ptr<IoLoop>& loop, tcp::socket socket) {
    // Somewhat more than the limit get a polite 503 (see HttpConnection); beyond that there is only the
    // closed door.
    const std::size_t hard_limit = options.max_connections + options.max_connections / 8 + 16;
    if (environment.n_connections.load() >= hard_limit) return;
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) return;  // gone already
    socket.set_option(tcp::no_delay(true), error);
    const bool is_surplus = environment.n_connections.fetch_add(1) >= options.max_connections;
    asio::post(loop->context, [this, loop, is_surplus, address = remote.address().to_string(),
                               socket = std::move(socket)]() mutable {
      auto stream = tls ? tls->make_stream(std::move(socket)) : make_plain_stream(std::move(socket));
      std::make_shared<HttpConnection>(loop, environment, std::move(stream), std::move(address), is_surplus)
          ->start();
    });
  }

  void tell_loops(bool is_forced) {
    for (const auto& loop : loops)
      asio::post(loop->context, [loop = loop.get(), is_forced] {
        loop->is_draining = true;
        loop->is_forced = is_forced;
        for (HttpConnection* connection : loop->connections) connection->notice_stopping();
      });
  }

  bool wait_until_left(std::chrono::milliseconds limit) {
    std::unique_lock lock(environment.mutex);
    return environment.all_left.wait_for(lock, limit, [&] { return environment.n_connections.load() == 0; });
  }

  void stop(std::chrono::milliseconds drain_limit) {
    const std::lock_guard lock(stop_mutex);
    if (is_stopped) return;
    is_stopped = true;
    if (threads.empty()) {
      error_code ignored;
      acceptor->close(ignored);
      return;
    }
    std::promise<void> closed;
    asio::post(loops.front()->context, [&] {
      error_code ignored;
      acceptor->close(ignored);
      closed.set_value();
    });
    closed.get_future().wait();
    tell_loops(false);
    if (!wait_until_left(drain_limit)) {
      tell_loops(true);
      while (!wait_until_left(std::chrono::seconds(5)))
        services.log.warning("waiting for handlers that do not stop",
                             {{"connections", environment.n_connections.load()}});
    }
    guards.clear();
    for (auto& thread : threads) thread.join();
    threads.clear();
  }
};

HttpServer::HttpServer(ServerOptions options, Router router, ServerServices services)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(router), std::move(services))) {}

// Threads that cannot be stopped would go on using what is being destroyed: then the process has to end.
// NOLINTNEXTLINE(bugprone-exception-escape)
HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds(0));
}

void HttpServer::start() {
  impl_->start();
}
void HttpServer::stop(std::chrono::milliseconds drain_limit) {
  impl_->stop(drain_limit);
}
std::uint16_t HttpServer::port() const noexcept {
  return impl_->bound.port();
}
std::size_t HttpServer::n_connections() const noexcept {
  return impl_->environment.n_connections.load();
}

std::string HttpServer::url() const {
  const auto address = impl_->bound.address();
  return cat(impl_->tls ? "https://" : "http://",
             address.is_v6() ? cat("[", address.to_string(), "]") : address.to_string(), ":",
             impl_->bound.port());
}

}  // namespace quintet
