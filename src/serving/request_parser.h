#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "serving/http.h"

namespace quintet {

struct RequestParserLimits {
  std::size_t max_request_line_bytes = 8 * 1024;
  std::size_t max_header_bytes = 32 * 1024;  // request line and fields together
  std::size_t max_fields = 100;
};

/// What the head of a request says about the message itself.
struct RequestHead {
  std::string method;
  std::string target;
  int version = 11;  // 10 or 11
  HttpHeaders headers;
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool keeps_alive = true;
  bool is_upgrade = false;        // "Connection: upgrade"
  bool expects_continue = false;  // "Expect: 100-continue"
  bool has_body() const noexcept { return is_chunked || content_length.value_or(0) > 0; }
};

/// HTTP/1.1 request parser for a byte stream that an attacker writes: Beast's parser behind checks that it
/// leaves to its user. Refused are: both Content-Length and Transfer-Encoding, any other Transfer-Encoding
/// than "chunked", repeated or listed Content-Length, obs-fold, a missing or repeated Host, NUL and bare CR
/// or LF.
///
/// States: head → (begin_body) body → complete, or failed from any of them. Not thread-safe; one request
/// each.
class RequestParser {
 public:
  enum class State : std::uint8_t { head, head_complete, body, complete, failed };
  struct Fault {
    int status = 400;
    std::string reason;
  };

  explicit RequestParser(const RequestParserLimits& limits);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  /// Takes what it can of `bytes`, which begins with what the call before left, and returns how much that
  /// was. Stops at the end of the head and at the end of the request, so that pipelined bytes stay with the
  /// caller.
  std::size_t feed(std::string_view bytes);

  /// From head_complete on; a body longer than `max_bytes` is a fault with status 413, before it arrives if
  /// its length was declared.
  void begin_body(std::size_t max_bytes);

  State state() const noexcept;
  const Fault& fault() const noexcept;
  RequestHead& head() noexcept;
  std::string& body() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quintet
