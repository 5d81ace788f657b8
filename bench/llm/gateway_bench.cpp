// What OpenAiModel adds to a call: an upstream on loopback that answers at once, asked through the model and
// through a bare socket, in turns. Prints percentiles of both, of their difference, and the resident memory
// over the run.
//
//   gateway_bench [n_requests = 200000]
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "llm/instrumented_model.h"
#include "llm/openai_model.h"
#include "testing/http_script_server.h"

namespace {

using namespace quintet;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kStream =
    "data: "
    "{\"id\":\"c\",\"model\":\"null\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n"
    "data: [DONE]\n\n";

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) / (1024 * 1024);
}

/// The same request and response without any HTTP library: the floor.
class BareClient {
 public:
  BareClient(int port, std::string request) : request_(std::move(request)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      throw Unavailable("bench: cannot connect");
    }
  }
  ~BareClient() { ::close(socket_); }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  void call() {
    if (::send(socket_, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      throw Unavailable("bench: cannot send");
    }
    response_.clear();
    while (!response_.ends_with(kLastChunk)) {
      const auto n = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (n <= 0) throw Unavailable("bench: the server closed");
      response_.append(buffer_.data(), static_cast<std::size_t>(n));
    }
  }

 private:
  int socket_ = -1;
  std::string request_;
  std::string response_;
  std::array<char, 16 * 1024> buffer_;
};

double percentile(const std::vector<double>& sorted, double p) {
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(p * static_cast<double>(sorted.size())))];
}

void print(const char* name, std::vector<double>& microseconds) {
  std::sort(microseconds.begin(), microseconds.end());
  std::printf("%-12s p50 %7.1f us   p90 %7.1f us   p99 %7.1f us   max %9.1f us\n", name,
              percentile(microseconds, 0.5), percentile(microseconds, 0.9), percentile(microseconds, 0.99),
              microseconds.back());
}

template <typename Call>
double timed(Call call) {
  const auto start = Clock::now();
  call();
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void run(std::size_t n_requests) {
  HttpScriptServer server;
  server.set_recording(false);
  // One write per answer, as a server that has it all would do.
  const std::string answer = cat(chunked_head(), http_chunk(kStream), kLastChunk);
  server.set_handler([&](const RecordedRequest&) { return ServerReply{SendBytes{answer}}; });

  HttpClient client;
  OpenAiModel::Options options;
  options.base_url = server.url("/v1");
  options.api_key = "sk-bench";
  options.model = "null";
  InstrumentedModel model(std::make_unique<OpenAiModel>(options, client), {}, options.base_url);
  ChatRequest request;
  request.messages = {Message::system("Be brief."), Message::user("Say hello.")};
  const auto through_model = [&] {
    const auto response = model.chat(request, {}, {});
    if (response.message.text() != "Hello" || response.usage.output_tokens != 1) {
      throw InternalError("bench: wrong answer");
    }
  };

  const std::string body = to_json(encode_openai_request(request, "null", {}));
  BareClient bare(server.port(), cat("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                                     "application/json\r\nContent-Length: ",
                                     body.size(), "\r\n\r\n", body));

  // Touched before the first measurement, so that only what a request leaves behind can grow.
  std::vector<double> model_us(n_requests, 1.0);
  std::vector<double> bare_us(n_requests, 1.0);
  for (int i = 0; i < 1000; ++i) {
    through_model();
    bare.call();
  }
  const double start_mib = resident_mib();
  std::printf("%zu requests each, in turns; resident %.1f MiB\n", n_requests, start_mib);
  for (std::size_t i = 0; i < n_requests; ++i) {
    bare_us[i] = timed([&] { bare.call(); });
    model_us[i] = timed(through_model);
    if ((i + 1) % std::max<std::size_t>(1, n_requests / 10) == 0) {
      std::printf("  after %7zu: resident %+.2f MiB\n", i + 1, resident_mib() - start_mib);
    }
  }
  std::vector<double> added(n_requests);
  for (std::size_t i = 0; i < n_requests; ++i) added[i] = model_us[i] - bare_us[i];
  print("bare socket", bare_us);
  print("model", model_us);
  print("added", added);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gateway_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
