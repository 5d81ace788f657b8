#include "serving/response_writer.h"

#include <array>
#include <charconv>

#include "core/text.h"

namespace quintet {
namespace {

bool is_safe_field(std::string_view name, std::string_view value) {
  return !name.empty() && name.find_first_of(std::string_view("\r\n\0:", 4)) == std::string_view::npos &&
         value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void append_number(std::string& out, std::size_t value, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: break;
  }
  if (status < 300) return "OK";
  if (status < 400) return "Redirect";
  return status < 500 ? "Client Error" : "Server Error";
}

void append_response_head(std::string& out, int status, const HttpHeaders& headers, BodyFraming framing,
                          bool keeps_alive) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(status));
  out.append(" ").append(reason_phrase(status)).append("\r\n");
  for (const auto& [name, value] : headers.fields())
    if (is_safe_field(name, value)) append_field(out, name, value);
  switch (framing.kind) {
    case BodyFraming::Kind::none: break;
    case BodyFraming::Kind::length:
      out += "Content-Length: ";
      append_number(out, framing.n_bytes);
      out += "\r\n";
      break;
    case BodyFraming::Kind::chunked: out += "Transfer-Encoding: chunked\r\n"; break;
    case BodyFraming::Kind::until_close: break;
  }
  if (status != 101) out += keeps_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  out += "\r\n";
}

void append_chunk(std::string& out, std::string_view payload) {
  if (payload.empty()) return;
  append_number(out, payload.size(), 16);
  out.append("\r\n").append(payload).append("\r\n");
}

void append_event(std::string& out, const EventLog::Event& event, std::string_view stream_id,
                  std::size_t index) {
  out.append("id: ").append(stream_id).append(":");
  append_number(out, index);
  if (!event.type.empty()) out.append("\nevent: ").append(event.type);
  std::string_view data = event.data;
  for (;;) {
    const std::size_t end = data.find_first_of("\r\n");
    out.append("\ndata: ").append(data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out += "\n\n";
}

std::optional<std::size_t> parse_last_event_id(std::string_view id, std::string_view stream_id) {
  const std::size_t colon = id.rfind(':');
  if (colon == std::string_view::npos || id.substr(0, colon) != stream_id) return std::nullopt;
  const auto index = parse_int(id.substr(colon + 1));
  if (!index || *index < 0) return std::nullopt;
  return static_cast<std::size_t>(*index) + 1;
}

}  // namespace quintet
