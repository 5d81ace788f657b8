// What a client does wrong, slowly, or too much of.
#include <gtest/gtest.h>

#include "raw_client.h"
#include "test_server.h"

namespace quintet {
namespace {

using std::chrono::milliseconds;

Json problem_of(const RawResponse& response) {
  EXPECT_EQ(response.header("content-type"), "application/problem+json") << response.body;
  const auto body = try_parse_json(response.body);
  if (!body) {
    ADD_FAILURE() << "not JSON: " << response.body;
    return JsonObject{};
  }
  return *body;
}

struct LimitedServer : TestServer {
  LimitedServer() {
    post("/echo", echo_body, 1000);
    get("/hello", hello);
    options.timeouts = {.header = milliseconds(300),
                        .body_stall = milliseconds(300),
                        .keep_alive = milliseconds(600),
                        .write_stall = milliseconds(2000),
                        .linger = milliseconds(500)};
    start();
  }
};

TEST(HttpServerLimits, AnswersAnOversizeBodyBeforeItArrivesAndTheClientSeesIt) {
  LimitedServer test;
  for (int i = 0; i < 5; ++i) {
    RawClient client(test.port());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n");
    client.send(std::string(4'000'000, 'x'));  // goes on although nobody wants it
    const auto response = client.receive_response();
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.header("connection"), "close");
    EXPECT_EQ(problem_of(response).at("code"), "exhausted");
    client.end_sending();
    EXPECT_TRUE(client.wait_for_end());
    EXPECT_FALSE(client.was_reset());
  }
}

TEST(HttpServerLimits, RefusesAChunkedBodyOnceItIsTooLong) {
  LimitedServer test;
  RawClient client(test.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 5; ++i) client.send(cat("100\r\n", std::string(256, 'x'), "\r\n"));
  EXPECT_EQ(client.receive_response().status, 413);
}

TEST(HttpServerLimits, TakesChunkedBodiesAndExpectations) {
  LimitedServer test;
  RawClient client(test.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  client.send("lo\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive_response().body, "hello world");
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_response().status, 100);
  client.send("body");
  EXPECT_EQ(client.receive_response().body, "body");
  // A refusal comes instead of the "100", so the body is never sent.
  client.send("POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_response().status, 404);
}

TEST(HttpServerLimits, ClosesSlowHeadsWith408) {
  LimitedServer test;
  RawClient client(test.port());
  client.send("GET /hello HTTP/1.1\r\n");
  for (int i = 0; i < 50 && client.input().empty(); ++i) {
    client.send("X-Slow: 1\r\n");
    client.receive(milliseconds(50));
  }
  EXPECT_EQ(client.receive_response().status, 408);
  EXPECT_TRUE(client.wait_for_end());
}

TEST(HttpServerLimits, ClosesStalledBodiesWith408ButNotSlowOnes) {
  LimitedServer test;
  RawClient stalled(test.port());
  stalled.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(stalled.receive_response().status, 408);
  RawClient slow(test.port());
  slow.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    slow.send("x");
    slow.receive(milliseconds(50));
  }
  EXPECT_EQ(slow.receive_response().body, "xxxxxxxxxx");
}

TEST(HttpServerLimits, ClosesIdleConnectionsSilently) {
  LimitedServer test;
  RawClient fresh(test.port());
  RawClient used(test.port());
  EXPECT_EQ(used.get("/hello").status, 200);
  EXPECT_TRUE(used.wait_for_end());
  EXPECT_TRUE(fresh.wait_for_end());
  EXPECT_EQ(fresh.input(), "");
}

TEST(HttpServerLimits, RefusesOversizeHeads) {
  LimitedServer test;
  RawClient line(test.port());
  EXPECT_EQ(line.request(cat("GET /", std::string(10'000, 'a'), " HTTP/1.1\r\nHost: x\r\n\r\n")).status, 431);
  RawClient fields(test.port());
  EXPECT_EQ(fields.get("/hello", cat("X: ", std::string(60'000, 'a'), "\r\n")).status, 431);
}

TEST(HttpServerLimits, AnswersMalformedRequestsAndCloses) {
  LimitedServer test;
  for (const std::string_view bad :
       {"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n folded\r\n\r\n", "GET /hello HTTP/1.1\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "\x16\x03\x01\x01\x01\r\n\r\n",
        "nonsense\r\n\r\n"}) {
    RawClient client(test.port());
    const auto response = client.request(bad);
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_EQ(response.header("connection"), "close");
    const Json problem = problem_of(response);
    EXPECT_EQ(problem.at("code"), "invalid_argument");
    EXPECT_EQ(problem.at("request_id").as_string(), response.header("x-request-id"));
    client.end_sending();
    EXPECT_TRUE(client.wait_for_end());
  }
  RawClient chunk(test.port());
  EXPECT_EQ(
      chunk.request("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n")
          .status,
      400);
}

TEST(HttpServerLimits, NamesWrongMethodsAndPaths) {
  LimitedServer test;
  RawClient client(test.port());
  EXPECT_EQ(client.get("/nothing").status, 404);
  const auto wrong = client.get("/echo");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "OPTIONS, POST");
  EXPECT_EQ(client.request("BREW /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 501);
  const auto options = client.request("OPTIONS /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(client.request("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 204);
  const auto head = client.request("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "5");
  EXPECT_EQ(client.get("/hello").body, "hello") << "no body followed the head";
}

TEST(HttpServerLimits, GoesOnAfterARefusedRequestWhoseBodyIsHere) {
  LimitedServer test;
  RawClient client(test.port());
  EXPECT_EQ(client.request("POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").status,
            404);
  EXPECT_EQ(client.get("/hello").status, 200);
}

TEST(HttpServerLimits, AnswersTooManyConnectionsWith503) {
  TestServer test;
  test.get("/hello", hello);
  test.options.max_connections = 2;
  test.start();
  RawClient first(test.port());
  RawClient second(test.port());
  EXPECT_EQ(first.get("/hello").status, 200);
  EXPECT_EQ(second.get("/hello").status, 200);
  RawClient third(test.port());
  const auto refused = third.get("/hello");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "2");
  EXPECT_EQ(second.get("/hello").status, 200) << "who was here first is not affected";
  EXPECT_EQ(refused.header("connection"), "close");
  first.close();
  third.close();
  for (int i = 0; i < 200; ++i) {  // until the server has noticed
    RawClient again(test.port());
    if (again.get("/hello").status == 200) return;
  }
  FAIL() << "a place did not become free";
}

TEST(HttpServerLimits, AnswersHttp10) {
  LimitedServer test;
  RawClient client(test.port());
  const auto response = client.request("GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(client.wait_for_end());
}

TEST(HttpServerErrors, BecomeProblems) {
  TestServer test;
  const auto throws = [&](std::string path, auto error) {
    test.get(std::move(path), [error](const HttpRequest&, std::stop_token) -> HttpResponse { throw error; });
  };
  throws("/invalid", InvalidArgument("the colour must be blue"));
  throws("/missing", NotFound("no such thing"));
  throws("/conflict", HttpError(409, ErrorCode::conflict, "changed", {{"current", nullptr}}));
  throws("/later", Unavailable("the model is away"));
  throws("/media", UnsupportedMediaType("JSON, please"));
  throws("/bug", InternalError("secret detail"));
  throws("/std", std::runtime_error("secret detail"));
  test.start();
  RawClient client(test.port());
  const auto expect = [&](std::string_view path, int status, std::string_view code) {
    const auto response = client.get(path);
    EXPECT_EQ(response.status, status) << path;
    const Json problem = problem_of(response);
    EXPECT_EQ(problem.at("code").as_string(), code) << path;
    EXPECT_EQ(problem.at("request_id").as_string(), response.header("x-request-id"));
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
    return response;
  };
  expect("/invalid", 400, "invalid_argument");
  expect("/missing", 404, "not_found");
  EXPECT_TRUE(problem_of(expect("/conflict", 409, "conflict")).at("current").is_null());
  EXPECT_EQ(expect("/later", 503, "unavailable").header("retry-after"), "1");
  expect("/media", 415, "unsupported");
  expect("/bug", 500, "internal");
  expect("/std", 500, "internal");
}

}  // namespace
}  // namespace quintet
