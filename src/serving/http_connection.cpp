#include "serving/http_connection.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/error.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/text.h"
#include "core/worker_pool.h"
#include "serving/response_writer.h"

namespace quintet {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::string_view fault_code(int status) {
  switch (status) {
    case 408: return "cancelled";
    case 413:
    case 431: return "exhausted";
    case 417:
    case 501:
    case 505: return "unsupported";
    default: return "invalid_argument";
  }
}

/// Bodies up to this size are copied behind their head: one packet, one TLS record, one system call.
constexpr std::size_t kJoinedBodyBytes = 16 * 1024;
/// A body that goes into a file is handed on in pieces of this size.
constexpr std::size_t kBodyPieceBytes = 2 << 20;

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<IoLoop> loop, ConnectionEnvironment& environment,
                               std::unique_ptr<ByteStream> stream, std::string remote_address,
                               bool is_surplus)
    : loop_(std::move(loop)),
      environment_(environment),
      stream_(std::move(stream)),
      remote_address_(std::move(remote_address)),
      is_surplus_(is_surplus),
      id_(new_id("req_")),
      timer_(loop_->context) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::start() {
  loop_->connections.insert(this);
  asio::co_spawn(loop_->context, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void HttpConnection::notice_stopping() {
  if (loop_->is_forced) {
    cancel_handler();
    stream_->close();
  }
  wake();
}

// ---- Life of a connection
// -----------------------------------------------------------------------------------------

HttpConnection::Awaitable<> HttpConnection::run() {
  try {
    if (co_await open())
      while (co_await serve_one()) stop_source_ = std::stop_source(std::nostopstate);
  } catch (const std::exception& error) {
    environment_.services.log.error("a connection failed", {{"error", error.what()}});
  }
  co_await close();
  loop_->connections.erase(this);
  environment_.leave();
}

HttpConnection::Awaitable<bool> HttpConnection::open() {
  const auto deadline = Clock::now() + environment_.options.timeouts.header;
  is_opening_ = true;
  stream_->open(listener());
  while (is_opening_) {
    if (Clock::now() >= deadline || loop_->is_forced) co_return false;
    co_await wait(deadline);
  }
  co_return is_open_;
}

HttpConnection::Awaitable<> HttpConnection::close() {
  const auto deadline = Clock::now() + environment_.options.timeouts.linger;
  if (must_linger_ && is_open_ && !is_over()) {
    // Closing with unread input makes the kernel send a reset, which can destroy the answer on its way.
    if (is_request_unread_ && !stream_->can_read_after_shut_down()) co_await discard_input();
    stream_->shut_down(listener());
    while (!is_shut_down_ && !is_over() && Clock::now() < deadline) co_await wait(deadline);
    if (stream_->can_read_after_shut_down()) co_await discard_input();
  }
  stream_->close();
}

/// Until the peer ends, pauses for the linger time, or has had five of them.
HttpConnection::Awaitable<> HttpConnection::discard_input() {
  const auto linger = environment_.options.timeouts.linger;
  const auto end = Clock::now() + 5 * linger;
  auto deadline = Clock::now() + linger;
  while (!is_over() && Clock::now() < std::min(deadline, end)) {
    if (!input_.empty()) deadline = Clock::now() + linger;
    input_.clear();
    read_ahead();
    co_await wait(std::min(deadline, end));
  }
}

HttpConnection::Awaitable<bool> HttpConnection::await_request() {
  const auto deadline = Clock::now() + environment_.options.timeouts.keep_alive;
  for (;;) {
    while (input_.starts_with("\r\n")) input_.erase(0, 2);
    if (!input_.empty() && input_ != "\r") co_return true;
    if (is_over() || loop_->is_draining || Clock::now() >= deadline) co_return false;
    read_ahead();
    co_await wait(deadline);
  }
}

// ---- One request
// --------------------------------------------------------------------------------------------------

HttpConnection::Awaitable<bool> HttpConnection::serve_one() {
  if (!co_await await_request()) co_return false;
  must_linger_ = false;
  Exchange exchange(environment_.options.request_limits);
  exchange.n_written_before = n_written_;
  HttpRequest& request = exchange.request;
  request.request_id = cat(id_, "-", ++n_requests_);
  request.caller.remote_address = remote_address_;

  const Arrival head_arrival = co_await read_head(exchange);
  if (head_arrival == Arrival::gone) co_return false;
  RequestHead& head = exchange.parser.head();
  request.method = std::move(head.method);
  request.headers = std::move(head.headers);
  exchange.stopwatch = Stopwatch();
  if (head_arrival == Arrival::faulty) co_return co_await answer_fault(exchange);
  exchange.keeps_alive = head.keeps_alive;
  exchange.is_http10 = head.version == 10;
  exchange.admission = environment_.pipeline.admit(request, head.target, remote_address_);
  if (is_surplus_) {
    Admission& admission = exchange.admission;
    admission = Admission();
    admission.headers.add("Retry-After", "2");
    admission.answer =
        environment_.pipeline.problem(503, "unavailable", "too many connections", request.request_id);
    exchange.keeps_alive = false;
  }

  if (head.has_body()) {
    const Admission& admission = exchange.admission;
    exchange.parser.begin_body(admission.route ? admission.route->max_body_bytes : 64 * 1024);
    if (admission.answer) {
      feed(exchange.parser);  // often it is here already, and then the connection can go on
    } else {
      const Arrival arrival = co_await read_body(exchange);
      if (arrival == Arrival::gone) co_return false;
      if (arrival == Arrival::faulty && !exchange.refusal) co_return co_await answer_fault(exchange);
    }
    if (exchange.parser.state() != RequestParser::State::complete) {
      exchange.keeps_alive = false;
      is_request_unread_ = true;
    }
    request.body = std::move(exchange.parser.body());
  }
  if (exchange.refusal) co_return co_await answer(exchange, std::move(*exchange.refusal));

  if (exchange.admission.answer) co_return co_await answer(exchange, std::move(*exchange.admission.answer));
  if (exchange.admission.websocket) co_return co_await run_websocket(exchange, *exchange.admission.websocket);
  const Route& route = *exchange.admission.route;
  if (route.is_instant)
    co_return co_await answer(exchange, environment_.pipeline.handle(route.handler, request, {}));
  HttpResponse response = co_await run_handler(exchange, route.handler);
  co_return co_await answer(exchange, std::move(response));
}

void HttpConnection::feed(RequestParser& parser) {
  const std::size_t consumed = parser.feed(input_);
  if (consumed == input_.size()) {
    input_.clear();
  } else {
    input_.erase(0, consumed);
  }
}
// The caller awaits each of these at once, and its frame, or its caller's, owns what they refer to.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

HttpConnection::Awaitable<HttpConnection::Arrival> HttpConnection::read_head(Exchange& exchange) {
  const auto deadline = Clock::now() + environment_.options.timeouts.header;
  for (;;) {
    feed(exchange.parser);
    if (exchange.parser.state() == RequestParser::State::failed) {
      exchange.fault = exchange.parser.fault();
      co_return Arrival::faulty;
    }
    if (exchange.parser.state() != RequestParser::State::head) co_return Arrival::complete;
    if (is_over()) co_return Arrival::gone;
    if (Clock::now() >= deadline) {
      exchange.fault = {408, "the request head took too long to arrive"};
      co_return Arrival::faulty;
    }
    read_ahead();
    co_await wait(deadline);
  }
}

HttpConnection::Awaitable<HttpConnection::Arrival> HttpConnection::read_body(Exchange& exchange) {
  const auto stall = environment_.options.timeouts.body_stall;
  auto deadline = Clock::now() + stall;
  if (exchange.parser.head().expects_continue && input_.empty() &&
      exchange.parser.state() == RequestParser::State::body)
    if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n")) co_return Arrival::gone;
  for (;;) {
    if (!input_.empty()) {
      feed(exchange.parser);
      deadline = Clock::now() + stall;
    }
    if (exchange.parser.state() == RequestParser::State::failed) {
      exchange.fault = exchange.parser.fault();
      co_return Arrival::faulty;
    }
    const bool is_complete = exchange.parser.state() == RequestParser::State::complete;
    const Route* route = exchange.admission.route;
    if (route != nullptr && route->open_body &&
        (is_complete || exchange.parser.body().size() >= kBodyPieceBytes)) {
      if (!co_await take_body(exchange, *route)) co_return Arrival::faulty;
      deadline = Clock::now() + stall;
      if (!is_complete && !input_.empty()) continue;  // more has come meanwhile
    }
    if (is_complete) co_return Arrival::complete;
    if (is_over()) co_return Arrival::gone;
    if (Clock::now() >= deadline) {
      exchange.fault = {408, "the request body stopped arriving"};
      co_return Arrival::faulty;
    }
    read_ahead();
    co_await wait(deadline);
  }
}

HttpConnection::Awaitable<bool> HttpConnection::take_body(Exchange& exchange, const Route& route) {
  const std::string piece = std::exchange(exchange.parser.body(), {});
  const HttpHandler store = [&route, &exchange, &piece](const HttpRequest&, std::stop_token) {
    std::shared_ptr<BodySink>& sink = exchange.request.body_sink;
    if (sink == nullptr) sink = route.open_body(exchange.request);
    sink->append(piece);
    return HttpResponse::no_content();
  };
  HttpResponse stored = co_await run_handler(exchange, store);
  if (stored.status < 400) co_return true;
  exchange.refusal = std::move(stored);
  co_return false;
}

HttpConnection::Awaitable<HttpResponse> HttpConnection::run_handler(Exchange& exchange,
                                                                    const HttpHandler& handler) {
  stop_source_ = std::stop_source();
  is_handler_done_ = false;
  HttpResponse response;
  // The frame of this coroutine, and with it all that the task refers to, stays until the task has posted.
  const bool is_accepted = environment_.services.workers.submit(
      [this, loop = loop_, &response, &exchange, &handler, stop = stop_source_.get_token()] {
        response = environment_.pipeline.handle(handler, exchange.request, stop);
        asio::post(loop->context, [this] {
          is_handler_done_ = true;
          wake();
        });
      });
  if (!is_accepted) {
    response = environment_.pipeline.problem(503, "unavailable", "the server is busy; try again in a moment",
                                             exchange.request.request_id);
    response.headers.add("Retry-After", "1");
    co_return response;
  }
  while (!is_handler_done_) {
    if (is_over()) cancel_handler();
    read_ahead();
    co_await wait(Clock::time_point::max());
  }
  co_return response;
}

HttpConnection::Awaitable<bool> HttpConnection::answer_fault(Exchange& exchange) {
  exchange.keeps_alive = false;
  is_request_unread_ = true;
  co_return co_await answer(
      exchange, environment_.pipeline.problem(exchange.fault.status, fault_code(exchange.fault.status),
                                              exchange.fault.reason, exchange.request.request_id));
}

HttpConnection::Awaitable<bool> HttpConnection::answer(Exchange& exchange, HttpResponse response) {
  if (std::holds_alternative<EventStreamBody>(response.body))
    co_return co_await stream_events(exchange, std::move(response));
  environment_.pipeline.add_common_headers(response, exchange.admission, exchange.request.request_id);
  std::string_view body = exchange.admission.static_body;
  if (const auto* text = std::get_if<std::string>(&response.body); text && body.empty()) body = *text;
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&response.body); shared && *shared)
    body = **shared;
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  const bool keeps_alive = exchange.keeps_alive && !loop_->is_draining && !has_ended_;
  must_linger_ = !keeps_alive;

  std::string out;
  out.reserve(1024 + (body.size() <= kJoinedBodyBytes ? body.size() : 0));
  append_response_head(out, response.status, response.headers,
                       {has_body ? BodyFraming::Kind::length : BodyFraming::Kind::none, body.size()},
                       keeps_alive);
  if (!has_body || exchange.is_head()) body = {};
  if (body.size() <= kJoinedBodyBytes) {
    out += body;
    body = {};
  }
  const bool is_written = co_await write(out, body);
  report(exchange, response.status);
  co_return is_written&& keeps_alive;
}

