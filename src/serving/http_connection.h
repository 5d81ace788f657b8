#pragma once

// Internal to serving: includes Asio (see byte_stream.h).

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/time.h"
#include "serving/byte_stream.h"
#include "serving/pipeline.h"
#include "serving/request_parser.h"

namespace quintet {

// Final, and only ever deleted as itself, by its shared_ptr.
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor)
class HttpConnection;
class WebSocketSession;

/// One I/O thread. All but `context` is used on that thread only. Shared so that a worker that is still
/// leaving post() keeps it alive.
struct IoLoop {
  boost::asio::io_context context{1};
  std::unordered_set<HttpConnection*> connections;
  bool is_draining = false;
  bool is_forced = false;
};

/// What connections share; outlives them.
struct ConnectionEnvironment {
  const ServerOptions& options;
  const ServerServices& services;
  const RequestPipeline& pipeline;
  std::atomic<std::size_t> n_connections = 0;
  std::mutex mutex{};
  std::condition_variable all_left{};  // signalled when n_connections becomes 0

  void leave() {
    const std::lock_guard lock(mutex);
    if (n_connections.fetch_sub(1) == 1) all_left.notify_all();
  }
};

/// One client connection. A coroutine (run) goes through open → requests → close; it waits in one place,
/// wait(), and everything that happens (bytes, a finished write, a finished handler, a new event, stopping)
/// sets a plain field and wakes it. All on the connection's I/O thread; workers only post.
class HttpConnection final : public std::enable_shared_from_this<HttpConnection>, private ByteStreamListener {
 public:
  HttpConnection(std::shared_ptr<IoLoop> loop, ConnectionEnvironment& environment,
                 std::unique_ptr<ByteStream> stream, std::string remote_address, bool is_surplus);
  ~HttpConnection();

  void start();
  /// The loop's is_draining or is_forced has changed.
  void notice_stopping();

 private:
  using Clock = std::chrono::steady_clock;
  template <typename T = void>
  using Awaitable = boost::asio::awaitable<T>;
  /// One request and its answer.
  struct Exchange {
    explicit Exchange(const RequestParserLimits& limits) : parser(limits) {}
    RequestParser parser;
    HttpRequest request;
    Admission admission;
    Stopwatch stopwatch;                  // from the complete head
    RequestParser::Fault fault;           // why the request was not understood
    std::optional<HttpResponse> refusal;  // from the route's body sink
    std::uint64_t n_written_before = 0;
    bool keeps_alive = false;
    bool is_http10 = false;
    bool is_head() const noexcept { return request.method == "HEAD"; }
  };
  enum class Arrival : std::uint8_t { complete, faulty, gone };

  Awaitable<> run();
  Awaitable<bool> open();
  Awaitable<bool> await_request();
  Awaitable<bool> serve_one();  // false = close
  Awaitable<Arrival> read_head(Exchange& exchange);
  Awaitable<Arrival> read_body(Exchange& exchange);
  Awaitable<bool> take_body(Exchange& exchange, const Route& route);  // false = refused, see exchange.refusal
  Awaitable<HttpResponse> run_handler(Exchange& exchange, const HttpHandler& handler);
  Awaitable<bool> answer(Exchange& exchange, HttpResponse response);
  Awaitable<bool> answer_fault(Exchange& exchange);
  Awaitable<> close();
  Awaitable<> discard_input();

  // http_connection_streams.cpp
  Awaitable<bool> stream_events(Exchange& exchange, HttpResponse response);
  Awaitable<bool> run_websocket(Exchange& exchange, const WebSocketRoute& route);
  Awaitable<> exchange_frames(WebSocketSession& session, std::size_t max_message_bytes);

  /// Until woken or `deadline`; the caller looks which, since both may have happened.
  Awaitable<> wait(Clock::time_point deadline);
  /// Writes all of both; false when the peer went away or takes nothing for too long.
  Awaitable<bool> write(std::string_view first, std::string_view second = {});
  void wake();
  /// Reads ahead into input_ while there is room: for the next bytes of a request, to keep pipelined ones,
  /// and to notice a peer that goes away.
  void read_ahead();
  bool is_over() const noexcept { return has_ended_ || has_write_failed_ || loop_->is_forced; }
  void feed(RequestParser& parser);
  void cancel_handler() { stop_source_.request_stop(); }
  void report(const Exchange& exchange, int status) const noexcept;

  void on_opened(boost::system::error_code error) override;
  void on_read(boost::system::error_code error, std::size_t n) override;
  void on_written(boost::system::error_code error, std::size_t n) override;
  void on_shut_down() override;
  ByteStream::Listener listener();

  static constexpr std::size_t kReadBytes = 16 * 1024;
  static constexpr std::size_t kMaxInputBytes = 64 * 1024;

  const std::shared_ptr<IoLoop> loop_;
  ConnectionEnvironment& environment_;
  const std::unique_ptr<ByteStream> stream_;
  const std::string remote_address_;
  const bool is_surplus_;  // beyond the limit: told so and closed
  const std::string id_;
  boost::asio::steady_timer timer_;

  std::unique_ptr<char[]> read_room_;
  std::string input_;  // arrived, not parsed
  bool is_reading_ = false;
  bool has_ended_ = false;  // the peer sent its end, or the socket failed
  bool is_open_ = false;
  bool is_opening_ = false;
  bool is_shut_down_ = false;
  bool must_linger_ = false;        // an answer was just written that the peer has to read before the end
  bool is_request_unread_ = false;  // ... and the peer may still be sending its request

  ByteStream::Pieces to_write_;
  bool is_writing_ = false;
  bool has_write_failed_ = false;
  Clock::time_point last_write_progress_;
  std::uint64_t n_written_ = 0;

  std::stop_source stop_source_{std::nostopstate};  // of the running handler or its event stream
  bool is_handler_done_ = false;
  std::uint64_t n_requests_ = 0;
};

}  // namespace quintet
