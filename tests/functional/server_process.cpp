#include "server_process.h"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <signal.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "core/text.h"

namespace quintet::functional {

namespace {

using std::chrono::steady_clock;

std::string read_all(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Pointers for exec, made before fork: nothing may be allocated between the two.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (auto& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

pid_t launch(const LaunchOptions& options, const std::filesystem::path& out_file,
             const std::filesystem::path& err_file) {
  std::vector<std::string> arguments{QN_PROGRAM};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::map<std::string, std::string> environment{{"HOME", options.folder.string()},
                                                 {"QUINTET_HOME", data_folder(options.folder).string()},
                                                 {"LC_ALL", "C.UTF-8"}};
  if (const char* path = std::getenv("PATH")) environment["PATH"] = path;
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) environment[name] = value;
  for (const auto& [name, value] : options.environment) environment[name] = value;
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(cat(name, "=", value));
  const std::string folder = options.folder.string();
  const std::string out = out_file.string();
  const std::string err = err_file.string();
  const auto argument_pointers = pointers(arguments);
  const auto variable_pointers = pointers(variables);

  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing outlives a test that was killed itself
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND;
  const int out_fd = ::open(out.c_str(), kFlags, 0600);
  const int err_fd = ::open(err.c_str(), kFlags, 0600);
  const int in_fd = ::open("/dev/null", O_RDONLY);
  if (out_fd < 0 || err_fd < 0 || in_fd < 0 || ::chdir(folder.c_str()) != 0) ::_exit(126);
  ::dup2(in_fd, STDIN_FILENO);
  ::dup2(out_fd, STDOUT_FILENO);
  ::dup2(err_fd, STDERR_FILENO);
  for (int fd = 3; fd < 256; ++fd) ::close(fd);
  ::execve(argument_pointers[0], argument_pointers.data(), variable_pointers.data());
  ::_exit(127);
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/// The status of a process that has ended.
std::optional<int> reap(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  return exit_status(status);
}

std::filesystem::path output_file(const std::filesystem::path& folder, std::string_view name) {
  static std::atomic<int> n_files = 0;
  return folder / cat(name, "-", ++n_files, ".log");
}

}  // namespace

bool eventually(const std::function<bool()>& claim, std::chrono::milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!claim()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::filesystem::path data_folder(const std::filesystem::path& folder) {
  return folder / "data";
}

std::filesystem::path database_file(const std::filesystem::path& folder) {
  return data_folder(folder) / "quintet.db";
}

JsonObject CommandResult::json() const {
  return parse_json(out, "the command's output").as_object();
}

CommandResult run_quintet(const LaunchOptions& options) {
  const auto out = output_file(options.folder, "out");
  const auto err = output_file(options.folder, "err");
  const pid_t pid = launch(options, out, err);
  std::optional<int> status;
  if (options.kill_after &&
      !eventually([&] { return (status = reap(pid)).has_value(); }, *options.kill_after))
    ::kill(pid, SIGKILL);
  if (!status && !eventually([&] { return (status = reap(pid)).has_value(); }, std::chrono::minutes(1))) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    throw std::runtime_error(
        cat("quintet ", join(options.arguments, " "), " did not end; it said: ", read_all(err)));
  }
  CommandResult result{*status, read_all(out), read_all(err)};
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return result;
}

CommandResult run_quintet(const std::filesystem::path& folder, std::vector<std::string> arguments) {
  return run_quintet({.folder = folder, .arguments = std::move(arguments)});
}

ServerProcess::ServerProcess(std::filesystem::path folder, std::vector<std::string> arguments,
                             std::map<std::string, std::string> environment)
    : log_file_(output_file(folder, "server")) {
  arguments.insert(arguments.begin(), {"serve", "--port", "0"});
  pid_ = launch(
      {.folder = std::move(folder), .arguments = std::move(arguments), .environment = std::move(environment)},
      log_file_, log_file_);
  const auto address_said = [this] {
    const std::string said = log();
    for (const std::string_view scheme : {"http://127.0.0.1:", "https://127.0.0.1:", "http://0.0.0.0:"}) {
      const auto at = said.find(scheme);
      // A whole line: the number may still be on its way.
      if (at == std::string::npos || said.find('\n', at) == std::string::npos) continue;
      port_ = std::atoi(said.c_str() + at + scheme.size());
      if (port_ > 0) return true;
    }
    return !is_running();
  };
  if (!eventually(address_said) || port_ == 0) {
    kill();
    throw std::runtime_error(cat("the server did not start; it said: ", log()));
  }
}

ServerProcess::~ServerProcess() {
  kill();
}

std::string ServerProcess::url(std::string_view path) const {
  return cat("http://127.0.0.1:", port_, path);
}

std::string ServerProcess::log() const {
  return read_all(log_file_);
}

bool ServerProcess::is_running() {
  if (!status_) status_ = reap(pid_);
  return !status_;
}

int ServerProcess::stop() {
  if (is_running()) ::kill(pid_, SIGTERM);
  if (!eventually([this] { return !is_running(); }, std::chrono::seconds(30))) {
    kill();
    throw std::runtime_error(cat("the server did not stop; it said: ", log()));
  }
  return *status_;
}

void ServerProcess::kill() {
  if (!is_running()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  status_ = exit_status(status);
}

}  // namespace quintet::functional
