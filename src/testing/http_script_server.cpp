#include "testing/http_script_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

using std::chrono::milliseconds;

// A request larger than this is a mistake of the test.
constexpr std::size_t kMaxRequestBytes = std::size_t{64} << 20;

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 401: return "Unauthorized";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    default: return "Status";
  }
}

}  // namespace

std::string RecordedRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (iequals_ascii(key, name)) return value;
  }
  return {};
}

HttpScriptServer::HttpScriptServer() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, generic, &size) != 0 || ::pipe(stop_pipe_) != 0) {
    throw Unavailable("script server: cannot listen on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

HttpScriptServer::~HttpScriptServer() {
  ::close(stop_pipe_[1]);  // every poll() on the other end wakes and stays awake
  acceptor_.join();
  for (Connection& connection : connections_) {
    ::shutdown(connection.socket, SHUT_RDWR);
    connection.thread.join();
    ::close(connection.socket);
  }
  ::close(listener_);
  ::close(stop_pipe_[0]);
}

std::string HttpScriptServer::url(std::string_view path) const {
  return cat("http://127.0.0.1:", port_, path);
}

void HttpScriptServer::enqueue(ServerReply reply) {
  const std::lock_guard lock(mutex_);
  replies_.push_back(std::move(reply));
}

void HttpScriptServer::set_handler(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

void HttpScriptServer::set_recording(bool is_recording) {
  const std::lock_guard lock(mutex_);
  is_recording_ = is_recording;
}

std::vector<RecordedRequest> HttpScriptServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t HttpScriptServer::n_requests() const {
  const std::lock_guard lock(mutex_);
  return n_requests_;
}

std::size_t HttpScriptServer::n_connections() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

bool HttpScriptServer::wait_for_peer_closes(std::size_t n, milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return n_peer_closes_ >= n; });
}

bool HttpScriptServer::wait_for_requests(std::size_t n, milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return n_requests_ >= n; });
}

