// Server-sent events: order, pace, resuming, and the ends of a stream.
#include <atomic>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "raw_client.h"
#include "serving/response_writer.h"
#include "test_server.h"

namespace quintet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// True once `condition` holds; gives up after 20 s.
template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return condition();
}

struct EventServer : TestServer {
  EventServer() {
    get("/events", [this](const HttpRequest& request, std::stop_token token) {
      {
        const std::lock_guard lock(mutex);
        stop = std::move(token);
      }
      EventStreamBody body;
      body.log = log;
      body.stream_id = "s1";
      body.next_index =
          parse_last_event_id(request.headers.get("Last-Event-ID").value_or(""), "s1").value_or(0);
      body.on_closed = [this] { ++n_closed; };
      return HttpResponse::events(std::move(body));
    });
    get("/hello", hello, true);
  }
  bool is_stop_requested() {
    const std::lock_guard lock(mutex);
    return stop.stop_requested();
  }

  std::shared_ptr<EventLog> log = std::make_shared<EventLog>();
  std::atomic<int> n_closed = 0;
  std::mutex mutex;
  std::stop_token stop;
};

TEST(HttpServerEvents, ArriveInOrderAndTheConnectionGoesOn) {
  EventServer test;
  test.start();
  RawClient client(test.port());
  client.send(
      "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = client.receive_head();
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
  EXPECT_EQ(head.header("cache-control"), "no-store");
  std::thread writer([&] {
    for (int i = 0; i < 1000; ++i) test.log->append({"delta", std::to_string(i)});
    test.log->close();
  });
  std::string text;
  for (auto chunk = client.receive_chunk(); chunk && !chunk->empty(); chunk = client.receive_chunk())
    text += *chunk;
  writer.join();
  std::string expected;
  for (std::size_t i = 0; i < 1000; ++i) append_event(expected, {"delta", std::to_string(i)}, "s1", i);
  EXPECT_EQ(text, expected);
  EXPECT_EQ(client.receive_response().body, "hello") << "the pipelined request";
  EXPECT_TRUE(eventually([&] { return test.n_closed == 1; }));
  EXPECT_EQ(test.log->n_subscribers(), 0U);
}

TEST(HttpServerEvents, ResumeAfterTheLastSeen) {
  EventServer test;
  test.start();
  for (int i = 0; i < 5; ++i) test.log->append({"", std::to_string(i)});
  test.log->close();
  RawClient client(test.port());
  EXPECT_EQ(client.get("/events", "Last-Event-ID: s1:2\r\n").body,
            "id: s1:3\ndata: 3\n\nid: s1:4\ndata: 4\n\n");
  EXPECT_EQ(client.get("/events", "Last-Event-ID: s1:4\r\n").body, "");
  EXPECT_EQ(client.get("/events", "Last-Event-ID: other:4\r\n").body.substr(0, 9), "id: s1:0\n");
}

TEST(HttpServerEvents, KeepAQuietStreamAlive) {
  EventServer test;
  test.options.timeouts.heartbeat = milliseconds(30);
  test.start();
  RawClient client(test.port());
  client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.receive_head();
  EXPECT_EQ(client.receive_chunk(), ": ping\n\n");
  EXPECT_EQ(client.receive_chunk(), ": ping\n\n");
  test.log->append({"", "x"});
  std::optional<std::string> chunk;
  while ((chunk = client.receive_chunk()) == ": ping\n\n") {
  }
  EXPECT_EQ(chunk, "id: s1:0\ndata: x\n\n");
}

TEST(HttpServerEvents, AStalledReaderDelaysNobody) {
  EventServer test;
  test.options.n_io_threads = 1;
  test.start();
  RawClient stalled(test.port(), 4096);
  stalled.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stalled.receive_head();
  RawClient reader(test.port());
  reader.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  reader.receive_head();
  const std::string data(10'000, 'x');
  for (int i = 0; i < 2000; ++i) test.log->append({"", data});  // 20 MB: more than the sockets hold
  test.log->close();
  std::size_t n_bytes = 0;
  for (auto chunk = reader.receive_chunk(); chunk && !chunk->empty(); chunk = reader.receive_chunk())
    n_bytes += chunk->size();
  EXPECT_GT(n_bytes, 2000 * data.size());
  EXPECT_TRUE(eventually([&] { return test.n_closed == 1; }));
  n_bytes = 0;
  for (auto chunk = stalled.receive_chunk(); chunk && !chunk->empty(); chunk = stalled.receive_chunk())
    n_bytes += chunk->size();
  EXPECT_GT(n_bytes, 2000 * data.size()) << "the slow one loses nothing";
}

TEST(HttpServerEvents, AReaderThatTakesNothingIsClosedInTheEnd) {
  EventServer test;
  test.options.timeouts.write_stall = milliseconds(200);
  test.start();
  RawClient stalled(test.port(), 4096);
  stalled.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stalled.receive_head();
  for (int i = 0; i < 2000; ++i) test.log->append({"", std::string(10'000, 'x')});
  EXPECT_TRUE(eventually([&] { return test.n_closed == 1; }));
}

TEST(HttpServerEvents, ADisconnectIsToldToTheWriter) {
  EventServer test;
  test.start();
  {
    RawClient client(test.port());
    client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.receive_head();
    EXPECT_FALSE(test.is_stop_requested());
  }
  EXPECT_TRUE(eventually([&] { return test.n_closed == 1 && test.is_stop_requested(); }));
  EXPECT_EQ(test.log->n_subscribers(), 0U);
  test.log->append({"", "nobody listens"});
}

TEST(HttpServerEvents, AHeadRequestOpensNoStream) {
  EventServer test;
  test.start();
  RawClient client(test.port());
  const auto head = client.request("HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
  EXPECT_EQ(client.get("/hello").body, "hello");
  EXPECT_EQ(test.n_closed, 1);
}

TEST(HttpServerEvents, Http10ReadsUntilTheEnd) {
  EventServer test;
  test.start();
  test.log->append({"", "x"});
  test.log->close();
  RawClient client(test.port());
  client.send("GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive_head().header("transfer-encoding"), "");
  client.wait_for_end();
  EXPECT_EQ(client.input(), "id: s1:0\ndata: x\n\n");
}

// ---- Stopping
// -----------------------------------------------------------------------------------------------------

TEST(HttpServerStop, ADisconnectStopsTheHandler) {
  TestServer test;
  std::promise<void> entered;
  std::atomic<bool> was_stopped = false;
  test.get("/long", [&](const HttpRequest&, std::stop_token stop) {
    entered.set_value();
    was_stopped = eventually([&] { return stop.stop_requested(); });
    return HttpResponse::no_content();
  });
  test.start();
  {
    RawClient client(test.port());
    client.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
    entered.get_future().wait();
  }
  EXPECT_TRUE(eventually([&] { return was_stopped.load(); }));
}

TEST(HttpServerStop, LetsRunningWorkFinish) {
  EventServer test;
  std::promise<void> entered;
  std::promise<void> may_leave;
  test.get("/long", [&](const HttpRequest&, std::stop_token) {
    entered.set_value();
    may_leave.get_future().wait();
    return HttpResponse::text("done", "text/plain");
  });
  test.start();
  RawClient idle(test.port());
  EXPECT_EQ(idle.get("/hello").status, 200);
  RawClient busy(test.port());
  busy.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
  entered.get_future().wait();
  RawClient stream(test.port());
  stream.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stream.receive_head();
  std::thread stopper([&] { test.server->stop(seconds(20)); });
  EXPECT_TRUE(idle.wait_for_end());
  EXPECT_THROW(RawClient late(test.port()), std::runtime_error);
  may_leave.set_value();
  const auto response = busy.receive_response();
  EXPECT_EQ(response.body, "done");
  EXPECT_EQ(response.header("connection"), "close");
  busy.close();
  test.log->append({"", "last"});
  test.log->close();
  EXPECT_EQ(stream.receive_chunk(), "id: s1:0\ndata: last\n\n");
  EXPECT_EQ(stream.receive_chunk(), "");
  stream.close();
  stopper.join();
  EXPECT_EQ(test.server->n_connections(), 0U);
}

TEST(HttpServerStop, ForcesWhatDoesNotFinish) {
  EventServer test;
  std::promise<void> entered;
  test.get("/long", [&](const HttpRequest&, std::stop_token stop) {
    entered.set_value();
    eventually([&] { return stop.stop_requested(); });
    return HttpResponse::no_content();
  });
  test.start();
  RawClient busy(test.port());
  busy.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
  entered.get_future().wait();
  RawClient stream(test.port());
  stream.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stream.receive_head();
  test.server->stop(milliseconds(100));
  EXPECT_EQ(test.n_closed, 1);
  EXPECT_TRUE(test.is_stop_requested());
  EXPECT_TRUE(busy.wait_for_end());
  EXPECT_TRUE(stream.wait_for_end());
  EXPECT_EQ(test.server->n_connections(), 0U);
}

TEST(HttpServerStop, ManyClientsComingAndGoing) {
  EventServer test;
  test.get("/work", hello);
  test.start();
  std::atomic<bool> done = false;
  std::vector<std::thread> clients;
  for (int t = 0; t < 4; ++t)
    clients.emplace_back([&, t] {
      for (int i = 0; !done; ++i) {
        try {
          RawClient client(test.port());
          client.get(i % 2 ? "/hello" : "/work");
          if (i % 3 == t % 3) client.send("GET /work HTTP/1.1\r\nHost: loc");
          if (i % 5 == 0) {
            client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
            client.receive_head();
          }
        } catch (const std::runtime_error&) {
          // the server stops under our feet
        }
      }
    });
  std::thread writer([&] {
    while (!done) {
      test.log->append({"", "x"});
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  std::this_thread::sleep_for(milliseconds(300));
  test.server->stop(milliseconds(50));
  done = true;
  writer.join();
  for (auto& client : clients) client.join();
  EXPECT_EQ(test.server->n_connections(), 0U);
  EXPECT_EQ(test.log->n_subscribers(), 0U);
}

TEST(HttpServerStop, AFullWorkerPoolAnswers503) {
  TestServer test;
  WorkerPool small({.max_threads = 1, .max_queued = 1}, null_log());
  std::promise<void> may_leave;
  auto released = may_leave.get_future().share();
  std::promise<void> entered;
  Router router;
  router.add(Route{.method = "GET", .pattern = "/long", .handler = [&](const HttpRequest&, std::stop_token) {
                     entered.set_value();
                     released.wait();
                     return HttpResponse::no_content();
                   }});
  router.add(Route{.method = "GET", .pattern = "/short", .handler = hello});
  HttpServer server(ServerOptions{.port = 0}, std::move(router), ServerServices{small, null_log(), {}});
  server.start();
  RawClient first(server.port());
  first.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
  entered.get_future().wait();
  RawClient second(server.port());
  second.send("GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return small.n_queued() == 1; }));
  RawClient third(server.port());
  const auto refused = third.get("/short");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  may_leave.set_value();
  EXPECT_EQ(second.receive_response().status, 200);
  server.stop(seconds(5));
}

TEST(HttpServerStart, SaysWhyItCannotListen) {
  TestServer test;
  test.start();
  WorkerPool workers({}, null_log());
  const ServerServices services{workers, null_log(), {}};
  try {
    HttpServer second(ServerOptions{.port = test.port()}, Router(), services);
    FAIL();
  } catch (const Unavailable& error) {
    EXPECT_NE(std::string(error.what()).find(cat("127.0.0.1:", test.port())), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(HttpServer(ServerOptions{.address = "nonsense"}, Router(), services), InvalidArgument);
  EXPECT_THROW(HttpServer(ServerOptions{.port = 0, .tls_certificate = "/none.pem", .tls_key = "/none.key"},
                          Router(), services),
               InvalidArgument);
  HttpServer never_started(ServerOptions{.port = 0}, Router(), services);
}

}  // namespace
}  // namespace quintet
