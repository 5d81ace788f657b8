#include "documents/reader_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/files.h"
#include "core/text.h"
#include "documents/document_json.h"

namespace quintet {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTick{40};  // between looks at the stop token and at the memory
constexpr std::size_t kMaxPasswordBytes = 4096;
constexpr std::size_t kMaxComplaintBytes = 4096;

[[noreturn]] void system_failure(std::string_view operation, int error) {
  throw Unavailable(cat("starting a document reader: ", operation, ": ", errno_text(error)));
}

/// Moved above every number that a reader is given, so that no dup2 in the child overwrites one still needed.
FileDescriptor moved_high(int number) {
  constexpr int kHigh = 16;
  const int high = fcntl(number, F_DUPFD_CLOEXEC, kHigh);
  if (high < 0) system_failure("duplicating a descriptor", errno);
  return FileDescriptor(high);
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) system_failure("making a pipe", errno);
  const FileDescriptor low_read(ends[0]);
  const FileDescriptor low_write(ends[1]);
  return {moved_high(ends[0]), moved_high(ends[1])};
}

/// The actions and attributes of posix_spawn.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void give(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void open_null(int to) { posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDONLY, 0); }
  void close_from(int first) { posix_spawn_file_actions_addclosefrom_np(&actions_, first); }

  /// The process, or a negative errno.
  pid_t start(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
    std::vector<char*> arguments = pointers(argv);
    std::vector<char*> variables = pointers(environment);
    pid_t pid = -1;
    const int error =
        posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(), variables.data());
    return error == 0 ? pid : -error;
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// A started process and its group: killed and reaped at the latest when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    kill_all();
    if (!status_.has_value()) reap(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill_all() noexcept {
    if (status_.has_value()) return;  // its number may belong to another by now
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
  }

  /// The wait status once the process has ended; waits for that unless `options` has WNOHANG.
  std::optional<int> reap(int options) noexcept {
    while (!status_.has_value()) {
      int status = 0;
      const pid_t ended = waitpid(pid_, &status, options);
      if (ended == pid_) status_ = status;
      if (ended == 0) break;
      if (ended < 0 && errno != EINTR) status_ = 0;  // reaped by someone else: a handler of SIGCHLD
    }
    return status_;
  }

  /// Bytes in memory now; 0 when that cannot be told.
  std::size_t resident_bytes() const {
    const std::string path = cat("/proc/", pid_, "/statm");
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
    unsigned long long size = 0;
    unsigned long long resident = 0;
    if (!file || std::fscanf(file.get(), "%llu %llu", &size, &resident) != 2) return 0;
    return static_cast<std::size_t>(resident) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  }

 private:
  pid_t pid_;
  std::optional<int> status_;
};

