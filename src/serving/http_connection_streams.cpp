// Answers that go on: server-sent events and WebSocket.
#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>

#include "core/log.h"
#include "core/text.h"
#include "core/worker_pool.h"
#include "serving/http_connection.h"
#include "serving/response_writer.h"
#include "serving/websocket.h"

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
// The caller awaits each of these at once, and its frame, or its caller's, owns what they refer to.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

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

HttpConnection::Awaitable<bool> HttpConnection::run_websocket(Exchange& exchange,
                                                              const WebSocketRoute& route) {
  const HttpHeaders& fields = exchange.request.headers;
  const auto key = fields.get("Sec-WebSocket-Key");
  const bool is_upgrade = exchange.parser.head().is_upgrade && key && !key->empty() &&
                          iequals_ascii(fields.get("Upgrade").value_or(""), "websocket") &&
                          fields.get("Sec-WebSocket-Version") == "13";
  if (!is_upgrade) {
    HttpResponse response = environment_.pipeline.problem(
        426, "unsupported", "this path speaks WebSocket version 13", exchange.request.request_id);
    response.headers.add("Upgrade", "websocket");
    response.headers.add("Sec-WebSocket-Version", "13");
    co_return co_await answer(exchange, std::move(response));
  }
  HttpHeaders headers;
  headers.add("Upgrade", "websocket");
  headers.add("Connection", "Upgrade");
  headers.add("Sec-WebSocket-Accept", websocket_accept_key(*key));
  std::string out;
  append_response_head(out, 101, headers, {BodyFraming::Kind::none, 0}, true);
  if (!co_await write(out)) co_return false;

  const auto session = std::make_shared<WebSocketSession>([loop = loop_, weak = weak_from_this()] {
    asio::post(loop->context, [weak] {
      if (const auto connection = weak.lock()) connection->wake();
    });
  });
  stop_source_ = std::stop_source();
  is_handler_done_ = !environment_.services.workers.submit(
      [this, loop = loop_, session, &exchange, &route, stop = stop_source_.get_token()] {
        environment_.pipeline.handle(
            [&](const HttpRequest& request, std::stop_token token) {
              route.handler(request, *session, std::move(token));
              return HttpResponse();
            },
            exchange.request, stop);
        asio::post(loop->context, [this] {
          is_handler_done_ = true;
          wake();
        });
      });
  if (is_handler_done_) session->close(1013, "the server is busy");
  co_await exchange_frames(*session, route.max_message_bytes);
  session->end();
  if (!is_handler_done_) cancel_handler();
  while (!is_handler_done_) co_await wait(Clock::time_point::max());
  must_linger_ = true;
  report(exchange, 101);
  co_return false;
}

/// Until both sides have said their goodbye, or one of them is gone.
HttpConnection::Awaitable<> HttpConnection::exchange_frames(WebSocketSession& session,
                                                            std::size_t max_message_bytes) {
  using Kind = WebSocketDecoder::Kind;
  WebSocketDecoder decoder(max_message_bytes);
  const auto heartbeat = environment_.options.timeouts.heartbeat;
  auto last_write = Clock::now();
  Clock::time_point goodbye_deadline = Clock::time_point::max();
  bool has_peer_closed = false;
  while (!is_over()) {
    std::string out;
    while (!has_peer_closed && session.has_room()) {
      auto event = decoder.next(input_);
      if (decoder.fault() != 0) session.close(decoder.fault(), "");
      if (!event) break;
      switch (event->kind) {
        case Kind::text:
        case Kind::binary: session.deliver({std::move(event->payload), event->kind == Kind::text}); break;
        case Kind::ping: append_websocket_frame(out, Kind::pong, event->payload); break;
        case Kind::pong: break;
        case Kind::close:
          has_peer_closed = true;
          session.close(1000, "");
          break;
      }
    }
    if (loop_->is_draining) session.close(1001, "the server is stopping");
    if (is_handler_done_) session.close(1000, "");
    if (Clock::now() >= last_write + heartbeat) append_websocket_frame(out, Kind::ping, "");
    out += session.take_outgoing();
    if (!out.empty()) {
      last_write = Clock::now();
      if (!co_await write(out)) co_return;
      continue;
    }
    if (session.wants_close()) {
      if (has_peer_closed || decoder.fault() != 0) co_return;
      if (goodbye_deadline == Clock::time_point::max())
        goodbye_deadline = Clock::now() + environment_.options.timeouts.linger;
      if (Clock::now() >= goodbye_deadline) co_return;
    }
    read_ahead();
    co_await wait(std::min(last_write + heartbeat, goodbye_deadline));
  }
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

}  // namespace quintet
