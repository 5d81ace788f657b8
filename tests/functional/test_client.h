#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace quintet::functional {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// The connection ended or stayed silent for half a minute.
struct ConnectionLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A blocking TCP connection to 127.0.0.1 that sends whatever a test wants.
class RawConnection {
 public:
  explicit RawConnection(int port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  void send(std::string_view bytes);
  /// Like send(), but tells when the peer no longer listens.
  bool try_send(std::string_view bytes) noexcept;
  /// At least one byte more into buffer(); false at the end of the stream.
  bool receive();
  std::string& buffer() noexcept { return buffer_; }
  /// Everything until the peer closes.
  std::string receive_all();

 private:
  int socket_ = -1;
  std::string buffer_;
};

struct Response {
  int status = 0;
  Fields fields;
  std::string body;

  std::string header(std::string_view name) const;  // "" when absent
  JsonObject json() const;                          // throws with the body when it is none
};

struct ServerEvent {
  std::string type;
  std::string id;
  std::string data;
  JsonObject json() const;
};

/// Server-sent events of one response.
class EventStream {
 public:
  /// `response` has been read up to its head.
  EventStream(std::unique_ptr<RawConnection> connection, Response head);

  const Response& head() const noexcept { return head_; }
  /// The next event; nothing at the orderly end. Comments are skipped, and counted.
  std::optional<ServerEvent> next();
  /// Events up to the end.
  std::vector<ServerEvent> rest();
  std::size_t n_comments() const noexcept { return n_comments_; }

 private:
  bool read_chunk();

  std::unique_ptr<RawConnection> connection_;
  Response head_;
  std::string text_;  // decoded, not yet parsed
  bool ended_ = false;
  std::size_t n_comments_ = 0;
};

/// A minimal HTTP/1.1 client that keeps its connection. One thread.
class TestClient {
 public:
  explicit TestClient(int port, Fields fields = {}) : port_(port), fields_(std::move(fields)) {}

  Response request(std::string_view method, std::string_view target, std::string_view body = {},
                   std::string_view content_type = {}, const Fields& fields = {});
  Response get(std::string_view target, const Fields& fields = {}) {
    return request("GET", target, {}, {}, fields);
  }
  Response post(std::string_view target, const JsonObject& body, const Fields& fields = {});
  Response put(std::string_view target, const JsonObject& body, const Fields& fields = {});
  Response patch(std::string_view target, const JsonObject& body, const Fields& fields = {});
  Response remove(std::string_view target, const Fields& fields = {}) {
    return request("DELETE", target, {}, {}, fields);
  }
  /// A body that is not JSON, such as a file to import.
  Response upload(std::string_view target, std::string_view body) {
    return request("POST", target, body, "application/octet-stream");
  }
  /// On a connection of its own. A response that is no event stream is head() with its body, and no events.
  EventStream events(std::string_view method, std::string_view target, std::string_view json_body = {},
                     const Fields& fields = {}) const;

  int port() const noexcept { return port_; }

 private:
  std::string head_of(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view content_type, const Fields& fields) const;

  int port_;
  Fields fields_;  // sent with every request
  std::unique_ptr<RawConnection> connection_;
};

/// Reads a response from a connection; the body too unless `head_only`. `to_head`: the request was a HEAD.
Response read_response(RawConnection& connection, bool head_only = false, bool to_head = false);

}  // namespace quintet::functional