void HttpConnection::report(const Exchange& exchange, int status) const noexcept {
  const auto& services = environment_.services;
  if (services.log.enabled(LogLevel::debug))
    services.log.debug("request", {{"request_id", exchange.request.request_id},
                                   {"method", exchange.request.method},
                                   {"route", exchange.admission.pattern},
                                   {"status", status},
                                   {"seconds", exchange.stopwatch.seconds()}});
  if (!services.on_finished) return;
  try {
    services.on_finished({exchange.admission.pattern, exchange.request.method, status,
                          exchange.stopwatch.seconds(), exchange.request.body.size(),
                          n_written_ - exchange.n_written_before, exchange.request.request_id,
                          remote_address_});
  } catch (const std::exception& error) {
    services.log.error("the access hook failed", {{"error", error.what()}});
  }
}

// ---- Waiting and bytes
// --------------------------------------------------------------------------------------------

HttpConnection::Awaitable<> HttpConnection::wait(Clock::time_point deadline) {
  error_code ignored;  // aborted = woken
  timer_.expires_at(deadline);
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void HttpConnection::wake() {
  timer_.cancel();
}

ByteStream::Listener HttpConnection::listener() {
  return {shared_from_this(), static_cast<ByteStreamListener*>(this)};
}

void HttpConnection::read_ahead() {
  if (is_reading_ || is_over() || input_.size() >= kMaxInputBytes) return;
  if (!read_room_) read_room_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
  is_reading_ = true;
  stream_->read_some({read_room_.get(), kReadBytes}, listener());
}

HttpConnection::Awaitable<bool> HttpConnection::write(std::string_view first, std::string_view second) {
  if (has_write_failed_ || loop_->is_forced) co_return false;
  to_write_ = {first, second};
  is_writing_ = true;
  last_write_progress_ = Clock::now();
  stream_->write_some(to_write_, listener());
  while (is_writing_) {
    const auto deadline = has_write_failed_
                              ? Clock::time_point::max()
                              : last_write_progress_ + environment_.options.timeouts.write_stall;
    if (Clock::now() >= deadline) {
      has_write_failed_ = true;
      stream_->close();  // on_written() follows; until then the bytes must stay
    } else {
      co_await wait(deadline);
    }
  }
  co_return !has_write_failed_;
}

void HttpConnection::on_opened(error_code error) {
  is_opening_ = false;
  is_open_ = !error;
  wake();
}

void HttpConnection::on_read(error_code error, std::size_t n) {
  is_reading_ = false;
  input_.append(read_room_.get(), n);
  if (error) {
    has_ended_ = true;
    cancel_handler();
  }
  wake();
}

void HttpConnection::on_written(error_code error, std::size_t n) {
  n_written_ += n;
  last_write_progress_ = Clock::now();
  for (std::string_view& piece : to_write_) {
    const std::size_t taken = std::min(n, piece.size());
    piece.remove_prefix(taken);
    n -= taken;
  }
  if (error) has_write_failed_ = true;
  if (has_write_failed_ || (to_write_[0].empty() && to_write_[1].empty())) {
    is_writing_ = false;
    wake();
  } else {
    stream_->write_some(to_write_, listener());
  }
}

void HttpConnection::on_shut_down() {
  is_shut_down_ = true;
  wake();
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

}  // namespace quintet
