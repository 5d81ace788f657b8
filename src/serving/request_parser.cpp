#include "serving/request_parser.h"

#include <algorithm>
#include <utility>

#include <boost/beast/http/basic_parser.hpp>

#include "core/text.h"

namespace quintet {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

/// Puts what Beast finds straight into our types.
class BeastParser final : public http::basic_parser<true> {
 public:
  RequestHead head;
  std::string body;
  std::size_t n_fields = 0;
  std::size_t max_fields = 0;

 private:
  using view = boost::beast::string_view;

  void on_request_impl(http::verb, view method, view target, int version, error_code&) override {
    head.method.assign(method.data(), method.size());
    head.target.assign(target.data(), target.size());
    head.version = version;
  }
  void on_field_impl(http::field, view name, view value, error_code& error) override {
    if (++n_fields > max_fields) {
      error = http::error::header_limit;
      return;
    }
    if (is_in_trailers_) return;  // nothing here uses trailers, and merging them is how smuggling starts
    head.headers.add(std::string(name), std::string(value));
  }
  void on_header_impl(error_code&) override { is_in_trailers_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length)
      body.reserve(std::min<std::uint64_t>(*length, 64 * 1024));  // the rest is believed when it arrives
  }
  std::size_t on_body_impl(view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, view, int, error_code&) override {}

  bool is_in_trailers_ = false;
};

/// The longest chunk header and trailer section that may wait for its end.
constexpr std::size_t kMaxChunkOverhead = 16 * 1024;
/// "0\r\n\r\n", the shortest end of a chunked body.
constexpr std::size_t kMinLastChunk = 5;

/// The first thing wrong with the lines of a head that Beast would accept or repair, or nothing.
std::optional<std::string> find_bad_line(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const char c = head[i];
    if (c == '\0') return "the request head contains a NUL byte";
    if (c == '\r' && (i + 1 == head.size() || head[i + 1] != '\n'))
      return "the request head contains a bare CR";
    if (c != '\n') continue;
    if (i == 0 || head[i - 1] != '\r') return "the request head contains a bare LF";
    if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t'))
      return "a header field is folded over two lines";
  }
  return std::nullopt;
}

/// "GET /a HTTP/2.0" asks for another version; "GET /a b HTTP/1.1" is just wrong.
bool names_a_version(std::string_view request_line) {
  const auto parts = split(request_line, ' ');
  return parts.size() == 3 && parts[2].starts_with("HTTP/");
}

}  // namespace

struct RequestParser::Impl {
  explicit Impl(const RequestParserLimits& limits_in) : limits(limits_in) {
    parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    parser.body_limit(boost::none);  // set once the route is known
    parser.max_fields = limits.max_fields;
  }

  const RequestParserLimits limits;
  BeastParser parser;
  State state = State::head;
  Fault fault;
  std::size_t n_scanned = 0;  // bytes of an incomplete head known not to end it
  bool is_at_last_chunk = false;

  void fail(int status, std::string reason) {
    state = State::failed;
    fault = {status, std::move(reason)};
  }

