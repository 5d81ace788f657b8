#include "net/sse_parser.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

void SseParser::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (skips_line_feed_) {
      skips_line_feed_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const auto end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (piece.size() > max_event_bytes_ - std::min(max_event_bytes_, line_.size() + data_.size())) {
      throw CorruptData(cat("event stream: an event is larger than ", max_event_bytes_, " bytes"));
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return;
    }
    skips_line_feed_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      take_line(piece, sink);
    } else {
      line_ += piece;
      take_line(line_, sink);
      line_.clear();
    }
  }
}

void SseParser::take_line(std::string_view line, const Sink& sink) {
  if (is_first_line_) {
    is_first_line_ = false;
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  }
  if (line.empty()) {
    dispatch(sink);
    return;
  }
  const auto colon = line.find(':');
  if (colon == 0) return;  // a comment
  std::string_view value;
  if (colon != std::string_view::npos) {
    value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
  }
  take_field(line.substr(0, colon), value);
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    const bool is_number = !value.empty() && std::all_of(value.begin(), value.end(),
                                                         [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) {
      if (const auto retry = parse_int(value)) retry_ms_ = retry;
    }
  }
}

void SseParser::dispatch(const Sink& sink) {
  if (has_data_) {
    if (find_invalid_utf8(data_)) data_ = sanitize_utf8(data_);
    ++n_events_;
    sink({.type = type_.empty() ? std::string_view("message") : type_, .data = data_, .id = id_});
  }
  type_.clear();
  data_.clear();
  has_data_ = false;
}

}  // namespace quintet
