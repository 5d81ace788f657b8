#include "serving/byte_stream.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  void open(Listener listener) override { listener->on_opened({}); }

  void read_some(std::span<char> room, Listener listener) override {
    socket_.async_read_some(asio::buffer(room.data(), room.size()),
                            [listener = std::move(listener)](const error_code& error, std::size_t n) {
                              listener->on_read(error, n);
                            });
  }

  void write_some(const Pieces& pieces, Listener listener) override {
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(pieces[0].data(), pieces[0].size()),
                                                       asio::buffer(pieces[1].data(), pieces[1].size())};
    socket_.async_write_some(buffers,
                             [listener = std::move(listener)](const error_code& error, std::size_t n) {
                               listener->on_written(error, n);
                             });
  }

  void shut_down(Listener listener) override {
    error_code ignored;  // the peer may have gone already
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    listener->on_shut_down();
  }
  bool can_read_after_shut_down() const noexcept override { return true; }

  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket socket_;
};

class TlsStream final : public ByteStream {
 public:
  TlsStream(asio::ip::tcp::socket socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}

  void open(Listener listener) override {
    stream_.async_handshake(
        asio::ssl::stream_base::server,
        [listener = std::move(listener)](const error_code& error) { listener->on_opened(error); });
  }

  void read_some(std::span<char> room, Listener listener) override {
    stream_.async_read_some(asio::buffer(room.data(), room.size()),
                            [listener = std::move(listener)](const error_code& error, std::size_t n) {
                              listener->on_read(error, n);
                            });
  }

  /// One record at a time: ssl::stream takes only the first buffer of a sequence.
  void write_some(const Pieces& pieces, Listener listener) override {
    const std::string_view piece = pieces[0].empty() ? pieces[1] : pieces[0];
    stream_.async_write_some(asio::buffer(piece.data(), piece.size()),
                             [listener = std::move(listener)](const error_code& error, std::size_t n) {
                               listener->on_written(error, n);
                             });
  }

  void shut_down(Listener listener) override {
    stream_.async_shutdown([listener = std::move(listener)](const error_code&) { listener->on_shut_down(); });
  }
  bool can_read_after_shut_down() const noexcept override { return false; }

  void close() noexcept override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<ByteStream> make_plain_stream(asio::ip::tcp::socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

struct TlsContext::Impl {
  asio::ssl::context context{asio::ssl::context::tls_server};
};

TlsContext::TlsContext(const std::filesystem::path& certificate, const std::filesystem::path& key)
    : impl_(std::make_unique<Impl>()) {
  auto& context = impl_->context;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  error_code error;
  if (context.use_certificate_chain_file(certificate.string(), error))
    throw InvalidArgument(
        cat("serve: cannot read the TLS certificate ", certificate.string(), ": ", error.message()));
  if (context.use_private_key_file(key.string(), asio::ssl::context::pem, error))
    throw InvalidArgument(cat("serve: cannot use the TLS key ", key.string(), " with the certificate ",
                              certificate.string(), ": ", error.message()));
}

TlsContext::~TlsContext() = default;

std::unique_ptr<ByteStream> TlsContext::make_stream(asio::ip::tcp::socket socket) const {
  return std::make_unique<TlsStream>(std::move(socket), impl_->context);
}

}  // namespace quintet
