// Answers that go on: server-sent events and WebSocket.
#include <atomic>
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>

#include "core/log.h"
#include "serving/http_connection.h"
#include "serving/response_writer.h"

namespace quintet {

namespace asio = boost::asio;

namespace {

/// What one turn of an event stream holds in memory at most, apart from single large events.
constexpr std::size_t kEventsPerTurn = 64;

/// Tells the owner of an event stream that its reader has left, however it left.
class ClosedNotice {
 public:
  ClosedNotice(std::function<void()> on_closed, Log& log) : on_closed_(std::move(on_closed)), log_(log) {}
  ~ClosedNotice() {
    if (!on_closed_) return;
    try {
      on_closed_();
    } catch (const std::exception& error) {
      log_.error("the end of an event stream was not handled", {{"error", error.what()}});
    }
  }
  ClosedNotice(const ClosedNotice&) = delete;
  ClosedNotice& operator=(const ClosedNotice&) = delete;

 private:
  std::function<void()> on_closed_;
  Log& log_;
};

}  // namespace

HttpConnection::Awaitable<bool> HttpConnection::stream_events(Exchange& exchange, HttpResponse response) {
  EventStreamBody body = std::move(std::get<EventStreamBody>(response.body));
  response.body = EventStreamBody{};  // still says what kind of answer this is
  const ClosedNotice notice(std::move(body.on_closed), environment_.services.log);
  environment_.pipeline.add_common_headers(response, exchange.admission, exchange.request.request_id);
  bool keeps_alive = exchange.keeps_alive && !exchange.is_http10 && !loop_->is_draining;
  must_linger_ = !keeps_alive;
  std::string out;
  append_response_head(out, response.status, response.headers,
                       {exchange.is_http10 ? BodyFraming::Kind::until_close : BodyFraming::Kind::chunked, 0},
                       keeps_alive);
  if (!co_await write(out) || exchange.is_head() || !body.log) {
    report(exchange, response.status);
    co_return keeps_alive&& exchange.is_head();
  }

  // One post at a time, however fast the log grows; the flag falls before the log is read again.
  const auto is_wake_posted = std::make_shared<std::atomic<bool>>(false);
  const auto subscription = body.log->subscribe([is_wake_posted, loop = loop_, weak = weak_from_this()] {
    if (is_wake_posted->exchange(true)) return;
    asio::post(loop->context, [is_wake_posted, weak] {
      is_wake_posted->store(false);
      if (const auto connection = weak.lock()) connection->wake();
    });
  });
  const auto heartbeat = environment_.options.timeouts.heartbeat;
  auto last_write = Clock::now();
  std::string events;
  bool is_complete = false;
  while (!is_complete && !is_over()) {
    EventLog::Batch batch = body.log->read(body.next_index, kEventsPerTurn);
    events.clear();
    for (const auto& event : batch.events) append_event(events, event, body.stream_id, body.next_index++);
    is_complete = batch.closed;
    if (events.empty() && !is_complete && Clock::now() >= last_write + heartbeat) events = kHeartbeat;
    if (events.empty() && !is_complete) {
      read_ahead();
      co_await wait(last_write + heartbeat);
      continue;
    }
    out.clear();
    if (exchange.is_http10) {
      out.swap(events);
    } else {
      append_chunk(out, events);
      if (is_complete) out += kLastChunk;
    }
    last_write = Clock::now();
    if (!co_await write(out)) is_complete = false;
    read_ahead();  // notices that the peer has left
  }
  if (!is_complete) cancel_handler();
  report(exchange, response.status);
  co_return is_complete&& keeps_alive && !is_over();
}

HttpConnection::Awaitable<bool> HttpConnection::run_websocket(Exchange& exchange, const WebSocketRoute&) {
  co_return co_await answer(exchange, environment_.pipeline.problem(501, "unsupported", "no WebSocket yet",
                                                                    exchange.request.request_id));
}

}  // namespace quintet
