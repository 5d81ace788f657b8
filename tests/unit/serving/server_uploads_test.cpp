#include <atomic>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "core/ids.h"
#include "core/text.h"
#include "raw_client.h"
#include "test_server.h"

namespace quintet {
namespace {

/// Keeps what it was given; the largest piece tells how much lay in memory at once.
struct Kept final : BodySink {
  explicit Kept(std::atomic<int>& n_open) : n_open_(n_open) { ++n_open_; }
  ~Kept() override { --n_open_; }
  void append(std::string_view bytes) override {
    if (bytes.find("poison") != std::string_view::npos) throw Exhausted("the disk is full");
    text += bytes;
    largest = std::max(largest, bytes.size());
  }
  std::string text;
  std::size_t largest = 0;
  std::atomic<int>& n_open_;
};

struct UploadServer : TestServer {
  UploadServer() {
    router.add(Route{.method = "POST",
                     .pattern = "/upload",
                     .handler =
                         [this](const HttpRequest& request, std::stop_token) {
                           ++n_handled;
                           const auto kept = std::dynamic_pointer_cast<Kept>(request.body_sink);
                           if (kept == nullptr) return HttpResponse::text("nothing", "text/plain");
                           return HttpResponse::text(cat(kept->text.size(), " ", kept->largest, " ",
                                                         hex_encode(sha256(kept->text)), request.body),
                                                     "text/plain");
                         },
                     .max_body_bytes = 64 << 20,
                     .open_body = [this](const HttpRequest& request) -> std::shared_ptr<BodySink> {
                       if (request.query_value("name") == "bad") throw InvalidArgument("a bad name");
                       return std::make_shared<Kept>(n_open);
                     }});
    start();
  }
  std::atomic<int> n_open{0};
  std::atomic<int> n_handled{0};
};

std::string large_text() {
  std::string text;
  while (text.size() < 20'000'000) text += cat("line ", text.size(), "\n");
  return text;
}

TEST(HttpServerUploads, HandsALargeBodyOnInPiecesWithoutHoldingItInMemory) {
  UploadServer test;
  const std::string body = large_text();
  RawClient client(test.port());
  client.send(
      cat("POST /upload?name=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", body.size(), "\r\n\r\n"));
  client.send(body);
  const auto response = client.receive_response();
  ASSERT_EQ(response.status, 200) << response.body;
  const auto parts = split(response.body, ' ');
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0], cat(body.size()));
  EXPECT_LT(parse_int(parts[1]).value_or(0), 4 << 20);
  EXPECT_EQ(parts[2], hex_encode(sha256(body)));

  client.send(
      "POST /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive_response().body, cat("3 3 ", hex_encode(sha256("abc"))))
      << "the connection goes on";
  client.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.receive_response().body, "nothing");
}

TEST(HttpServerUploads, AnswersWhatTheSinkRefusesAndLeavesNothingOpen) {
  UploadServer test;
  {
    RawClient client(test.port());
    client.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nxx poison");
    const auto response = client.receive_response();
    EXPECT_EQ(response.status, http_status(ErrorCode::exhausted));
    EXPECT_NE(response.body.find("the disk is full"), std::string::npos);
  }
  {
    RawClient client(test.port());
    client.send("POST /upload?name=bad HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n");
    client.send(std::string(30'000'000, 'x'));
    EXPECT_EQ(client.receive_response().status, 400);
  }
  {
    RawClient client(test.port());
    client.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000000\r\n\r\n");
    EXPECT_EQ(client.receive_response().status, 413) << "before a byte of it has come";
  }
  {
    RawClient client(test.port());
    client.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n");
    client.send(std::string(6'000'000, 'x'));
    while (test.n_open == 0) std::this_thread::yield();
  }  // goes away half way
  while (test.n_open != 0) std::this_thread::yield();
  EXPECT_EQ(test.n_handled, 0);
}

}  // namespace
}  // namespace quintet
