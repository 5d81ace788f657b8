#pragma once

// Internal to serving: includes Asio, so only the few files that move bytes may include it.

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

namespace quintet {

/// What a ByteStream tells its owner, on the I/O thread. The shared_ptr given with each operation keeps the
/// owner alive until it has been told.
class ByteStreamListener {
 public:
  virtual void on_opened(boost::system::error_code error) = 0;
  virtual void on_read(boost::system::error_code error, std::size_t n) = 0;
  virtual void on_written(boost::system::error_code error, std::size_t n) = 0;
  virtual void on_shut_down() = 0;

 protected:
  ~ByteStreamListener() = default;
};

/// A TCP connection, plain or under TLS. At most one operation of each kind at a time; used on its I/O thread
/// only.
class ByteStream {
 public:
  using Listener = std::shared_ptr<ByteStreamListener>;
  using Pieces = std::array<std::string_view, 2>;  // written in this order

  virtual ~ByteStream() = default;
  virtual void open(Listener listener) = 0;  // the TLS handshake
  virtual void read_some(std::span<char> room, Listener listener) = 0;
  virtual void write_some(const Pieces& pieces, Listener listener) = 0;
  /// Says that nothing more will be written. Under TLS also the end of reading.
  virtual void shut_down(Listener listener) = 0;
  virtual bool can_read_after_shut_down() const noexcept = 0;
  /// Cancels what is in progress and closes the socket. May be called again.
  virtual void close() noexcept = 0;
};

std::unique_ptr<ByteStream> make_plain_stream(boost::asio::ip::tcp::socket socket);

/// Certificate, key and protocol settings shared by all connections: TLS 1.2 or newer.
class TlsContext {
 public:
  /// Throws InvalidArgument naming the file that is missing, malformed or does not fit the other.
  TlsContext(const std::filesystem::path& certificate, const std::filesystem::path& key);
  ~TlsContext();
  std::unique_ptr<ByteStream> make_stream(boost::asio::ip::tcp::socket socket) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quintet
