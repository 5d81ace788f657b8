#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "core/json.h"
#include "testing/scratch_folder.h"

namespace quintet::functional {

/// Polls `claim` until it holds; false after `limit`. For what another process does in its own time.
bool eventually(const std::function<bool()>& claim,
                std::chrono::milliseconds limit = std::chrono::seconds(20));

struct LaunchOptions {
  std::filesystem::path folder;  // working directory, home of the user and, in "data", of the program
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment = {};       // on top of a nearly empty one
  std::optional<std::chrono::milliseconds> kill_after = {};  // SIGKILL, unless it has ended
};

struct CommandResult {
  int status = 0;  // exit status, or 128 + signal
  std::string out;
  std::string err;
  JsonObject json() const;  // of `out`
};

/// Runs the program to its end; throws when it takes longer than a minute. Any thread.
CommandResult run_quintet(const LaunchOptions& options);
CommandResult run_quintet(const std::filesystem::path& folder, std::vector<std::string> arguments);

/// `quintet serve` on a free port of 127.0.0.1. Not thread-safe, but for port().
class ServerProcess {
 public:
  /// Starts it and waits until it says its address. Throws with its log when it ends or says nothing instead.
  /// `arguments` follow "serve".
  explicit ServerProcess(std::filesystem::path folder, std::vector<std::string> arguments = {},
                         std::map<std::string, std::string> environment = {});
  ~ServerProcess();  // kills it
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const noexcept { return port_; }
  pid_t pid() const noexcept { return pid_; }
  std::string url(std::string_view path = "") const;
  std::string log() const;  // everything it wrote

  bool is_running();
  /// SIGTERM; the exit status as of CommandResult. Throws when it does not end within 30 s.
  int stop();
  /// SIGKILL.
  void kill();

 private:
  std::filesystem::path log_file_;
  pid_t pid_ = -1;
  int port_ = 0;
  std::optional<int> status_;
};

std::filesystem::path data_folder(const std::filesystem::path& folder);
/// The database file below data_folder().
std::filesystem::path database_file(const std::filesystem::path& folder);

}  // namespace quintet::functional
