#include "serving/websocket.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/evp.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

enum Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

bool is_control(std::uint8_t opcode) {
  return opcode >= 8;
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

bool is_valid_close(std::string_view payload) {
  if (payload.empty()) return true;
  if (payload.size() == 1) return false;
  const auto code = read_big_endian(payload.substr(0, 2));
  const bool is_known = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                        (code >= 3000 && code <= 4999);
  return is_known && !find_invalid_utf8(payload.substr(2));
}

}  // namespace

bool WebSocketDecoder::take_header(std::string& input) {
  if (input.size() < 2) return false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  const std::size_t length_bytes = (byte(1) & 0x7F) == 126 ? 2 : (byte(1) & 0x7F) == 127 ? 8 : 0;
  const std::size_t header_bytes = 2 + length_bytes + 4;
  Header header;
  header.is_final = (byte(0) & 0x80) != 0;
  header.opcode = byte(0) & 0x0F;
  const bool is_known =
      header.opcode <= Opcode::binary || (header.opcode >= Opcode::close && header.opcode <= Opcode::pong);
  const bool has_mask = (byte(1) & 0x80) != 0;
  if ((byte(0) & 0x70) != 0 || !is_known || !has_mask) return fail(1002), false;
  if (input.size() < header_bytes) return false;
  header.n_left =
      length_bytes == 0 ? byte(1) & 0x7F : read_big_endian(std::string_view(input).substr(2, length_bytes));
  std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(2 + length_bytes), 4, header.mask);
  if (is_control(header.opcode)) {
    if (!header.is_final || header.n_left > 125) return fail(1002), false;
    control_.clear();
  } else if ((header.opcode == Opcode::continuation) != kind_.has_value()) {
    return fail(1002), false;  // a continuation of nothing, or a new message inside another
  } else {
    if (header.n_left > max_message_bytes_ - message_.size()) return fail(1009), false;
    if (!kind_) kind_ = header.opcode == Opcode::text ? Kind::text : Kind::binary;
  }
  input.erase(0, header_bytes);
  header_ = header;
  return true;
}

std::optional<WebSocketDecoder::Event> WebSocketDecoder::next(std::string& input) {
  while (fault_ == 0) {
    if (!header_ && !take_header(input)) return std::nullopt;
    Header& header = *header_;
    std::string& target = is_control(header.opcode) ? control_ : message_;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(header.n_left, input.size()));
    for (std::size_t i = 0; i < n; ++i)
      target += static_cast<char>(static_cast<unsigned char>(input[i]) ^ header.mask[header.n_taken++ % 4]);
    input.erase(0, n);
    header.n_left -= n;
    if (header.n_left > 0) return std::nullopt;
    auto event = finish_frame();
    header_.reset();
    if (event) return event;
  }
  return std::nullopt;
}

std::optional<WebSocketDecoder::Event> WebSocketDecoder::finish_frame() {
  switch (header_->opcode) {
    case Opcode::close:
      if (!is_valid_close(control_)) return fail(1002), std::nullopt;
      return Event{Kind::close, std::move(control_)};
    case Opcode::ping: return Event{Kind::ping, std::move(control_)};
    case Opcode::pong: return Event{Kind::pong, std::move(control_)};
    default: break;
  }
  if (!header_->is_final) return std::nullopt;
  Event event{*kind_, std::exchange(message_, {})};
  kind_.reset();
  if (event.kind == Kind::text && find_invalid_utf8(event.payload)) return fail(1007), std::nullopt;
  return event;
}

void append_websocket_frame(std::string& out, WebSocketDecoder::Kind kind, std::string_view payload) {
  constexpr std::array<Opcode, 5> kOpcodes = {Opcode::text, Opcode::binary, Opcode::close, Opcode::ping,
                                              Opcode::pong};
  out += static_cast<char>(0x80 | kOpcodes[static_cast<std::size_t>(kind)]);
  const std::size_t length_bytes = payload.size() < 126 ? 0 : payload.size() <= 0xFFFF ? 2 : 8;
  out += static_cast<char>(length_bytes == 0 ? payload.size() : length_bytes == 2 ? 126 : 127);
  for (std::size_t i = length_bytes; i > 0; --i)
    out += static_cast<char>(payload.size() >> (8 * (i - 1)) & 0xFF);
  out += payload;
}

std::string websocket_close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return payload += truncate_utf8(reason, 123);
}

std::string websocket_accept_key(std::string_view key) {
  const std::string text = cat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  QN_CHECK(EVP_Digest(text.data(), text.size(), digest, &n, EVP_sha1(), nullptr) == 1);
  return base64_encode({reinterpret_cast<const char*>(digest), n});
}

// ---- Session
// ------------------------------------------------------------------------------------------------------

std::optional<WebSocket::Message> WebSocketSession::receive() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !incoming_.empty() || has_ended_ || is_closing_; });
  if (incoming_.empty()) return std::nullopt;
  Message message = std::move(incoming_.front());
  incoming_.pop_front();
  lock.unlock();
  wake_();  // there is room again
  return message;
}

bool WebSocketSession::send(std::string_view data, bool is_text) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return outgoing_.size() < kMaxWaitingBytes || has_ended_ || is_closing_; });
  if (has_ended_ || is_closing_) return false;
  append_websocket_frame(outgoing_, is_text ? WebSocketDecoder::Kind::text : WebSocketDecoder::Kind::binary,
                         data);
  lock.unlock();
  wake_();
  return true;
}

void WebSocketSession::close(std::uint16_t code, std::string_view reason) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closing_ || has_ended_) return;
    is_closing_ = true;
    append_websocket_frame(outgoing_, WebSocketDecoder::Kind::close, websocket_close_payload(code, reason));
    changed_.notify_all();
  }
  wake_();
}

bool WebSocketSession::has_room() const {
  const std::lock_guard lock(mutex_);
  return incoming_.size() < kMaxWaitingMessages;
}

void WebSocketSession::deliver(Message message) {
  const std::lock_guard lock(mutex_);
  incoming_.push_back(std::move(message));
  changed_.notify_all();
}

std::string WebSocketSession::take_outgoing() {
  const std::lock_guard lock(mutex_);
  if (!outgoing_.empty()) changed_.notify_all();
  return std::exchange(outgoing_, {});
}

bool WebSocketSession::wants_close() const {
  const std::lock_guard lock(mutex_);
  return is_closing_;
}

void WebSocketSession::end() {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  changed_.notify_all();
}

}  // namespace quintet
