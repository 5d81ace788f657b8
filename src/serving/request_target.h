#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace quintet {

using QueryMap = std::map<std::string, std::string, std::less<>>;

/// The request target of RFC 9112 §3.2, split and decoded. Everything is valid UTF-8 without NUL.
struct RequestTarget {
  std::string raw_path;      // as sent, begins with '/'
  std::string path;          // percent-decoded
  QueryMap query;            // percent-decoded; the last of a repeated name
  std::string authority;     // "host:port" of the absolute form, else empty
  bool is_asterisk = false;  // "OPTIONS *"
};

/// Takes the origin form, the absolute form of http and https, and "*". Nothing when malformed.
std::optional<RequestTarget> parse_request_target(std::string_view target);

/// "a=1&b=%20x" with '+' as space. Nothing for a bad escape or text that is not UTF-8.
std::optional<QueryMap> parse_query(std::string_view query);

}  // namespace quintet
