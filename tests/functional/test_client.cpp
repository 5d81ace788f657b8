#include "test_client.h"

#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/text.h"

namespace quintet::functional {

RawConnection::RawConnection(int port) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) throw ConnectionLost("no socket");
  timeval limit{};
  limit.tv_sec = 30;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    throw ConnectionLost(cat("cannot connect to port ", port));
  }
}

RawConnection::~RawConnection() {
  ::close(socket_);
}

bool RawConnection::try_send(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void RawConnection::send(std::string_view bytes) {
  if (!try_send(bytes)) throw ConnectionLost("the server took no more bytes");
}

bool RawConnection::receive() {
  std::array<char, 16 * 1024> room;
  const ssize_t n = ::recv(socket_, room.data(), room.size(), 0);
  if (n < 0) throw ConnectionLost("the server reset the connection or stayed silent");
  buffer_.append(room.data(), static_cast<std::size_t>(n));
  return n > 0;
}

std::string RawConnection::receive_all() {
  while (receive()) {
  }
  return std::exchange(buffer_, {});
}

std::string Response::header(std::string_view name) const {
  for (const auto& [field, value] : fields)
    if (iequals_ascii(field, name)) return value;
  return {};
}

JsonObject Response::json() const {
  const auto value = try_parse_json(body);
  if (!value || !value->is_object())
    throw std::runtime_error(cat("not a JSON object, status ", status, ": ", body));
  return value->get_object();
}

JsonObject ServerEvent::json() const {
  return parse_json(data, "an event").as_object();
}

namespace {

std::string take(RawConnection& connection, std::size_t n) {
  while (connection.buffer().size() < n)
    if (!connection.receive()) throw ConnectionLost("the response ended early");
  std::string taken = connection.buffer().substr(0, n);
  connection.buffer().erase(0, n);
  return taken;
}

std::string take_line(RawConnection& connection) {
  std::size_t end = 0;
  while ((end = connection.buffer().find("\r\n")) == std::string::npos)
    if (!connection.receive()) throw ConnectionLost("the response ended early");
  std::string line = take(connection, end + 2);
  line.resize(end);
  return line;
}

/// The next chunk; empty = the last one.
std::string take_chunk(RawConnection& connection) {
  const std::size_t size = std::strtoul(take_line(connection).c_str(), nullptr, 16);
  std::string chunk = take(connection, size);
  take_line(connection);
  return chunk;
}

}  // namespace

Response read_response(RawConnection& connection, bool head_only, bool to_head) {
  Response response;
  do {  // 100 Continue comes before the answer
    response = {};
    const std::string line = take_line(connection);
    if (!line.starts_with("HTTP/1.1 ")) throw std::runtime_error(cat("not a status line: ", line));
    response.status = std::atoi(line.c_str() + 9);
    for (std::string field = take_line(connection); !field.empty(); field = take_line(connection)) {
      const auto colon = field.find(':');
      response.fields.emplace_back(field.substr(0, colon), trim(std::string_view(field).substr(colon + 1)));
    }
  } while (response.status == 100);
  if (head_only || to_head || response.status == 204 || response.status == 304) return response;
  if (iequals_ascii(response.header("Transfer-Encoding"), "chunked")) {
    for (std::string chunk = take_chunk(connection); !chunk.empty(); chunk = take_chunk(connection))
      response.body += chunk;
  } else if (const std::string length = response.header("Content-Length"); !length.empty()) {
    response.body = take(connection, std::strtoul(length.c_str(), nullptr, 10));
  } else {
    response.body = connection.receive_all();
  }
  return response;
}

std::string TestClient::head_of(std::string_view method, std::string_view target, std::string_view body,
                                std::string_view content_type, const Fields& fields) const {
  std::string head = cat(method, " ", target, " HTTP/1.1\r\nHost: 127.0.0.1:", port_, "\r\n");
  for (const auto* group : {&fields_, &fields})
    for (const auto& [name, value] : *group) head += cat(name, ": ", value, "\r\n");
  if (!content_type.empty()) head += cat("Content-Type: ", content_type, "\r\n");
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
    head += cat("Content-Length: ", body.size(), "\r\n");
  return head + "\r\n";
}

Response TestClient::request(std::string_view method, std::string_view target, std::string_view body,
                             std::string_view content_type, const Fields& fields) {
  const bool is_kept = connection_ != nullptr;
  if (!is_kept) connection_ = std::make_unique<RawConnection>(port_);
  const std::string head = head_of(method, target, body, content_type, fields);
  try {
    // A refusal may come before the whole body has been taken; read it then.
    if (connection_->try_send(head)) connection_->try_send(body);
    Response response = read_response(*connection_, false, method == "HEAD");
    if (iequals_ascii(response.header("Connection"), "close")) connection_.reset();
    return response;
  } catch (const ConnectionLost&) {
    connection_.reset();
    throw;
  }
}

Response TestClient::post(std::string_view target, const JsonObject& body, const Fields& fields) {
  return request("POST", target, to_json(body), "application/json", fields);
}
Response TestClient::put(std::string_view target, const JsonObject& body, const Fields& fields) {
  return request("PUT", target, to_json(body), "application/json", fields);
}
Response TestClient::patch(std::string_view target, const JsonObject& body, const Fields& fields) {
  return request("PATCH", target, to_json(body), "application/json", fields);
}

EventStream TestClient::events(std::string_view method, std::string_view target, std::string_view json_body,
                               const Fields& fields) const {
  auto connection = std::make_unique<RawConnection>(port_);
  connection->send(head_of(method, target, json_body, json_body.empty() ? "" : "application/json", fields));
  connection->send(json_body);
  Response head = read_response(*connection, true);
  if (!head.header("Content-Type").starts_with("text/event-stream") && head.status != 204) {
    const std::string length = head.header("Content-Length");
    head.body = take(*connection, std::strtoul(length.c_str(), nullptr, 10));
  }
  return {std::move(connection), std::move(head)};
}

EventStream::EventStream(std::unique_ptr<RawConnection> connection, Response head)
    : connection_(std::move(connection)), head_(std::move(head)) {
  ended_ = !head_.header("Content-Type").starts_with("text/event-stream");
}

bool EventStream::read_chunk() {
  if (ended_) return false;
  const std::string chunk = take_chunk(*connection_);
  ended_ = chunk.empty();
  text_ += chunk;
  return !ended_;
}

std::optional<ServerEvent> EventStream::next() {
  while (true) {
    const auto end = text_.find("\n\n");
    if (end == std::string::npos) {
      if (!read_chunk()) return std::nullopt;
      continue;
    }
    const std::string block = text_.substr(0, end);
    text_.erase(0, end + 2);
    ServerEvent event;
    bool has_data = false;
    for (const auto line : split_lines(block)) {
      const auto colon = line.find(':');
      if (colon == 0) {
        ++n_comments_;
        continue;
      }
      const std::string_view name = line.substr(0, colon);
      std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
      if (value.starts_with(' ')) value.remove_prefix(1);
      if (name == "event") event.type = value;
      if (name == "id") event.id = value;
      if (name == "data") {
        if (has_data) event.data += '\n';
        event.data += value;
        has_data = true;
      }
    }
    if (has_data) return event;
  }
}

std::vector<ServerEvent> EventStream::rest() {
  std::vector<ServerEvent> events;
  while (auto event = next()) events.push_back(std::move(*event));
  return events;
}

}  // namespace quintet::functional