/// Keeps what the caller's sink throws apart from what the protocol's reader throws.
class RelaySink final : public DocumentSink {
 public:
  explicit RelaySink(DocumentSink& sink) : sink_(sink) {}
  void begin(const DocumentInfo& info) override {
    relay([&] { sink_.begin(info); });
  }
  void page(Page page) override {
    relay([&] { sink_.page(std::move(page)); });
  }
  void end(const std::vector<std::string>& warnings) override {
    relay([&] { sink_.end(warnings); });
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  template <typename Call>
  void relay(Call&& call) {
    try {
      call();
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }
  DocumentSink& sink_;
  std::exception_ptr thrown_;
};

std::string seconds_text(milliseconds time) {
  const auto tenths = time.count() / 100;
  return tenths % 10 == 0 ? cat(tenths / 10, " s") : cat(tenths / 10, ".", tenths % 10, " s");
}

std::string megabytes_text(std::size_t bytes) {
  return cat(bytes >> 20, " MB");
}

std::string after_page(int n_pages) {
  return n_pages == 0 ? std::string("before the first page") : cat("after page ", n_pages);
}

std::string signal_text(int number) {
  const char* name = sigabbrev_np(number);
  return name == nullptr ? cat("signal ", number) : cat("SIG", name);
}

/// One run of a reader, from its pipes to its end.
class Session {
 public:
  Session(const ReaderCommand& command, const ReaderLimits& limits, DocumentSink& sink, std::stop_token stop)
      : command_(command), limits_(limits), relay_(sink), lines_(relay_), stop_(std::move(stop)) {}

  void run() {
    start();
    bool is_open = true;
    while (is_open) {
      is_open = read_some();
      check_limits();
    }
    take_rest_of_complaints();
    finish();
  }

 private:
  void start() {
    if (command_.argv.empty()) throw InvalidArgument("starting a document reader: no program is given");
    if (command_.password.size() > kMaxPasswordBytes)
      throw InvalidArgument(
          cat("starting a document reader: the password is longer than ", kMaxPasswordBytes, " bytes"));
    Pipe output = make_pipe();
    Pipe complaints = make_pipe();
    const FileDescriptor input = moved_high(command_.input);
    FileDescriptor password;
    SpawnPlan plan;
    plan.open_null(STDIN_FILENO);
    plan.give(output.write_end.get(), STDOUT_FILENO);
    plan.give(complaints.write_end.get(), STDERR_FILENO);
    plan.give(input.get(), kReaderInputDescriptor);
    int n_given = kReaderInputDescriptor + 1;
    if (!command_.password.empty()) {
      Pipe pipe = make_pipe();
      // Fits into the pipe's buffer: written before anybody reads.
      const ssize_t n = write(pipe.write_end.get(), command_.password.data(), command_.password.size());
      if (n != static_cast<ssize_t>(command_.password.size()))
        system_failure("handing over the password", errno);
      password = std::move(pipe.read_end);
      plan.give(password.get(), kReaderPasswordDescriptor);
      n_given = kReaderPasswordDescriptor + 1;
    }
    plan.close_from(n_given);
    const pid_t pid = plan.start(command_.argv, command_.environment);
    if (pid < 0)
      throw DocumentError(DocumentFault::reader_missing,
                          cat("reading a document: the reader ", command_.argv[0],
                              " could not be started: ", errno_text(static_cast<int>(-pid))));
    child_.emplace(pid);
    output_ = std::move(output.read_end);
    complaints_ = std::move(complaints.read_end);
  }

  /// Waits up to a tick for output. False once the reader has closed it.
  bool read_some() {
    pollfd fds[2] = {{output_.get(), POLLIN, 0}, {complaints_.get(), POLLIN, 0}};
    const auto before = Clock::now();
    const int n_ready = poll(fds, complaints_.get() >= 0 ? 2 : 1, static_cast<int>(kTick.count()));
    const auto waited = std::chrono::duration_cast<Clock::duration>(Clock::now() - before);
    total_time_ += waited;
    page_time_ += waited;
    if (n_ready < 0 && errno != EINTR) system_failure("waiting for it", errno);
    if (n_ready <= 0) return true;
    if (complaints_.get() >= 0 && fds[1].revents != 0) read_complaint();
    if (fds[0].revents == 0) return true;
    constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kPieceBytes);
    const ssize_t n = read(output_.get(), buffer_.data() + had, kPieceBytes);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    n_output_ += static_cast<std::size_t>(n);
    take_lines(had);
    return n > 0;
  }

  void take_lines(std::size_t first_new) {
    std::size_t begin = 0;
    std::size_t end = buffer_.find('\n', first_new);
    while (end != std::string::npos) {
      take_line(std::string_view(buffer_).substr(begin, end - begin));
      begin = end + 1;
      end = buffer_.find('\n', begin);
    }
    buffer_.erase(0, begin);
    if (buffer_.size() > limits_.line_bytes)
      throw DocumentError(DocumentFault::too_large, cat("reading a document: one page gives more than ",
                                                        megabytes_text(limits_.line_bytes), " of text, ",
                                                        after_page(lines_.n_pages())));
  }

  void take_line(std::string_view line) {
    page_time_ = Clock::duration::zero();
    if (line.empty()) return;
    try {
      lines_.line(line);
    } catch (const CorruptData& error) {
      relay_.rethrow();
      throw DocumentError(DocumentFault::crashed, cat(error.what(), ", ", after_page(lines_.n_pages())));
    }
    relay_.rethrow();
  }

  void read_complaint() {
    char piece[1024];
    const ssize_t n = read(complaints_.get(), piece, sizeof piece);
    if (n <= 0) {
      complaints_.reset();
      return;
    }
    complaint_.append(piece, static_cast<std::size_t>(n));
    if (complaint_.size() > kMaxComplaintBytes) complaint_.erase(0, complaint_.size() - kMaxComplaintBytes);
  }

  void take_rest_of_complaints() {
    if (complaints_.get() < 0) return;
    fcntl(complaints_.get(), F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 64 && complaints_.get() >= 0; ++i) read_complaint();
  }

  void check_limits() {
    if (stop_.stop_requested()) throw Cancelled("reading a document: it was stopped on request");
    const auto now = Clock::now();
    if (n_output_ > limits_.output_bytes)
      throw DocumentError(DocumentFault::too_large, cat("reading a document: it gives more than ",
                                                        megabytes_text(limits_.output_bytes), " of text"));
    if (total_time_ > limits_.total_time)
      throw DocumentError(
          DocumentFault::out_of_time,
          cat("reading a document: its reader was stopped after ", seconds_text(limits_.total_time), ", ",
              after_page(lines_.n_pages()), "; a longer limit may help"));
    if (page_time_ > limits_.page_time)
      throw DocumentError(DocumentFault::out_of_time,
                          cat("reading a document: its reader was stopped because nothing came for ",
                              seconds_text(limits_.page_time), ", ", after_page(lines_.n_pages())));
    if (now - looked_at_memory_ < kTick) return;
    looked_at_memory_ = now;
    if (child_->resident_bytes() > limits_.memory_bytes) throw out_of_memory();
  }

  DocumentError out_of_memory() const {
    return DocumentError(DocumentFault::out_of_memory, cat("reading a document: its reader needs more than ",
                                                           megabytes_text(limits_.memory_bytes),
                                                           " of memory, ", after_page(lines_.n_pages())));
  }

  /// The output is closed: the reader has ended, or should have.
  void finish() {
    const auto deadline = Clock::now() + std::chrono::seconds(2);
    std::optional<int> status = child_->reap(WNOHANG);
    while (!status.has_value() && Clock::now() < deadline) {
      poll(nullptr, 0, 1);
      status = child_->reap(WNOHANG);
    }
    if (lines_.has_ended()) return;  // everything has been said; how it then ended matters to nobody
    if (!status.has_value())
      throw DocumentError(DocumentFault::crashed,
                          cat("reading a document: its reader fell silent ", after_page(lines_.n_pages())));
    throw end_without_end(*status);
  }

  DocumentError end_without_end(int status) const {
    const std::string where = after_page(lines_.n_pages());
    const std::string said = last_complaint();
    if (WIFSIGNALED(status)) {
      switch (WTERMSIG(status)) {
        case SIGXCPU:
          return DocumentError(DocumentFault::out_of_time,
                               cat("reading a document: its reader used up its processor time ", where));
        case SIGKILL: return out_of_memory();  // not by us: the kernel, when memory runs out
        default:
          return DocumentError(DocumentFault::crashed, cat("reading a document: its reader crashed ", where,
                                                           " (", signal_text(WTERMSIG(status)), said, ")"));
      }
    }
    const int code = WEXITSTATUS(status);
    if (code == 127 && n_output_ == 0)  // what a loader or an interpreter ends with
      return DocumentError(
          DocumentFault::reader_missing,
          cat("reading a document: the reader ", command_.argv[0], " could not be started", said));
    return DocumentError(DocumentFault::crashed, cat("reading a document: its reader ended early ", where,
                                                     " (status ", code, said, ")"));
  }

  /// The last line that the reader wrote to its standard error, made fit for a message.
  std::string last_complaint() const {
    const std::vector<std::string_view> lines = split_lines(complaint_);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
      std::string text = sanitize_utf8(trim(*line));
      for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
      if (!text.empty()) return cat("; it said: ", truncate_utf8(text, 300));
    }
    return "";
  }

