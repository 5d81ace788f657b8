#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server_process.h"
#include "test_client.h"

namespace quintet::functional {

/// A server with a home of its own, a client for it, and the requests that many tests begin with. Those
/// expect success and throw otherwise.
class RunningServer {
 public:
  explicit RunningServer(std::vector<std::string> arguments = {}, std::string_view script = {});

  ServerProcess& process() { return *process_; }
  TestClient& client() { return *client_; }
  const ScratchFolder& folder() const { return folder_; }
  int port() const { return process_->port(); }
  /// Ends it (SIGTERM) and starts another on the same data.
  void restart(std::vector<std::string> arguments = {});

  void make_kb(std::string_view name);
  /// The new entry's id.
  std::string add_entry(std::string_view kb, std::string_view question, std::string_view answer,
                        const std::vector<std::string>& alternatives = {});
  JsonObject ask(std::string_view kb, std::string_view question, std::string_view model = {});
  std::string begin_conversation(std::string_view kb);
  EventStream send_message(std::string_view conversation, std::string_view text, std::string_view model = {});
  /// Events of a whole answer.
  std::vector<ServerEvent> chat(std::string_view conversation, std::string_view text,
                                std::string_view model = {}) {
    return send_message(conversation, text, model).rest();
  }
  CommandResult command(std::vector<std::string> arguments) {
    return run_quintet(folder_.path(), std::move(arguments));
  }

 private:
  ScratchFolder folder_;
  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<TestClient> client_;
};

/// `response` as JSON; throws with its body when its status is not `status`.
JsonObject expect_json(const Response& response, int status = 200);
/// The body of a problem+json of that status; throws otherwise.
JsonObject expect_problem(const Response& response, int status);
std::string text_of(const JsonObject& object, std::string_view key);
std::int64_t int_of(const JsonObject& object, std::string_view key);
bool bool_of(const JsonObject& object, std::string_view key);
const JsonArray& array_of(const JsonObject& object, std::string_view key);
const JsonObject& object_of(const JsonObject& object, std::string_view key);
/// The texts of all `delta` events since the last `reset`.
std::string shown_text(const std::vector<ServerEvent>& events);
/// The message of the `done` event that ends `events`.
JsonObject final_message(const std::vector<ServerEvent>& events);

}  // namespace quintet::functional
