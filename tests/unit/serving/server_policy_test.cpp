// Who may ask: hosts, origins, keys, rates. And what every answer carries.
#include <atomic>
#include <set>

#include <gtest/gtest.h>

#include "raw_client.h"
#include "test_server.h"

namespace quintet {
namespace {

std::string post_with(std::string_view host, std::string_view origin) {
  return cat("POST /act HTTP/1.1\r\nHost: ", host, "\r\n",
             origin.empty() ? "" : cat("Origin: ", origin, "\r\n"), "Content-Length: 0\r\n\r\n");
}

TEST(HttpServerPolicy, ChecksTheOriginOfRequestsThatChangeState) {
  TestServer test;
  test.post("/act", hello);
  test.get("/look", hello);
  test.options.allowed_origins = {"https://friend.example"};
  test.start();
  RawClient client(test.port());
  const std::string own = cat("localhost:", test.port());
  EXPECT_EQ(client.request(post_with(own, "")).status, 200);
  EXPECT_EQ(client.request(post_with(own, cat("http://", own))).status, 200);
  EXPECT_EQ(client.request(post_with(own, "http://localhost:1")).status, 403);
  EXPECT_EQ(client.request(post_with(own, "https://evil.example")).status, 403);
  EXPECT_EQ(client.request(post_with(own, "null")).status, 403);
  const auto friendly = client.request(post_with(own, "https://friend.example"));
  EXPECT_EQ(friendly.status, 200);
  EXPECT_EQ(friendly.header("access-control-allow-origin"), "https://friend.example");
  const auto look = client.get("/look", "Origin: https://evil.example\r\n");
  EXPECT_EQ(look.status, 200);
  EXPECT_EQ(look.header("access-control-allow-origin"), "") << "the browser keeps the answer from the page";
  const auto preflight =
      client.request("OPTIONS /act HTTP/1.1\r\nHost: localhost\r\nOrigin: https://friend.example\r\n\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-methods"), "OPTIONS, POST");
}

TEST(HttpServerPolicy, ChecksTheHostOnLoopback) {
  TestServer test;
  test.get("/look", hello);
  test.options.allowed_hosts = {"quintet.test"};
  test.start();
  RawClient client(test.port());
  const auto status = [&](std::string_view host) {
    return client.request(cat("GET /look HTTP/1.1\r\nHost: ", host, "\r\n\r\n")).status;
  };
  for (const std::string_view good :
       {"localhost", "localhost:8321", "LOCALHOST", "127.0.0.1:1", "[::1]:80", "quintet.test:99"})
    EXPECT_EQ(status(good), 200) << good;
  for (const std::string_view bad :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::2]"})
    EXPECT_EQ(status(bad), 421) << bad;
  EXPECT_EQ(client.request("GET http://evil.example/look HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 421);
}

AuthResult authenticate(const HttpRequest& request) {
  const auto field = request.headers.get("Authorization");
  if (field == "Bearer good") return {true, {"k1", {"faq"}, ""}, ""};
  if (field == "Bearer admin") return {true, {"k2", {"admin"}, ""}, ""};
  return {false, {}, "who are you?"};
}

TEST(HttpServerPolicy, AsksForKeysAndScopes) {
  TestServer test;
  test.authenticate = authenticate;
  test.get("/faq", [](const HttpRequest& request, std::stop_token) {
    return HttpResponse::text(cat(request.caller.key_id, " ", request.caller.remote_address), "text/plain");
  });
  test.router.add(Route{.method = "GET", .pattern = "/public", .handler = hello, .is_public = true});
  test.router.add(Route{.method = "GET", .pattern = "/admin", .handler = hello, .scope = "admin"});
  test.start();
  RawClient client(test.port());
  const auto refused = client.get("/faq");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("www-authenticate"), "Bearer realm=\"quintet\"");
  EXPECT_EQ(client.get("/faq", "Authorization: Bearer bad\r\n").status, 401);
  EXPECT_EQ(client.get("/faq", "Authorization: Bearer good\r\n").body, "k1 127.0.0.1");
  EXPECT_EQ(client.get("/admin", "Authorization: Bearer good\r\n").status, 403);
  EXPECT_EQ(client.get("/admin", "Authorization: Bearer admin\r\n").status, 200);
  EXPECT_EQ(client.get("/faq", "Authorization: Bearer admin\r\n").status, 200);
  EXPECT_EQ(client.get("/public").status, 200);
  EXPECT_EQ(client.get("/nothing").status, 404);
}

TEST(HttpServerPolicy, LimitsTheRateOfEachKey) {
  TestServer test;
  RateLimiter limiter({.requests_per_second = 0.01, .burst = 2});
  test.rate_limiter = &limiter;
  test.authenticate = authenticate;
  test.get("/faq", hello);
  test.router.add(
      Route{.method = "GET", .pattern = "/healthz", .handler = hello, .is_instant = true, .is_public = true});
  test.start();
  RawClient client(test.port());
  const auto ask = [&](std::string_view key) {
    return client.get("/faq", cat("Authorization: Bearer ", key, "\r\n"));
  };
  EXPECT_EQ(ask("good").header("ratelimit-remaining"), "1");
  EXPECT_EQ(ask("good").header("x-ratelimit-limit"), "2");
  const auto refused = ask("good");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "100");
  EXPECT_EQ(ask("admin").status, 200);
  EXPECT_EQ(client.get("/faq").status, 401);
  EXPECT_EQ(client.get("/faq").status, 401);
  EXPECT_EQ(client.get("/faq").status, 429) << "guessing keys is limited by address";
  EXPECT_EQ(client.get("/healthz").status, 200);
}

TEST(HttpServerPolicy, LimitsVisitorsByAddressWhateverTheyCallThemselves) {
  TestServer test;
  RateLimiter limiter({.requests_per_second = 0.01, .burst = 2});
  test.rate_limiter = &limiter;
  test.authenticate = make_authenticator(nullptr, {.keys_required = true, .visitors_may_chat = true});
  test.router.add(Route{.method = "GET", .pattern = "/chat", .handler = hello, .scope = "chat"});
  test.start();
  RawClient client(test.port());
  const auto ask = [&](int i) {
    return client.get("/chat", cat("X-Quintet-Visitor: visitor-number-", i, "\r\n"));
  };
  EXPECT_EQ(ask(1).status, 200);
  EXPECT_EQ(ask(2).status, 200);
  EXPECT_EQ(ask(3).status, 429);
}

TEST(HttpServerPolicy, ServesTheWebClient) {
  TestServer test;
  const AssetTable assets(
      std::vector<Asset>{{"/index.html", "text/html; charset=utf-8", "<page>", "br", "gz", "\"i\"", false},
                         {"/assets/a-12345678.js", "text/javascript", "js", "", "", "\"j\"", true}});
  test.assets = &assets;
  test.get("/api/thing", hello);
  test.start();
  RawClient client(test.port());
  const auto page = client.get("/", "Accept-Encoding: gzip, br\r\n");
  EXPECT_EQ(page.body, "br");
  EXPECT_EQ(page.header("content-encoding"), "br");
  EXPECT_NE(page.header("content-security-policy").find("default-src 'self'; script-src 'self'"),
            std::string::npos);
  EXPECT_NE(page.header("content-security-policy").find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(page.header("referrer-policy"), "no-referrer");
  EXPECT_EQ(client.get("/assets/a-12345678.js").header("cache-control"),
            "public, max-age=31536000, immutable");
  EXPECT_EQ(client.get("/", cat("If-None-Match: \"i\"\r\n")).status, 304);
  EXPECT_EQ(client.get("/chat/42", "Accept: text/html,*/*;q=0.8\r\n").body, "<page>");
  EXPECT_EQ(client.get("/chat/42").status, 404);
  EXPECT_EQ(client.get("/api/other", "Accept: text/html\r\n").status, 404);
  EXPECT_EQ(client.get("/assets/gone.js", "Accept: text/html\r\n").status, 404);
  EXPECT_EQ(client.request("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", true).header("content-length"), "6");
}

TEST(HttpServerPolicy, ReportsEveryFinishedRequest) {
  TestServer test;
  std::mutex mutex;
  std::vector<std::string> seen;
  std::set<std::string> ids;
  test.on_finished = [&](const AccessRecord& record) {
    const std::lock_guard lock(mutex);
    seen.push_back(
        cat(record.method, " ", record.route, " ", record.status, record.response_bytes > 100 ? "" : "?"));
    ids.emplace(record.request_id);
  };
  test.get("/item/{id}", hello);
  test.start();
  RawClient client(test.port());
  client.get("/item/1");
  client.get("/item/2");
  client.get("/none");
  client.request("nonsense\r\n\r\n");
  test.server->stop(std::chrono::seconds(5));
  EXPECT_EQ(seen, (std::vector<std::string>{"GET /item/{id} 200", "GET /item/{id} 200", "GET (none) 404",
                                            " (none) 400"}));
  EXPECT_EQ(ids.size(), 4U);
}

TEST(HttpServerPolicy, PassesTheTraceOn) {
  TestServer test;
  test.get("/trace", [](const HttpRequest& request, std::stop_token) {
    return HttpResponse::text(request.trace.trace_id, "text/plain");
  });
  test.start();
  RawClient client(test.port());
  EXPECT_EQ(
      client.get("/trace", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n").body,
      "0af7651916cd43dd8448eb211c80319c");
}

}  // namespace
}  // namespace quintet
