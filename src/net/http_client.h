#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "net/url.h"

namespace quintet {

/// Why an HTTP exchange did not complete. A response of any status is not a fault.
enum class HttpFault : std::uint8_t {
  invalid_url,
  resolve,             // the host name has no address
  connect,             // nobody listens, or the network is unreachable
  tls,                 // handshake or certificate
  timeout_connect,     // name, connection and handshake took too long
  timeout_first_byte,  // connected, but no byte of the body came
  timeout_idle,        // silence in the middle of the body
  timeout_total,
  cut_off,    // the peer closed before the response was complete
  too_large,  // more body or headers than the request allows
  garbled,    // the peer does not speak HTTP
  redirect,   // too many redirects, or one that must not be followed
  cancelled
};
std::string_view http_fault_name(HttpFault fault) noexcept;

/// The message names method and origin (never path, query or headers: they may hold secrets).
class HttpFailure : public Error {
 public:
  HttpFailure(HttpFault fault, bool body_started, const std::string& message);
  HttpFault fault() const noexcept { return fault_; }
  /// At least one byte of the response's body had arrived.
  bool body_started() const noexcept { return body_started_; }

 private:
  HttpFault fault_;
  bool body_started_;
};

struct HttpHeader {
  std::string name;
  std::string value;
};

/// The value of the first header called `name`, case ignored.
std::optional<std::string_view> find_header(const std::vector<HttpHeader>& headers,
                                            std::string_view name) noexcept;

/// Zero means no limit, for durations as for bytes.
struct HttpLimits {
  std::chrono::milliseconds connect{10'000};  // name, TCP and TLS together
  std::chrono::milliseconds first_byte{
      60'000};                             // from the request's start on the wire to the first body byte
  std::chrono::milliseconds idle{60'000};  // between two pieces of the body
  std::chrono::milliseconds total{0};
  std::size_t max_body_bytes = std::size_t{16} << 20;
  std::size_t max_header_bytes = std::size_t{128} << 10;
};

/// Which redirects are followed; one that is not is the response itself.
enum class RedirectScope : std::uint8_t { anywhere, same_origin };

/// Redirects: a request that leaves its origin (scheme, host or port) takes only Accept*, Range, If-* and
/// User-Agent headers along, so never a key; from https to http, and with a body to another origin, it is not
/// sent at all. Bodies of redirects are dropped unseen.
struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http or https
  std::vector<HttpHeader> headers;
  std::string body;
  HttpLimits limits;  // read anew before each wait: a sink may change them while it is called
  int max_redirects = 0;
  RedirectScope redirect_scope = RedirectScope::anywhere;
};

struct HttpHead {
  int status = 0;
  std::vector<HttpHeader> headers;
};

struct ClientResponse {
  HttpHead head;
  std::string body;                 // empty when a sink took it
  std::string url;                  // that answered: the request's, or where redirects led
  std::vector<HttpHead> redirects;  // followed on the way, first one first
};

/// Takes a piece of the body on the thread that called send(), as it arrives. What it throws ends the
/// exchange, closes the connection and leaves send(). While it blocks, the peer is slowed by TCP and no idle
/// time is counted.
using HttpBodySink = std::function<void(const HttpHead& head, std::string_view bytes)>;

/// Which proxy to use. An empty text means none; nothing is read from the environment behind the caller's
/// back.
struct ProxySettings {
  std::string http_proxy;   // for http:// URLs
  std::string https_proxy;  // for https:// URLs
  std::string no_proxy;     // comma-separated hosts that are reached directly

  /// The customary variables: http_proxy (lower case only, see CVE-2016-5385), https_proxy, HTTPS_PROXY,
  /// all_proxy, ALL_PROXY, no_proxy, NO_PROXY. `get` returns a variable's value or null; the real one is
  /// std::getenv.
  static ProxySettings from_environment(const char* (*get)(const char*));
};

/// Blocking HTTP/1.1 client that keeps connections open between requests.
///
/// Invariants: a connection serves one request at a time; at most `max_idle` connections wait unused, and the
/// one that waited longest goes first. send() may be called from any number of threads; each runs on its
/// caller's thread. Costs: a few allocations and about 20 µs over a raw socket when a connection to the same
/// origin is idle.
class HttpClient {
 public:
  struct Options {
    ProxySettings proxy;
    std::string user_agent = "quintet";
    std::string ca_bundle;  // PEM file; empty = the system's
    std::size_t max_idle = 64;
  };

  HttpClient();
  explicit HttpClient(Options options);
  ~HttpClient();  // no send() may be running
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Throws HttpFailure. Requesting a stop ends the exchange with HttpFault::cancelled and closes the
  /// connection within 100 ms, whatever it is waiting for.
  ClientResponse send(const ClientRequest& request, const HttpBodySink& sink = {}, std::stop_token stop = {});

  std::size_t n_idle() const;

 private:
  struct State;
  ClientResponse exchange(const ClientRequest& request, const HttpLimits& limits, const HttpBodySink& sink,
                          const std::stop_token& stop, std::chrono::steady_clock::time_point started);
  std::unique_ptr<State> state_;
};

}  // namespace quintet
