#include "net/http_client.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "core/text.h"
#include "core/time.h"
#include "testing/http_script_server.h"

namespace quintet {
namespace {

using namespace std::chrono_literals;

constexpr auto kGenerous = 10s;  // only a broken build waits this long

ClientRequest get(const HttpScriptServer& server, std::string_view path = "/") {
  ClientRequest request;
  request.url = server.url(path);
  return request;
}

/// The fault that send() ends with; fails the test when it succeeds.
std::optional<HttpFailure> failure_of(HttpClient& client, const ClientRequest& request,
                                      const HttpBodySink& sink = {}, std::stop_token stop = {}) {
  try {
    client.send(request, sink, stop);
  } catch (const HttpFailure& failure) {
    return failure;
  }
  ADD_FAILURE() << "send() succeeded";
  return std::nullopt;
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheResponse) {
  HttpScriptServer server;
  server.enqueue(http_reply(201, "text/plain", "made", "X-Tag: a\r\n"));
  HttpClient client;
  ClientRequest request = get(server, "/things?x=1");
  request.method = "POST";
  request.headers = {{"X-Key", "k"}, {"X-Empty", ""}, {"Content-Type", "application/json"}};
  request.body = R"({"a":1})";
  const ClientResponse response = client.send(request);
  EXPECT_EQ(response.head.status, 201);
  EXPECT_EQ(response.body, "made");
  EXPECT_EQ(find_header(response.head.headers, "x-tag"), "a");
  const RecordedRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/things?x=1");
  EXPECT_EQ(seen.body, R"({"a":1})");
  EXPECT_EQ(seen.header("x-key"), "k");
  EXPECT_EQ(seen.header("content-type"), "application/json");
  EXPECT_EQ(seen.header("expect"), "");
}

TEST(HttpClient, NothingOfARequestLeaksIntoTheNextOnTheSameConnection) {
  HttpScriptServer server;
  server.set_handler([](const RecordedRequest&) { return http_reply(200, "text/plain", "ok"); });
  HttpClient client;
  for (const char* method : {"POST", "GET", "DELETE", "HEAD", "PUT", "GET"}) {
    ClientRequest request = get(server);
    request.method = method;
    if (request.method == "POST" || request.method == "PUT") request.body = "body";
    if (request.method == "HEAD") server.enqueue({SendBytes{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"}});
    EXPECT_EQ(client.send(request).head.status, 200);
    const RecordedRequest seen = server.requests().back();
    EXPECT_EQ(seen.method, method);
    EXPECT_EQ(seen.body, request.body);
  }
  EXPECT_EQ(server.n_connections(), 1u);
  EXPECT_EQ(client.n_idle(), 1u);
}

TEST(HttpClient, ReusesTheConnectionToAnOriginAndRecoversWhenItWasClosedMeanwhile) {
  HttpScriptServer server;
  HttpClient client;
  auto reply = http_reply(200, "text/plain", "ok");
  server.enqueue(reply);
  reply.push_back(CloseConnection{});
  server.enqueue(reply);
  server.enqueue(http_reply(200, "text/plain", "again"));
  EXPECT_EQ(client.send(get(server)).body, "ok");
  EXPECT_EQ(client.send(get(server)).body, "ok");
  EXPECT_EQ(server.n_connections(), 1u);
  EXPECT_EQ(client.send(get(server)).body, "again");
  EXPECT_EQ(server.n_connections(), 2u);
}

TEST(HttpClient, HandsPiecesToTheSinkAsTheyArrive) {
  HttpScriptServer server;
  server.enqueue({SendBytes{chunked_head() + http_chunk("one")}, Pause{50ms}, SendBytes{http_chunk("two")},
                  SendBytes{std::string(kLastChunk)}});
  HttpClient client;
  std::vector<std::string> pieces;
  const auto response = client.send(get(server), [&](const HttpHead& head, std::string_view bytes) {
    EXPECT_EQ(head.status, 200);
    pieces.emplace_back(bytes);
  });
  EXPECT_EQ(pieces, (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(response.body.empty());
}

TEST(HttpClient, WhatTheSinkThrowsLeavesSendAndClosesTheConnection) {
  HttpScriptServer server;
  server.enqueue({SendBytes{chunked_head() + http_chunk("one")}, StallUntilClosed{}});
  HttpClient client;
  EXPECT_THROW(client.send(get(server), [](const HttpHead&, std::string_view) { throw Conflict("enough"); }),
               Conflict);
  EXPECT_TRUE(server.wait_for_peer_closes(1, kGenerous));
}

TEST(HttpClient, NamesEachTimeout) {
  HttpScriptServer server;
  HttpClient client;
  ClientRequest request = get(server);
  request.limits.first_byte = 60ms;
  request.limits.idle = 60ms;

  server.enqueue({StallUntilClosed{}});
  auto failure = failure_of(client, request);
  EXPECT_EQ(failure->fault(), HttpFault::timeout_first_byte);
  EXPECT_FALSE(failure->body_started());
  EXPECT_EQ(failure->code(), ErrorCode::unavailable);

  server.enqueue({SendBytes{chunked_head()}, StallUntilClosed{}});  // headers are not the body
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::timeout_first_byte);

  server.enqueue({SendBytes{chunked_head() + http_chunk("x")}, StallUntilClosed{}});
  failure = failure_of(client, request);
  EXPECT_EQ(failure->fault(), HttpFault::timeout_idle);
  EXPECT_TRUE(failure->body_started());

  ServerReply dripping{SendBytes{chunked_head()}};
  for (int i = 0; i < 1000; ++i) {
    dripping.push_back(SendBytes{http_chunk("x")});
    dripping.push_back(Pause{5ms});
  }
  server.enqueue(dripping);
  request.limits.idle = 5s;
  request.limits.total = 100ms;
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::timeout_total);
  EXPECT_TRUE(server.wait_for_peer_closes(4, kGenerous));
}

TEST(HttpClient, ASlowSinkIsNotTheSilenceOfThePeer) {
  HttpScriptServer server;
  server.enqueue({SendBytes{chunked_head() + http_chunk("one")}, Pause{10ms}, SendBytes{http_chunk("two")},
                  SendBytes{std::string(kLastChunk)}});
  HttpClient client;
  ClientRequest request = get(server);
  request.limits.idle = 150ms;
  std::string body;
  client.send(request, [&](const HttpHead&, std::string_view bytes) {
    body += bytes;
    std::this_thread::sleep_for(200ms);
  });
  EXPECT_EQ(body, "onetwo");
}

TEST(HttpClient, TellsRefusedUnresolvedAndNonsenseApart) {
  HttpClient client;
  ClientRequest request;
  {
    const HttpScriptServer gone;
    request.url = gone.url("/secret-path?key=secret");
  }
  auto failure = failure_of(client, request);
  EXPECT_EQ(failure->fault(), HttpFault::connect);
  EXPECT_EQ(std::string_view(failure->what()).find("secret"), std::string_view::npos) << failure->what();
  request.url = "http://no-such-host.invalid/";
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::resolve);
  request.url = "file:///etc/passwd";
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::invalid_url);
  request.url = "no url at all";
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::invalid_url);

  HttpScriptServer server;
  server.enqueue({SendBytes{"SSH-2.0-OpenSSH_9.2\r\n"}, CloseConnection{}});
  EXPECT_EQ(failure_of(client, get(server))->fault(), HttpFault::garbled);
  server.enqueue({SendBytes{chunked_head() + "zz\r\n"}, CloseConnection{}});
  EXPECT_EQ(failure_of(client, get(server))->fault(), HttpFault::garbled);
}

TEST(HttpClient, TlsToAPlainServerIsATlsFault) {
  HttpScriptServer server;
  server.set_handler([](const RecordedRequest&) { return ServerReply{CloseConnection{}}; });
  HttpClient client;
  ClientRequest request;
  request.url = cat("https://127.0.0.1:", server.port(), "/");
  request.limits.connect = 300ms;
  const auto failure = failure_of(client, request);
  // The script server waits for a plain request, so the handshake ends by its time limit or by nonsense.
  EXPECT_TRUE(failure->fault() == HttpFault::tls || failure->fault() == HttpFault::timeout_connect)
      << http_fault_name(failure->fault());
}

TEST(HttpClient, AnIncompleteResponseIsCutOff) {
  HttpScriptServer server;
  HttpClient client;
  const std::vector<ServerReply> broken{
      {SendBytes{chunked_head() + http_chunk("abc") + "5\r\nde"}, CloseConnection{}},
      {SendBytes{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}, CloseConnection{}},
      {SendBytes{chunked_head() + http_chunk("abc")}, Pause{20ms}, ResetConnection{}},
  };
  for (const ServerReply& reply : broken) {
    server.enqueue(reply);
    const auto failure = failure_of(client, get(server));
    EXPECT_EQ(failure->fault(), HttpFault::cut_off) << failure->what();
    EXPECT_TRUE(failure->body_started());
  }
  server.enqueue({CloseConnection{}});
  const auto failure = failure_of(client, get(server));
  EXPECT_EQ(failure->fault(), HttpFault::cut_off);
  EXPECT_FALSE(failure->body_started());
}

TEST(HttpClient, StopsReadingAtTheBounds) {
  HttpScriptServer server;
  HttpClient client;
  ClientRequest request = get(server);
  request.limits.max_body_bytes = 1000;
  ServerReply endless{SendBytes{chunked_head()}};
  for (int i = 0; i < 100'000; ++i) endless.push_back(SendBytes{http_chunk(std::string(1000, 'x'))});
  server.enqueue(endless);
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::too_large);
  EXPECT_TRUE(server.wait_for_peer_closes(1, kGenerous));

  request.limits.max_header_bytes = 1000;
  server.enqueue(http_reply(200, "text/plain", "", cat("X: ", std::string(2000, 'x'), "\r\n")));
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::too_large);

