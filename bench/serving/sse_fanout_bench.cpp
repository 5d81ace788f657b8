// 1,000 clients each read their own event stream and check every token while one more client reads nothing at
// all: how fast tokens arrive, how late, and what the process weighs (server and clients together).
//
//   sse_fanout_bench [streams=1000] [tokens=200] [tokens per second and stream=50]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "core/log.h"
#include "core/text.h"
#include "core/time.h"
#include "core/worker_pool.h"
#include "serving/server.h"

using namespace quintet;

namespace {

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "sse_fanout_bench: %s\n", why.c_str());
  std::exit(1);
}

double resident_mib(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::atof(line.c_str() + field.size()) / 1024.0;
  return 0;
}

int connect_to(std::uint16_t port, std::size_t stream, int receive_buffer_bytes) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (receive_buffer_bytes > 0)
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("cannot connect");
  const std::string request = cat("GET /stream/", stream, " HTTP/1.0\r\nHost: localhost\r\n\r\n");
  if (::send(socket, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
    fail("cannot send");
  return socket;
}

/// One client; HTTP/1.0, so that the bytes after the head are the events.
struct Reader {
  int socket = -1;
  std::size_t stream = 0;
  std::size_t n_seen = 0;
  bool has_head = false;
  std::string input;

  void take(std::string_view bytes, std::vector<float>& delays_ms) {
    input += bytes;
    if (!has_head) {
      const auto end = input.find("\r\n\r\n");
      if (end == std::string::npos) return;
      if (!input.starts_with("HTTP/1.1 200")) fail(input);
      input.erase(0, end + 4);
      has_head = true;
    }
    std::size_t at = 0;
    for (auto end = input.find("\n\n"); end != std::string::npos; end = input.find("\n\n", at)) {
      check(std::string_view(input).substr(at, end - at), delays_ms);
      at = end + 2;
    }
    input.erase(0, at);
  }

  void check(std::string_view event, std::vector<float>& delays_ms) {
    if (event.starts_with(":")) return;  // a heartbeat
    const std::string expected =
        cat("id: s", stream, ":", n_seen, "\nevent: delta\ndata: token ", n_seen, " of ", stream, " at ");
    if (!event.starts_with(expected))
      fail(cat("stream ", stream, ": expected '", expected, "', got '", event, "'"));
    const auto sent_ns = parse_int(event.substr(expected.size()));
    delays_ms.push_back(static_cast<float>(static_cast<double>(now_ns() - sent_ns.value_or(0)) / 1e6));
    ++n_seen;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, long fallback) { return argc > i ? std::atol(argv[i]) : fallback; };
  const auto n_streams = static_cast<std::size_t>(argument(1, 1000));
  const auto n_tokens = static_cast<std::size_t>(argument(2, 200));
  const auto rate = static_cast<double>(argument(3, 50));
  rlimit files{16384, 16384};
  ::setrlimit(RLIMIT_NOFILE, &files);

  std::vector<std::shared_ptr<EventLog>> logs(n_streams);
  for (auto& log : logs) log = std::make_shared<EventLog>();
  const auto endless = std::make_shared<EventLog>();  // for the client that does not read
  WorkerPool workers({}, null_log());
  Router router;
  Route route;
  route.method = "GET";
  route.pattern = "/stream/{n}";
  route.handler = [&](const HttpRequest& request, std::stop_token) {
    const auto n = static_cast<std::size_t>(parse_int(request.parameter("n")).value_or(0));
    EventStreamBody body;
    body.log = n < n_streams ? logs[n] : endless;
    body.stream_id = cat("s", n);
    return HttpResponse::events(std::move(body));
  };
  router.add(std::move(route));
  ServerOptions options;
  options.port = 0;
  HttpServer server(options, std::move(router), ServerServices{workers, null_log()});
  server.start();

  const double rss_before = resident_mib("VmRSS:");
  const int stalled = connect_to(server.port(), n_streams, 4096);
  const int poller = ::epoll_create1(0);
  std::vector<Reader> readers(n_streams);
  for (std::size_t i = 0; i < n_streams; ++i) {
    readers[i].stream = i;
    readers[i].socket = connect_to(server.port(), i, 0);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &readers[i];
    ::epoll_ctl(poller, EPOLL_CTL_ADD, readers[i].socket, &event);
  }
  while (server.n_connections() < n_streams + 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::printf("%zu streams open: RSS %.1f MiB more\n", n_streams, resident_mib("VmRSS:") - rss_before);

  const Stopwatch stopwatch;
  std::thread writer([&] {
    const std::string bulk(65536, 'x');
    for (std::size_t token = 0; token < n_tokens; ++token) {
      for (std::size_t i = 0; i < n_streams; ++i)
        logs[i]->append({"delta", cat("token ", token, " of ", i, " at ", now_ns())});
      endless->append({"delta", bulk});
      const double due = static_cast<double>(token + 1) / rate;
      if (const double early = due - stopwatch.seconds(); early > 0)
        std::this_thread::sleep_for(std::chrono::duration<double>(early));
    }
    for (auto& log : logs) log->close();
  });

  std::vector<float> delays_ms;
  delays_ms.reserve(n_streams * n_tokens);
  std::vector<epoll_event> events(512);
  std::vector<char> room(65536);
  for (std::size_t n_open = n_streams; n_open > 0;) {
    const int n = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 10'000);
    if (n <= 0) fail("nothing arrived for 10 s");
    for (int i = 0; i < n; ++i) {
      auto& reader = *static_cast<Reader*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t got = ::recv(reader.socket, room.data(), room.size(), 0);
      if (got > 0) {
        reader.take({room.data(), static_cast<std::size_t>(got)}, delays_ms);
        continue;
      }
      if (reader.n_seen != n_tokens)
        fail(cat("stream ", reader.stream, " ended after ", reader.n_seen, " tokens"));
      ::close(reader.socket);
      --n_open;
    }
  }
  const double seconds = stopwatch.seconds();
  writer.join();
  for (int i = 0; i < 1000 && server.n_connections() > 1; ++i)  // the readers' ends are still being noticed
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::sort(delays_ms.begin(), delays_ms.end());
  const auto percentile = [&](double p) {
    return static_cast<double>(
        delays_ms[static_cast<std::size_t>(p * static_cast<double>(delays_ms.size() - 1))]);
  };
  std::printf(
      "%zu tokens, every one checked, in %.2f s: %.0f tokens/s; delay ms p50 %.2f p99 %.2f max %.2f\n",
      delays_ms.size(), seconds, static_cast<double>(delays_ms.size()) / seconds, percentile(0.5),
      percentile(0.99), percentile(1.0));
  std::printf("peak RSS of server and clients %.1f MiB; the stalled reader's connection is still open: %s\n",
              resident_mib("VmHWM:"), server.n_connections() == 1 ? "yes" : "no");
  ::close(stalled);
  server.stop(std::chrono::seconds(1));
}
