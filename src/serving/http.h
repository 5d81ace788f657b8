#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/error.h"
#include "core/event_log.h"
#include "core/json.h"
#include "telemetry/trace.h"

namespace quintet {

/// Field names compare without case; a name may repeat.
class HttpHeaders {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  const std::vector<std::pair<std::string, std::string>>& fields() const noexcept { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Who asks: found by the authenticator before the handler runs.
struct Caller {
  std::string key_id;  // "" = nobody's key (loopback without keys)
  std::vector<std::string> scopes;
  std::string remote_address;
  bool has_scope(std::string_view scope) const noexcept;
};

/// Takes a body that may be too large for memory, in pieces, on the worker pool: a file being stored. What
/// append() throws answers the request; a sink that is dropped before its handler ran leaves nothing behind.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual void append(std::string_view bytes) = 0;
};

/// A request whose body has arrived. Text comes from outside: valid HTTP, nothing more.
struct HttpRequest {
  std::string method{};                                   // upper case
  std::string path;                                       // percent-decoded
  std::map<std::string, std::string, std::less<>> query;  // percent-decoded; the last of a repeated name
  std::map<std::string, std::string, std::less<>>
      parameters;  // from the route: "/api/faq/kbs/{kb}" gives "kb"
  HttpHeaders headers;
  std::string body;
  std::shared_ptr<BodySink> body_sink;  // instead of `body`, on a route that has open_body; null = no body
  Caller caller;
  std::string request_id;
  TraceContext trace;

  /// The body as a JSON object; throws InvalidArgument with line and column, or Unsupported for another media
  /// type.
  JsonObject json_object() const;
  const std::string& parameter(std::string_view name) const;  // QN_CHECK: the route declares it
  std::optional<std::string> query_value(std::string_view name) const;
  std::int64_t query_int(std::string_view name, std::int64_t fallback, std::int64_t low,
                         std::int64_t high) const;
};

/// Server-sent events from a log that somebody else writes. The connection reads at its own pace from
/// `next_index`; event ids are "<stream_id>:<index>" so that a client can resume. `on_closed` runs when the
/// connection ends, whether or not the log was finished.
struct EventStreamBody {
  std::shared_ptr<EventLog> log;
  std::string stream_id;
  std::size_t next_index = 0;
  std::function<void()> on_closed;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::variant<std::string, std::shared_ptr<const std::string>, EventStreamBody> body;

  static HttpResponse json(const Json& value, int status = 200);
  static HttpResponse text(std::string body, std::string content_type, int status = 200);
  static HttpResponse no_content();
  static HttpResponse events(EventStreamBody body);
  /// RFC 9457 problem+json; `extra` adds members.
  static HttpResponse problem(int status, std::string_view code, std::string_view detail,
                              JsonObject extra = {});
};

/// The one mapping of our error codes to HTTP statuses.
int http_status(ErrorCode code) noexcept;

/// For a handler that needs a status or problem members which its error code alone does not give.
class HttpError : public Error {
 public:
  HttpError(int status, ErrorCode code, const std::string& message, JsonObject extra = {})
      : Error(code, message), status_(status), extra_(std::move(extra)) {}
  int status() const noexcept { return status_; }
  const JsonObject& extra() const noexcept { return extra_; }

 private:
  int status_;
  JsonObject extra_;
};

/// What json_object() throws for a body of another media type; answered with 415.
struct UnsupportedMediaType final : Unsupported {
  using Unsupported::Unsupported;
};

/// Plain blocking code run on the worker pool, or on the I/O thread when the route says it is instant.
/// What it throws becomes a problem response. `stop` is requested when the client goes away or the server
/// stops.
using HttpHandler = std::function<HttpResponse(const HttpRequest&, std::stop_token)>;

struct Route {
  std::string method{};
  std::string pattern{};  // "/api/faq/kbs/{kb}/entries/{id}"
  HttpHandler handler{};
  bool is_instant = false;    // runs on the I/O thread: must not block
  bool is_public = false;     // needs no key even where keys are required
  std::string scope = "faq";  // what a key must allow
  std::size_t max_body_bytes = 2 << 20;
  /// Where the body goes as it arrives; called on the worker pool with all of the request but its body. Empty
  /// = into memory.
  std::function<std::shared_ptr<BodySink>(const HttpRequest&)> open_body{};
};

}  // namespace quintet
