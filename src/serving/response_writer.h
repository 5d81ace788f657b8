#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/event_log.h"
#include "serving/http.h"

namespace quintet {

/// "Not Found"; for a status without a registered phrase, its class.
std::string_view reason_phrase(int status) noexcept;

/// How the body that follows a head is delimited.
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::length;
  std::size_t n_bytes = 0;
};

/// "HTTP/1.1 200 OK", the fields, framing, and the empty line. A field whose name or value could end its line
/// is left out: what a handler copies from outside must not write headers.
void append_response_head(std::string& out, int status, const HttpHeaders& headers, BodyFraming framing,
                          bool keeps_alive);

/// One chunk of the chunked coding; nothing for an empty payload, which would end the body.
void append_chunk(std::string& out, std::string_view payload);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// One server-sent event (WHATWG HTML §9.2) with "id: <stream_id>:<index>". Line breaks in the data become
/// several data lines.
void append_event(std::string& out, const EventLog::Event& event, std::string_view stream_id,
                  std::size_t index);
inline constexpr std::string_view kHeartbeat = ": ping\n\n";

/// The index to go on from when a client sends back the id of the last event it saw; nothing when the id
/// belongs to another stream or is malformed.
std::optional<std::size_t> parse_last_event_id(std::string_view id, std::string_view stream_id);

}  // namespace quintet