  void fail(const error_code& error) {
    if (error == http::error::header_limit) return fail(431, "the request head is too large");
    if (error == http::error::body_limit)
      return fail(413, "the request body is larger than this path allows");
    if (error == http::error::bad_version) return fail(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    fail(400, cat("malformed request: ", error.message()));
  }

  std::size_t feed_head(std::string_view bytes) {
    std::size_t skipped = 0;  // RFC 9112 §2.2: empty lines before the request line are ignored
    while (bytes.substr(skipped).starts_with("\r\n")) skipped += 2;
    if (skipped > 0) n_scanned = 0;
    bytes.remove_prefix(skipped);
    const std::size_t end = bytes.find("\r\n\r\n", n_scanned > 3 ? n_scanned - 3 : 0);
    const std::size_t head_bytes = end == std::string_view::npos ? bytes.size() : end + 4;
    const std::size_t line_bytes =
        std::min(bytes.find("\r\n"), bytes.size() - (bytes.ends_with('\r') ? 1 : 0));
    if (line_bytes > limits.max_request_line_bytes) {
      fail(431, "the request line is too long");
    } else if (head_bytes > limits.max_header_bytes) {
      fail(431, "the request head is too large");
    } else if (end == std::string_view::npos) {
      n_scanned = bytes.size();
      // A complete line that is wrong need not wait for the rest of its head.
      if (const std::size_t line_end = bytes.find('\n'); line_end != std::string_view::npos)
        if (auto bad = find_bad_line(bytes.substr(0, line_end + 1))) fail(400, std::move(*bad));
    } else if (auto bad = find_bad_line(bytes.substr(0, head_bytes))) {
      fail(400, std::move(*bad));
    } else {
      error_code error;
      parser.put({bytes.data(), head_bytes}, error);
      if (error == http::error::bad_version && !names_a_version(bytes.substr(0, bytes.find('\r')))) {
        fail(400, "malformed request line");
      } else if (error) {
        fail(error);
      } else if (!parser.is_header_done()) {
        fail(400, "malformed request head");
      } else {
        finish_head();
        return skipped + head_bytes;
      }
    }
    return skipped;
  }

  void finish_head() {
    RequestHead& head = parser.head;
    std::size_t n_hosts = 0;
    std::size_t n_lengths = 0;
    for (const auto& [name, value] : head.headers.fields()) {
      if (iequals_ascii(name, "Host")) ++n_hosts;
      if (iequals_ascii(name, "Content-Length")) {
        ++n_lengths;
        if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos)
          return fail(400, "malformed Content-Length");
      }
      if (iequals_ascii(name, "Transfer-Encoding")) {
        if (!iequals_ascii(value, "chunked"))
          return fail(501, "the only Transfer-Encoding known here is chunked");
        if (head.version == 10) return fail(400, "HTTP/1.0 has no Transfer-Encoding");
      }
      if (iequals_ascii(name, "Expect")) {
        if (!iequals_ascii(value, "100-continue")) return fail(417, "unknown expectation");
        head.expects_continue = head.version >= 11;
      }
    }
    if (n_lengths > 1) return fail(400, "repeated Content-Length");
    if (n_hosts > 1 || (n_hosts == 0 && head.version >= 11))
      return fail(400, "exactly one Host field is required");
    head.is_chunked = parser.chunked();
    if (const auto length = parser.content_length()) head.content_length = *length;
    head.keeps_alive = parser.keep_alive();
    head.is_upgrade = parser.upgrade();
    state = head.has_body() ? State::head_complete : State::complete;
  }

  std::size_t feed_body(std::string_view bytes) {
    // Beast asserts that a last chunk it has asked more of comes back with at least the bytes of "0\r\n\r\n".
    if (is_at_last_chunk && bytes.size() < kMinLastChunk) return 0;
    std::size_t consumed = 0;
    while (consumed < bytes.size() && !parser.is_done()) {
      error_code error;
      const std::size_t n = parser.put({bytes.data() + consumed, bytes.size() - consumed}, error);
      consumed += n;
      if (error == http::error::need_more) {
        if (bytes.size() - consumed > kMaxChunkOverhead) fail(400, "a chunk header or trailer is too long");
        // Only the last chunk keeps Beast waiting after the end of a line.
        const std::string_view rest = bytes.substr(consumed);
        is_at_last_chunk = rest.find("\r\n", 1) != std::string_view::npos;
        break;
      }
      if (error) {
        fail(error);
        break;
      }
      if (n == 0) break;
    }
    if (state == State::body && parser.is_done()) state = State::complete;
    return consumed;
  }
};

RequestParser::RequestParser(const RequestParserLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

std::size_t RequestParser::feed(std::string_view bytes) {
  switch (impl_->state) {
    case State::head: return impl_->feed_head(bytes);
    case State::body: return impl_->feed_body(bytes);
    case State::head_complete:
    case State::complete:
    case State::failed: return 0;
  }
  return 0;
}

void RequestParser::begin_body(std::size_t max_bytes) {
  if (impl_->state != State::head_complete) return;
  impl_->state = State::body;
  if (impl_->parser.head.content_length.value_or(0) > max_bytes)
    return impl_->fail(413, cat("the request body has ", *impl_->parser.head.content_length,
                                " bytes, this path takes at most ", max_bytes));
  impl_->parser.body_limit(max_bytes);
}

RequestParser::State RequestParser::state() const noexcept {
  return impl_->state;
}
const RequestParser::Fault& RequestParser::fault() const noexcept {
  return impl_->fault;
}
RequestHead& RequestParser::head() noexcept {
  return impl_->parser.head;
}
std::string& RequestParser::body() noexcept {
  return impl_->parser.body;
}

}  // namespace quintet