  server.enqueue(http_reply(200, "text/plain", std::string(1000, 'x')));
  request.limits.max_header_bytes = 0;
  EXPECT_EQ(client.send(request).body.size(), 1000u);
}

TEST(HttpClient, ARequestedStopClosesTheConnectionWhateverItWaitsFor) {
  HttpScriptServer server;
  HttpClient client;
  const std::vector<ServerReply> stalls{
      {StallUntilClosed{}},
      {SendBytes{chunked_head()}, StallUntilClosed{}},
      {SendBytes{chunked_head() + http_chunk("x")}, StallUntilClosed{}},
  };
  std::size_t n = 0;
  for (const ServerReply& stall : stalls) {
    server.enqueue(stall);
    std::stop_source stop;
    ++n;
    std::jthread stopper([&] {
      EXPECT_TRUE(server.wait_for_requests(n, kGenerous));
      std::this_thread::sleep_for(20ms);
      stop.request_stop();
    });
    const Stopwatch watch;
    EXPECT_EQ(failure_of(client, get(server), {}, stop.get_token())->fault(), HttpFault::cancelled);
    EXPECT_LT(watch.seconds(), 5.0);  // generous: the limits are 60 s
    EXPECT_TRUE(server.wait_for_peer_closes(n, kGenerous));
  }
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(failure_of(client, get(server), {}, stopped.get_token())->fault(), HttpFault::cancelled);
  EXPECT_EQ(server.n_requests(), 3u);
}

TEST(HttpClient, FollowsRedirectsOnlyWhenAskedTo) {
  HttpScriptServer server;
  server.set_handler([&](const RecordedRequest& request) {
    return request.target == "/" ? http_reply(302, "text/plain", "moved", "Location: /there\r\n")
                                 : http_reply(200, "text/plain", "here", "X-Last: yes\r\n");
  });
  HttpClient client;
  ClientRequest request = get(server);
  EXPECT_EQ(client.send(request).head.status, 302);
  request.max_redirects = 2;
  const auto response = client.send(request);
  EXPECT_EQ(response.head.status, 200);
  EXPECT_EQ(response.body, "here");
  EXPECT_FALSE(find_header(response.head.headers, "Location"));
}

TEST(HttpClient, TakesNoKeyAlongWhenARedirectLeavesTheOrigin) {
  HttpScriptServer other;  // another port is another origin
  other.set_handler([](const RecordedRequest&) { return http_reply(206, "text/plain", "bytes"); });
  HttpScriptServer server;
  server.set_handler([&](const RecordedRequest& request) {
    return request.target == "/near"
               ? http_reply(302, "text/plain", "", cat("Location: ", other.url("/far?sig=1"), "\r\n"))
               : http_reply(307, "text/plain", "", "Location: near\r\nX-Linked-Size: 5\r\n");
  });
  HttpClient client;
  ClientRequest request = get(server, "/start");
  request.max_redirects = 5;
  request.headers = {{"Authorization", "Bearer secret"},
                     {"X-Api-Key", "secret"},
                     {"Cookie", "secret"},
                     {"Range", "bytes=3-"},
                     {"If-Range", "\"e\""}};
  std::string seen_by_sink;
  const auto response = client.send(request, [&](const HttpHead& head, std::string_view bytes) {
    EXPECT_EQ(head.status, 206);
    seen_by_sink += bytes;
  });
  EXPECT_EQ(seen_by_sink, "bytes");
  EXPECT_EQ(response.url, other.url("/far?sig=1"));
  ASSERT_EQ(response.redirects.size(), 2u);
  EXPECT_EQ(find_header(response.redirects[0].headers, "X-Linked-Size"), "5");
  EXPECT_EQ(response.redirects[1].status, 302);
  EXPECT_EQ(server.requests().at(1).target, "/near");
  EXPECT_EQ(server.requests().at(1).header("Authorization"), "Bearer secret");
  const RecordedRequest far = other.requests().at(0);
  for (const char* name : {"Authorization", "X-Api-Key", "Cookie"}) EXPECT_EQ(far.header(name), "") << name;
  EXPECT_EQ(far.header("Range"), "bytes=3-");
  EXPECT_EQ(far.header("If-Range"), "\"e\"");
}

TEST(HttpClient, ARedirectThatIsNotFollowedIsTheResponse) {
  HttpScriptServer other;
  HttpScriptServer server;
  server.set_handler([&](const RecordedRequest& request) {
    return request.target == "/"
               ? http_reply(302, "text/plain", "", "Location: /moved\r\n")
               : http_reply(302, "text/plain", "gone", cat("Location: ", other.url(), "\r\nX-Tag: t\r\n"));
  });
  HttpClient client;
  ClientRequest request = get(server);
  request.max_redirects = 5;
  request.redirect_scope = RedirectScope::same_origin;
  const auto response = client.send(request);
  EXPECT_EQ(response.head.status, 302);
  EXPECT_EQ(response.body, "gone");
  EXPECT_EQ(find_header(response.head.headers, "X-Tag"), "t");
  EXPECT_EQ(response.url, server.url("/moved"));
  EXPECT_EQ(other.n_requests(), 0u);
}

TEST(HttpClient, RefusesRedirectsThatGoRoundOrLeadNowhereOrTakeABodyAway) {
  HttpScriptServer other;
  HttpScriptServer server;
  server.set_handler([&](const RecordedRequest& request) {
    if (request.target == "/body")
      return http_reply(307, "text/plain", "", cat("Location: ", other.url(), "\r\n"));
    return http_reply(302, "text/plain", "",
                      request.target == "/file" ? "Location: file:///etc/passwd\r\n" : "Location: /\r\n");
  });
  HttpClient client;
  ClientRequest request = get(server);
  request.max_redirects = 3;
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::redirect);
  EXPECT_EQ(server.n_requests(), 4u);
  request.url = server.url("/file");
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::redirect);
  request.url = server.url("/body");
  request.method = "POST";
  request.body = "private";
  EXPECT_EQ(failure_of(client, request)->fault(), HttpFault::redirect);
  EXPECT_EQ(other.n_requests(), 0u);
}

