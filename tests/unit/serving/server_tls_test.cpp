#include <cstdio>
#include <filesystem>
#include <memory>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "raw_client.h"
#include "test_server.h"

namespace quintet {
namespace {

/// A key and a certificate that it signed itself, as files.
struct SelfSigned {
  SelfSigned() {
    std::string pattern = (std::filesystem::temp_directory_path() / "quintet_tls_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder = pattern;
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    write("cert.pem", [&](std::FILE* file) { PEM_write_X509(file, certificate); });
    write("key.pem",
          [&](std::FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~SelfSigned() { std::filesystem::remove_all(folder); }

  template <typename Write>
  void write(const char* name, Write write_to) const {
    std::FILE* file = std::fopen((folder / name).c_str(), "wb");
    write_to(file);
    std::fclose(file);
  }
  std::filesystem::path folder;
};

/// A blocking TLS client on a raw connection.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int max_version = TLS1_3_VERSION)
      : connection_(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), 0);
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), connection_.native_handle());
    is_connected = SSL_connect(ssl_.get()) == 1;
  }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  /// Everything up to the end of the connection, or until `text` is in it.
  std::string receive_until(std::string_view text) {
    std::string all;
    char chunk[8192];
    while (all.find(text) == std::string::npos) {
      const int n = SSL_read(ssl_.get(), chunk, sizeof chunk);
      if (n <= 0) break;
      all.append(chunk, static_cast<std::size_t>(n));
    }
    return all;
  }
  bool is_connected = false;

 private:
  RawClient connection_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
};

struct TlsServer : TestServer {
  TlsServer() {
    options.tls_certificate = files.folder / "cert.pem";
    options.tls_key = files.folder / "key.pem";
    post("/echo", echo_body, 4 << 20);
    post("/small", echo_body, 100);
    get("/hello", hello);
    options.timeouts.header = std::chrono::milliseconds(500);
    options.timeouts.linger = std::chrono::milliseconds(500);
    start();
  }
  SelfSigned files;
};

TEST(HttpServerTls, ServesOverTls12And13) {
  TlsServer test;
  EXPECT_TRUE(test.server->url().starts_with("https://127.0.0.1:"));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(test.port(), version);
    ASSERT_TRUE(client.is_connected);
    for (int i = 0; i < 3; ++i) {
      client.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
      EXPECT_TRUE(client.receive_until("\r\n\r\nhello").starts_with("HTTP/1.1 200 OK"));
    }
    const std::string body(1'000'000, 'x');
    client.send(cat("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", body.size(), "\r\n\r\n"));
    client.send(body);
    client.send("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_GT(client.receive_until("\r\n\r\nhello").size(), body.size());
    EXPECT_EQ(client.receive_until("nothing more"), "");
  }
}

TEST(HttpServerTls, RefusesOldVersionsAndPlainText) {
  TlsServer test;
  EXPECT_FALSE(TlsClient(test.port(), TLS1_1_VERSION).is_connected);
  RawClient plain(test.port());
  plain.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  plain.wait_for_end();
  EXPECT_EQ(plain.input().find("HTTP/1.1 200"), std::string::npos);
  RawClient silent(test.port());  // never says hello
  EXPECT_TRUE(silent.wait_for_end());
}

TEST(HttpServerTls, ShowsARefusalToAClientThatStillSends) {
  TlsServer test;
  TlsClient client(test.port());
  ASSERT_TRUE(client.is_connected);
  client.send("POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n");
  client.send(std::string(300'000, 'x'));
  EXPECT_TRUE(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST(HttpServerTls, RefusesAKeyThatDoesNotFit) {
  const SelfSigned one;
  const SelfSigned two;
  WorkerPool workers({}, null_log());
  ServerOptions options;
  options.port = 0;
  options.tls_certificate = one.folder / "cert.pem";
  options.tls_key = two.folder / "key.pem";
  EXPECT_THROW(HttpServer(options, Router(), ServerServices{workers, null_log()}), InvalidArgument);
  options.tls_key.clear();
  EXPECT_THROW(HttpServer(options, Router(), ServerServices{workers, null_log()}), InvalidArgument);
}

}  // namespace
}  // namespace quintet
