// Peers that do not speak HTTP as they should.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;

class Protocol : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<RunningServer>(
        std::vector<std::string>{"--set", "serve.header_timeout=300ms", "--set", "serve.body_timeout=300ms"});
    server->make_kb("shop");
  }
  static void TearDownTestSuite() { server.reset(); }
  void TearDown() override {
    EXPECT_TRUE(server->process().is_running()) << server->process().log();
    EXPECT_EQ(TestClient(server->port()).get("/healthz").status, 200);
  }
  static std::unique_ptr<RunningServer> server;

  /// What comes back for these bytes.
  static Response answer_to(std::string_view bytes) {
    RawConnection connection(server->port());
    connection.try_send(bytes);
    return read_response(connection);
  }
  static std::string get_with(std::string_view fields) {
    return cat("GET /api/faq/kbs HTTP/1.1\r\nHost: 127.0.0.1\r\n", fields, "\r\n");
  }
};
std::unique_ptr<RunningServer> Protocol::server;

TEST_F(Protocol, UnknownPathsMethodsAndContentTypes) {
  auto& client = server->client();
  for (const char* path :
       {"/api", "/api/", "/api/nothing", "/api/faq/kbs/shop/entries/a/b", "/../etc/passwd", "/%2e%2e/x"})
    EXPECT_EQ(client.get(path).status, 404) << path;
  const auto method = client.request("DELETE", "/api/faq/kbs");
  EXPECT_EQ(method.status, 405);
  EXPECT_THAT(method.header("Allow"), HasSubstr("GET"));
  EXPECT_THAT(method.header("Allow"), HasSubstr("POST"));
  EXPECT_EQ(client.request("BREW", "/api/faq/kbs").status, 501);
  const auto options = client.request("OPTIONS", "/api/faq/kbs");
  EXPECT_EQ(options.status, 204);
  EXPECT_THAT(options.header("Allow"), HasSubstr("POST"));
  for (const char* type :
       {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"})
    expect_problem(client.request("POST", "/api/faq/kbs", R"({"name": "x"})", type), 415);
  expect_json(
      client.request("POST", "/api/faq/kbs", R"({"name": "typed"})", "application/json; charset=utf-8"), 201);
}

TEST_F(Protocol, SlowHeadersTimeOut) {
  RawConnection connection(server->port());
  connection.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  // A byte now and then must not keep the connection.
  std::jthread drip([&](std::stop_token stop) {
    while (!stop.stop_requested() && connection.try_send("X"))
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  const Response response = read_response(connection);
  EXPECT_EQ(response.status, 408);
}

TEST_F(Protocol, ManySlowConnectionsDoNotHinderOthers) {
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<RawConnection>(server->port()));
    slow.back()->send("POST /api/faq/kbs HTTP/1.1\r\nHost: ");
  }
  EXPECT_EQ(TestClient(server->port()).get("/api/faq/kbs").status, 200);
}

TEST_F(Protocol, AStalledBodyTimesOut) {
  RawConnection connection(server->port());
  connection.send(
      "POST /api/faq/kbs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
      "100\r\n\r\n{");
  EXPECT_EQ(read_response(connection).status, 408);
}

TEST_F(Protocol, OversizedHeadsAreRefused) {
  EXPECT_EQ(answer_to(get_with(cat("X-Big: ", std::string(100'000, 'x'), "\r\n"))).status, 431);
  std::string many;
  for (int i = 0; i < 500; ++i) many += cat("X-", i, ": 1\r\n");
  EXPECT_EQ(answer_to(get_with(many)).status, 431);
  EXPECT_THAT(
      answer_to(cat("GET /", std::string(50'000, 'a'), " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).status,
      ::testing::AnyOf(414, 431));
}

TEST_F(Protocol, GarbageAndAmbiguityAreRefusedWith400) {
  constexpr std::string_view kPost = "POST /api/faq/kbs HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  const std::string bad[] = {
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello, TLS?\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",  // no Host
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: other\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n folded: x\r\n\r\n",
      cat(kPost, "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"),
      cat(kPost, "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
      cat(kPost, "Content-Length: -1\r\n\r\n"),
      cat(kPost, "Content-Length: 99999999999999999999\r\n\r\n"),
      cat(kPost, "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
      "GET /api/%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  };
  for (const std::string& bytes : bad) {
    RawConnection connection(server->port());
    connection.try_send(bytes);
    const Response response = read_response(connection);
    EXPECT_GE(response.status, 400) << bytes;
    EXPECT_LT(response.status, 500) << bytes;
  }
}

TEST_F(Protocol, PipelinedRequestsAreAnsweredInOrder) {
  RawConnection connection(server->port());
  connection.send(cat(get_with(""), "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                      "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  EXPECT_THAT(read_response(connection).body, HasSubstr("kbs"));
  EXPECT_THAT(read_response(connection).body, HasSubstr("ok"));
  EXPECT_EQ(read_response(connection).status, 404);
}

TEST_F(Protocol, ConnectionsThatEndAnywhereDoNoHarm) {
  const std::string whole =
      "POST /api/faq/kbs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
      "15\r\n\r\n{\"name\":\"half\"}";
  for (std::size_t n = 0; n < whole.size(); n += 3) {
    RawConnection connection(server->port());
    connection.send(std::string_view(whole).substr(0, n));
  }
  expect_problem(server->client().get("/api/faq/kbs/half"), 404);
}

TEST_F(Protocol, HeadHasTheHeadersOfGetAndNoBody) {
  auto& client = server->client();
  const auto head = client.request("HEAD", "/api/faq/kbs");
  const auto get = client.get("/api/faq/kbs");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), get.header("Content-Length"));
}

TEST_F(Protocol, EveryResponseCarriesTheSecurityHeaders) {
  for (const char* path : {"/", "/api/faq/kbs", "/nothing"}) {
    const auto response = server->client().get(path);
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_FALSE(response.header("X-Request-Id").empty()) << path;
    EXPECT_TRUE(response.header("Server").empty()) << path;
  }
  const auto page = server->client().get("/");
  EXPECT_THAT(page.header("Content-Security-Policy"), HasSubstr("default-src 'self'"));
  EXPECT_THAT(page.header("Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
}

}  // namespace
}  // namespace quintet::functional