TEST(HttpClient, ARedirectWithAnEndlessBodyIsFollowedAllTheSame) {
  HttpScriptServer server;
  server.set_handler([](const RecordedRequest& request) -> ServerReply {
    if (request.target == "/there") return http_reply(200, "text/plain", "here");
    return {SendBytes{cat("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 999999999\r\n\r\n",
                          std::string(200'000, 'x'))},
            StallUntilClosed{}};
  });
  HttpClient client;
  ClientRequest request = get(server);
  request.max_redirects = 1;
  EXPECT_EQ(client.send(request).body, "here");
}

TEST(HttpClient, GoesThroughTheProxyItWasGivenExceptWhereToldNot) {
  HttpScriptServer proxy;
  proxy.set_handler([](const RecordedRequest&) { return http_reply(200, "text/plain", "from proxy"); });
  HttpClient::Options options;
  options.proxy.http_proxy = proxy.url();
  options.proxy.no_proxy = "127.0.0.1";
  HttpClient client(options);
  ClientRequest request;
  request.url = "http://example.invalid/page";
  EXPECT_EQ(client.send(request).body, "from proxy");
  EXPECT_EQ(proxy.requests().at(0).target, "http://example.invalid/page");
  HttpScriptServer direct;
  direct.enqueue(http_reply(200, "text/plain", "direct"));
  EXPECT_EQ(client.send(get(direct)).body, "direct");
}

TEST(HttpClient, RefusesHeadersThatWouldSplitTheRequest) {
  HttpScriptServer server;
  HttpClient client;
  ClientRequest request = get(server);
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_THROW(client.send(request), InvalidArgument);
}

TEST(HttpClient, ServesManyThreadsAndKeepsAtMostItsBoundOfConnections) {
  HttpScriptServer server;
  server.set_handler(
      [](const RecordedRequest& request) { return http_reply(200, "text/plain", request.target); });
  HttpClient::Options options;
  options.max_idle = 3;
  HttpClient client(options);
  std::atomic<int> n_right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          const std::string path = cat("/", t, "/", i);
          if (client.send(get(server, path)).body == path) ++n_right;
        }
      });
    }
  }
  EXPECT_EQ(n_right, 400);
  EXPECT_LE(client.n_idle(), 3u);
}

