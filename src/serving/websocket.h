#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace quintet {

/// An upgraded connection as the handler of a WebSocketRoute sees it. Blocking: receive() for one thread,
/// send() and close() for any. Pings are answered, and sent, by the connection.
class WebSocket {
 public:
  struct Message {
    std::string data;
    bool is_text = true;  // then valid UTF-8
  };

  virtual ~WebSocket() = default;
  /// The next message, or nothing once the connection is closed by either side.
  virtual std::optional<Message> receive() = 0;
  /// Queues a message; waits while much is queued. False once the connection is closed.
  virtual bool send(std::string_view data, bool is_text = true) = 0;
  /// Ends the connection after what was sent. Returning from the handler does the same with code 1000.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

/// Frames from a client (RFC 6455 §5): unmasks, joins fragments, checks. Not thread-safe.
class WebSocketDecoder {
 public:
  enum class Kind : std::uint8_t { text, binary, close, ping, pong };
  struct Event {
    Kind kind = Kind::text;
    std::string payload;
  };
  explicit WebSocketDecoder(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  /// Takes bytes off the front of `input` until a message or a control frame is complete; nothing when more
  /// is needed or fault() is set.
  std::optional<Event> next(std::string& input);
  /// The close code of what the peer did wrong, 0 = nothing.
  std::uint16_t fault() const noexcept { return fault_; }

 private:
  struct Header {
    bool is_final = false;
    std::uint8_t opcode = 0;
    std::uint64_t n_left = 0;  // payload bytes not taken yet
    unsigned char mask[4] = {};
    std::size_t n_taken = 0;
  };
  bool take_header(std::string& input);
  std::optional<Event> finish_frame();
  void fail(std::uint16_t code) noexcept { fault_ = code; }

  const std::size_t max_message_bytes_;
  std::optional<Header> header_;  // of the frame whose payload is arriving
  std::optional<Kind> kind_;      // of the message whose fragments are arriving
  std::string message_;
  std::string control_;
  std::uint16_t fault_ = 0;
};

/// A server's frame: final, unmasked.
void append_websocket_frame(std::string& out, WebSocketDecoder::Kind kind, std::string_view payload);
std::string websocket_close_payload(std::uint16_t code, std::string_view reason);
/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2).
std::string websocket_accept_key(std::string_view key);

/// The queues between the handler's thread and the connection. `wake` posts to the connection and may be
/// called from any thread; it must stay callable as long as the session lives.
class WebSocketSession final : public WebSocket {
 public:
  explicit WebSocketSession(std::function<void()> wake) : wake_(std::move(wake)) {}

  std::optional<Message> receive() override;
  bool send(std::string_view data, bool is_text) override;
  void close(std::uint16_t code, std::string_view reason) override;

  // The connection's side.
  bool has_room() const;  // for a message from the peer; else it waits in the socket
  void deliver(Message message);
  std::string take_outgoing();  // frames
  bool wants_close() const;
  void end();  // nothing comes or goes any more

 private:
  static constexpr std::size_t kMaxWaitingMessages = 16;
  static constexpr std::size_t kMaxWaitingBytes = 1 << 20;

  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Message> incoming_;
  std::string outgoing_;
  bool is_closing_ = false;  // a close frame is in outgoing_ or was sent
  bool has_ended_ = false;
};

}  // namespace quintet