void HttpScriptServer::accept_loop() {
  for (;;) {
    std::array<pollfd, 2> waits{{{listener_, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    if (waits[1].revents != 0) return;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const std::lock_guard lock(mutex_);
    Connection& connection = connections_.emplace_back();
    connection.socket = socket;
    connection.number = connections_.size() - 1;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void HttpScriptServer::serve(Connection& connection) {
  while (const auto request = read_request(connection)) {
    const ServerReply reply = next_reply(*request);
    for (const ServerStep& step : reply) {
      if (!run_step(connection, step)) return;
    }
  }
}

/// Nothing when the peer closed or the server stops.
std::optional<RecordedRequest> HttpScriptServer::read_request(Connection& connection) {
  std::size_t head_end = 0;
  while ((head_end = connection.unread.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(connection)) return std::nullopt;
  }
  RecordedRequest request;
  request.connection = connection.number;
  const auto lines = split_lines(std::string_view(connection.unread).substr(0, head_end));
  const auto words = split(lines.at(0), ' ');
  request.method = words.at(0);
  request.target = words.at(1);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto colon = lines[i].find(':');
    request.headers.emplace_back(lines[i].substr(0, colon), trim(lines[i].substr(colon + 1)));
  }
  const auto size = static_cast<std::size_t>(parse_int(request.header("Content-Length")).value_or(0));
  while (connection.unread.size() < head_end + 4 + size) {
    if (!read_more(connection)) return std::nullopt;
  }
  request.body = connection.unread.substr(head_end + 4, size);
  connection.unread.erase(0, head_end + 4 + size);
  return request;
}

ServerReply HttpScriptServer::next_reply(const RecordedRequest& request) {
  std::unique_lock lock(mutex_);
  ++n_requests_;
  if (is_recording_) requests_.push_back(request);
  changed_.notify_all();
  if (!replies_.empty()) {
    ServerReply reply = std::move(replies_.front());
    replies_.pop_front();
    return reply;
  }
  const Handler handler = handler_;
  lock.unlock();
  return handler ? handler(request) : http_reply(500, "text/plain", "no reply is scripted");
}

/// False ends the connection.
bool HttpScriptServer::run_step(Connection& connection, const ServerStep& step) {
  if (const auto* send = std::get_if<SendBytes>(&step)) {
    if (send_all(connection.socket, send->bytes)) return true;
    note_peer_close();
    return false;
  }
  if (const auto* pause = std::get_if<Pause>(&step)) return !peer_closes_within(connection, pause->time);
  if (std::holds_alternative<StallUntilClosed>(step)) {
    peer_closes_within(connection, std::nullopt);
    return false;
  }
  if (std::holds_alternative<ResetConnection>(step)) {
    const linger abort{1, 0};
    ::setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
    // The descriptor stays open until the destructor; connecting to an unspecified family resets TCP now.
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    ::connect(connection.socket, &none, sizeof(none));
    return false;
  }
  ::shutdown(connection.socket, SHUT_RDWR);
  return false;
}

/// Waits for the peer to close, at most `time`. What else arrives is kept for the next request.
bool HttpScriptServer::peer_closes_within(Connection& connection, std::optional<milliseconds> time) {
  const auto until = std::chrono::steady_clock::now() + time.value_or(milliseconds(0));
  for (;;) {
    int wait = -1;
    if (time) {
      const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      wait = static_cast<int>(left.count());
    }
    std::array<pollfd, 2> waits{{{connection.socket, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}}};
    const int n_ready = ::poll(waits.data(), waits.size(), wait);
    if (n_ready < 0 && errno == EINTR) continue;
    if (waits[1].revents != 0) return true;
    if (n_ready > 0 && !read_more(connection)) return true;
  }
}

bool HttpScriptServer::read_more(Connection& connection) {
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    const auto n = ::recv(connection.socket, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      note_peer_close();
      return false;
    }
    connection.unread.append(buffer.data(), static_cast<std::size_t>(n));
    if (connection.unread.size() > kMaxRequestBytes) return false;
    return true;
  }
}

void HttpScriptServer::note_peer_close() {
  const std::lock_guard lock(mutex_);
  ++n_peer_closes_;
  changed_.notify_all();
}

ServerReply http_reply(int status, std::string_view content_type, std::string_view body,
                       std::string_view extra_headers) {
  return {SendBytes{cat("HTTP/1.1 ", status, " ", reason_phrase(status), "\r\nContent-Type: ", content_type,
                        "\r\nContent-Length: ", body.size(), "\r\n", extra_headers, "\r\n", body)}};
}

std::string chunked_head(int status, std::string_view content_type, std::string_view extra_headers) {
  return cat("HTTP/1.1 ", status, " ", reason_phrase(status), "\r\nContent-Type: ", content_type,
             "\r\nTransfer-Encoding: chunked\r\n", extra_headers, "\r\n");
}

std::string http_chunk(std::string_view bytes) {
  std::string size;
  for (std::size_t n = bytes.size(); n != 0; n /= 16) size.insert(size.begin(), "0123456789abcdef"[n % 16]);
  return cat(size, "\r\n", bytes, "\r\n");
}

ServerReply chunked_reply(std::string_view body, const std::vector<std::size_t>& split_at) {
  ServerReply reply{SendBytes{chunked_head()}};
  std::size_t from = 0;
  for (const std::size_t to : split_at) {
    if (to <= from || to > body.size()) continue;
    reply.push_back(SendBytes{http_chunk(body.substr(from, to - from))});
    from = to;
  }
  if (from < body.size()) reply.push_back(SendBytes{http_chunk(body.substr(from))});
  reply.push_back(SendBytes{std::string(kLastChunk)});
  return reply;
}

ServerReply chunked_reply_in_pieces(std::string_view body, std::size_t piece_bytes) {
  std::vector<std::size_t> ends;
  for (std::size_t end = piece_bytes; end < body.size(); end += piece_bytes) ends.push_back(end);
  return chunked_reply(body, ends);
}

}  // namespace quintet