TEST(ProxySettings, ReadsTheCustomaryVariablesButNotUpperCaseHttpProxy) {
  const auto settings = ProxySettings::from_environment([](const char* name) -> const char* {
    const std::string_view text = name;
    if (text == "HTTP_PROXY") return "http://evil";  // set by a CGI request header "Proxy:"
    if (text == "HTTPS_PROXY") return "http://secure";
    if (text == "no_proxy") return "localhost";
    return nullptr;
  });
  EXPECT_EQ(settings.http_proxy, "");
  EXPECT_EQ(settings.https_proxy, "http://secure");
  EXPECT_EQ(settings.no_proxy, "localhost");
}

TEST(UrlWithoutSecrets, DropsUserAndQuery) {
  EXPECT_EQ(url_without_secrets("https://me:key@a.example:81/b/c?token=x#y"), "https://a.example:81/b/c");
  EXPECT_EQ(url_without_secrets("https://a.example?token=x"), "https://a.example");
  EXPECT_EQ(url_without_secrets("nonsense?token=x"), "(no scheme)");
}

TEST(ResolveUrl, FollowsReferencesAsABrowserDoes) {
  EXPECT_EQ(resolve_url("https://a.example/b/c?d", "/e"), "https://a.example/e");
  EXPECT_EQ(resolve_url("https://a.example/b/c?d", "e?f"), "https://a.example/b/e?f");
  EXPECT_EQ(resolve_url("https://a.example/b", "http://other.example:81/x"), "http://other.example:81/x");
  EXPECT_FALSE(resolve_url("https://a.example/", "file:///etc/passwd"));
  EXPECT_FALSE(resolve_url("nonsense://a", "/b"));
}

TEST(IsSameOrigin, KnowsImpliedPortsAndIgnoresCase) {
  EXPECT_TRUE(is_same_origin("https://Hub.example/a", "https://hub.example:443/b"));
  EXPECT_FALSE(is_same_origin("https://hub.example/a", "http://hub.example/a"));
  EXPECT_FALSE(is_same_origin("https://hub.example", "https://hub.example.evil.example"));
  EXPECT_FALSE(is_same_origin("https://hub.example", "https://hub.example:8443"));
  EXPECT_FALSE(is_same_origin("https://hub.example", "https://hub.example@evil.example/"));
}

TEST(UrlOrigin, KeepsSchemeHostAndPortOnly) {
  EXPECT_EQ(url_origin("HTTPS://user:pass@host:8080/path?key=1#x"), "https://host:8080");
  EXPECT_EQ(url_origin("http://host?x"), "http://host");
  EXPECT_EQ(url_origin("nothing"), "(no scheme)");
}

}  // namespace
}  // namespace quintet
