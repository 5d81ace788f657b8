#include <gtest/gtest.h>

#include "raw_client.h"
#include "test_server.h"

namespace quintet {
namespace {

TEST(HttpServer, KeepsAConnectionForManyRequests) {
  TestServer test;
  test.get("/hello", hello);
  test.get("/now", hello, true);
  test.start();
  RawClient client(test.port());
  for (int i = 0; i < 20; ++i) {
    const auto response = client.get(i % 2 ? "/hello" : "/now");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.header("connection"), "keep-alive");
    EXPECT_EQ(response.header("x-content-type-options"), "nosniff");
    EXPECT_FALSE(response.header("x-request-id").empty());
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer test;
  test.get("/item/{n}", [](const HttpRequest& request, std::stop_token) {
    return HttpResponse::text(request.parameter("n"), "text/plain");
  });
  test.post("/echo", echo_body);
  test.start();
  RawClient client(test.port());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += cat("GET /item/", i, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    requests += cat("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n", 100 + i);
  }
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.receive_response().body, std::to_string(i));
    EXPECT_EQ(client.receive_response().body, std::to_string(100 + i));
  }
}

}  // namespace
}  // namespace quintet
