#pragma once

#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "core/text.h"

namespace quintet {

/// An answer as a client sees it; header names in lower case.
struct RawResponse {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;
  std::string body;
  std::string header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// A blocking client that sends exactly the bytes it is told, for requests that no proper client would send.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes > 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("RawClient: cannot connect");
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False when the peer does not take everything.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// Reads more; false at the end, after an error, or when nothing comes for `limit`.
  bool receive(std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    pollfd entry{socket_, POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(limit.count())) != 1) return false;
    char chunk[16384];
    const ssize_t n = ::recv(socket_, chunk, sizeof chunk, 0);
    if (n < 0) was_reset_ = true;
    if (n <= 0) has_ended_ = true;
    if (n > 0) input_.append(chunk, static_cast<std::size_t>(n));
    return n > 0;
  }

  /// Reads until `text` has arrived; gives everything up to its end, or nothing.
  std::optional<std::string> receive_through(std::string_view text) {
    for (;;) {
      if (const auto found = input_.find(text); found != std::string::npos) {
        std::string head = input_.substr(0, found + text.size());
        input_.erase(0, found + text.size());
        return head;
      }
      if (!receive()) return std::nullopt;
    }
  }

  /// The head of the next answer; throws when the connection ends first.
  RawResponse receive_head() {
    const auto head = receive_through("\r\n\r\n");
    if (!head) throw std::runtime_error(cat("RawClient: no answer, only '", input_, "'"));
    RawResponse response;
    const auto lines = split_lines(*head);
    response.status = std::atoi(std::string(lines.front().substr(9, 3)).c_str());
    for (std::size_t i = 1; i < lines.size() && !lines[i].empty(); ++i) {
      const auto colon = lines[i].find(':');
      auto& value = response.headers[ascii_lower(lines[i].substr(0, colon))];
      if (!value.empty()) value += ", ";
      value += trim(lines[i].substr(colon + 1));
    }
    return response;
  }

  RawResponse receive_response(bool is_head_request = false) {
    RawResponse response = receive_head();
    if (is_head_request || response.status == 204 || response.status == 304 || response.status < 200)
      return response;
    if (response.header("transfer-encoding") == "chunked") {
      while (auto chunk = receive_chunk()) {
        if (chunk->empty()) break;
        response.body += *chunk;
      }
    } else if (const auto length = parse_int(response.header("content-length"))) {
      while (input_.size() < static_cast<std::size_t>(*length) && receive()) {
      }
      response.body = input_.substr(0, static_cast<std::size_t>(*length));
      input_.erase(0, static_cast<std::size_t>(*length));
    }
    return response;
  }

  /// The payload of one chunk, empty for the last one; nothing when the connection ends first.
  std::optional<std::string> receive_chunk() {
    const auto size_line = receive_through("\r\n");
    if (!size_line) return std::nullopt;
    const std::size_t n = std::strtoul(size_line->c_str(), nullptr, 16);
    while (input_.size() < n + 2)
      if (!receive()) return std::nullopt;
    std::string payload = input_.substr(0, n);
    input_.erase(0, n + 2);
    return payload;
  }

  /// Exactly `n` bytes; nothing when the connection ends first.
  std::optional<std::string> receive_bytes(std::size_t n) {
    while (input_.size() < n)
      if (!receive()) return std::nullopt;
    std::string bytes = input_.substr(0, n);
    input_.erase(0, n);
    return bytes;
  }

  RawResponse request(std::string_view bytes, bool is_head_request = false) {
    send(bytes);
    return receive_response(is_head_request);
  }
  RawResponse get(std::string_view path, std::string_view fields = "") {
    return request(cat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n", fields, "\r\n"));
  }

  /// Waits for the end of the connection; what arrived before it is in input().
  bool wait_for_end() {
    while (receive()) {
    }
    return has_ended_;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  int native_handle() const noexcept { return socket_; }
  const std::string& input() const noexcept { return input_; }
  bool was_reset() const noexcept { return was_reset_; }

 private:
  int socket_;
  std::string input_;
  bool has_ended_ = false;
  bool was_reset_ = false;
};

}  // namespace quintet
