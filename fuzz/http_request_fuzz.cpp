// QN_FUZZ_LINK: quintet_serving
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "serving/request_parser.h"
#include "serving/websocket.h"

using namespace quintet;

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

constexpr RequestParserLimits kLimits{
    .max_request_line_bytes = 256, .max_header_bytes = 1024, .max_fields = 20};
constexpr std::size_t kMaxBodyBytes = 512;

struct Result {
  RequestParser::State state;
  std::string rest;
  std::string method;
  std::string target;
  std::size_t n_fields;
  std::string body;
  bool operator==(const Result&) const = default;
};

Result parse(std::string_view bytes, std::size_t step) {
  using State = RequestParser::State;
  RequestParser parser(kLimits);
  std::string rest;
  for (std::size_t at = 0;; at += step) {
    if (at < bytes.size()) rest += bytes.substr(at, step);
    for (;;) {
      const std::size_t n = parser.feed(rest);
      require(n <= rest.size());
      rest.erase(0, n);
      if (parser.state() != State::head_complete) break;
      parser.begin_body(kMaxBodyBytes);
    }
    if (at >= bytes.size()) break;
  }
  require(parser.body().size() <= kMaxBodyBytes);
  if (parser.state() == State::failed)
    require(parser.fault().status >= 400 && !parser.fault().reason.empty());
  if (parser.state() != State::complete) return {parser.state(), "", "", "", 0, ""};
  RequestHead& head = parser.head();
  require(!head.method.empty() && !head.target.empty());
  require(!(head.is_chunked && head.content_length));
  require(!head.content_length || *head.content_length == parser.body().size());
  for (const auto& [name, value] : head.headers.fields())
    require(!name.empty() && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  return {parser.state(), rest, head.method, head.target, head.headers.fields().size(), parser.body()};
}

}  // namespace

/// Any bytes, in any pieces: the request that is understood does not depend on the pieces. The same bytes are
/// given to the WebSocket decoder.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t step = 1 + data[0] % 64;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Result whole = parse(bytes, std::max<std::size_t>(1, bytes.size()));
  const Result pieces = parse(bytes, step);
  using State = RequestParser::State;
  // Pieces may reveal a fault earlier, in a request that the end of the input leaves open; never more than
  // that.
  if (whole.state == State::complete || pieces.state == State::complete) require(whole == pieces);

  WebSocketDecoder decoder(256);
  std::string input(bytes);
  while (const auto event = decoder.next(input)) require(event->payload.size() <= 256);
  return 0;
}
