#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace quintet {

/// One server-sent event. The views live until the sink returns.
struct SseEvent {
  std::string_view type;  // "message" when the stream named none
  std::string_view data;  // valid UTF-8
  std::string_view id;    // the last id the stream gave
};

/// Incremental parser of text/event-stream (WHATWG HTML, section 9.2.6). The events do not depend on how the
/// bytes are cut into pieces. As the standard says, an event that no blank line ends is discarded. Used by
/// one thread at a time.
class SseParser {
 public:
  using Sink = std::function<void(const SseEvent&)>;

  /// `max_event_bytes` bounds what one event, and so this parser, may hold.
  explicit SseParser(std::size_t max_event_bytes = std::size_t{8} << 20)
      : max_event_bytes_(max_event_bytes) {}

  /// Calls `sink` for each event that `bytes` complete. Throws CorruptData when an event outgrows the bound,
  /// and whatever `sink` throws; the parser must not be fed again after either.
  void feed(std::string_view bytes, const Sink& sink);

  /// The reconnection time the stream asked for, if it did.
  std::optional<std::int64_t> retry_ms() const noexcept { return retry_ms_; }
  std::size_t n_events() const noexcept { return n_events_; }

 private:
  void take_line(std::string_view line, const Sink& sink);
  void take_field(std::string_view name, std::string_view value);
  void dispatch(const Sink& sink);

  std::size_t max_event_bytes_;
  std::string line_;  // the start of a line whose end has not arrived
  std::string type_;
  std::string data_;
  std::string id_;
  std::optional<std::int64_t> retry_ms_;
  std::size_t n_events_ = 0;
  bool has_data_ = false;
  bool skips_line_feed_ = false;  // a carriage return came last: a line feed now belongs to it
  bool is_first_line_ = true;
};

}  // namespace quintet