  const ReaderCommand& command_;
  const ReaderLimits& limits_;
  RelaySink relay_;
  DocumentLineReader lines_;
  std::stop_token stop_;
  std::optional<Child> child_;
  FileDescriptor output_;
  FileDescriptor complaints_;
  std::string buffer_;
  std::string complaint_;
  std::size_t n_output_ = 0;
  Clock::duration total_time_{};
  Clock::duration page_time_{};
  Clock::time_point looked_at_memory_;
};

bool is_program(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

void read_in_process(const ReaderCommand& command, const ReaderLimits& limits, DocumentSink& sink,
                     std::stop_token stop) {
  Session(command, limits, sink, std::move(stop)).run();
}

std::string find_pdf_reader() {
  constexpr std::string_view kName = "quintet-pdf";
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error && is_program(self.parent_path() / kName)) return (self.parent_path() / kName).string();
  if (const char* named = std::getenv("QUINTET_PDF_WORKER"); named != nullptr && *named != '\0') {
    if (is_program(named)) return named;
    throw DocumentError(DocumentFault::reader_missing,
                        cat("reading a PDF: QUINTET_PDF_WORKER names ", named, ", which is no program"));
  }
  if (const char* path = std::getenv("PATH"))
    for (const std::string_view folder : split(path, ':'))
      if (folder.starts_with('/') && is_program(std::filesystem::path(folder) / kName))
        return (std::filesystem::path(folder) / kName).string();
  throw DocumentError(
      DocumentFault::reader_missing,
      cat("reading a PDF: the program quintet-pdf is neither beside quintet (", self.parent_path().string(),
          ") nor in PATH. Build it with: scripts/install-dependencies && scripts/build release "
          "quintet-pdf (it needs the package libmupdf-dev), or name it in QUINTET_PDF_WORKER"));
}

}  // namespace quintet
