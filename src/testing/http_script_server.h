#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace quintet {

/// What a scripted server does next on a connection, byte for byte.
struct SendBytes {
  std::string bytes;
};
struct Pause {
  std::chrono::milliseconds time{0};  // ends early when the peer closes
};
struct StallUntilClosed {};  // says nothing more, and waits for the peer to close
struct CloseConnection {};
struct ResetConnection {};  // TCP RST instead of an orderly end
using ServerStep = std::variant<SendBytes, Pause, StallUntilClosed, CloseConnection, ResetConnection>;
using ServerReply = std::vector<ServerStep>;

struct RecordedRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t connection = 0;  // which connection it came on, from 0

  std::string header(std::string_view name) const;  // "" when absent, case ignored
};

/// A real HTTP server on 127.0.0.1 that says exactly what a test tells it to, right or wrong: a thread per
/// connection, requests recorded, closes of the peer noticed. For tests and benchmarks only.
class HttpScriptServer {
 public:
  using Handler = std::function<ServerReply(const RecordedRequest&)>;

  HttpScriptServer();
  ~HttpScriptServer();  // closes every connection and joins
  HttpScriptServer(const HttpScriptServer&) = delete;
  HttpScriptServer& operator=(const HttpScriptServer&) = delete;

  int port() const noexcept { return port_; }
  std::string url(std::string_view path = "") const;

  /// Replies are used up in order; then the handler answers; without one, 500.
  void enqueue(ServerReply reply);
  void set_handler(Handler handler);
  /// Off: requests are not kept, for runs of hundreds of thousands.
  void set_recording(bool is_recording);

  std::vector<RecordedRequest> requests() const;
  std::size_t n_requests() const;
  std::size_t n_connections() const;
  /// Waits until the peer has closed `n` connections; false after `limit`.
  bool wait_for_peer_closes(std::size_t n, std::chrono::milliseconds limit) const;
  bool wait_for_requests(std::size_t n, std::chrono::milliseconds limit) const;

 private:
  struct Connection {
    int socket = -1;
    std::size_t number = 0;
    std::string unread;
    std::thread thread;
  };

  void accept_loop();
  void serve(Connection& connection);
  std::optional<RecordedRequest> read_request(Connection& connection);
  ServerReply next_reply(const RecordedRequest& request);
  bool run_step(Connection& connection, const ServerStep& step);
  bool peer_closes_within(Connection& connection, std::optional<std::chrono::milliseconds> time);
  bool read_more(Connection& connection);
  void note_peer_close();

  int listener_ = -1;
  int port_ = 0;
  int stop_pipe_[2] = {-1, -1};  // readable once the server is stopping
  std::thread acceptor_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::list<Connection> connections_;      // guarded by mutex_; elements keep their place
  std::deque<ServerReply> replies_;        // guarded by mutex_
  Handler handler_;                        // guarded by mutex_
  std::vector<RecordedRequest> requests_;  // guarded by mutex_
  std::size_t n_requests_ = 0;             // guarded by mutex_
  std::size_t n_peer_closes_ = 0;          // guarded by mutex_
  bool is_recording_ = true;               // guarded by mutex_
};

/// A complete response with Content-Length.
ServerReply http_reply(int status, std::string_view content_type, std::string_view body,
                       std::string_view extra_headers = "");

/// Head of a chunked event stream; `extra_headers` are whole lines that end with "\r\n".
std::string chunked_head(int status = 200, std::string_view content_type = "text/event-stream",
                         std::string_view extra_headers = "");
std::string http_chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// A chunked response whose body is sent in pieces that end at the given offsets.
ServerReply chunked_reply(std::string_view body, const std::vector<std::size_t>& split_at = {});
/// The same in pieces of `piece_bytes`.
ServerReply chunked_reply_in_pieces(std::string_view body, std::size_t piece_bytes);

}  // namespace quintet
