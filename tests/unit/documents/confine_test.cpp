#include "documents/confine.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "testing/scratch_folder.h"

namespace quintet {
namespace {

constexpr int kHasNoFilter = 90;
constexpr int kHasNoPathRules = 91;

/// What `attempt` returns, made by a child process that is confined; a signal gives 128 and its number.
int confined(const ConfineLimits& limits, const std::function<int()>& attempt, bool needs_paths = false) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Confinement walls = confine(limits);
    if (!walls.has_syscall_filter) ::_exit(kHasNoFilter);
    if (needs_paths && !walls.has_path_rules) ::_exit(kHasNoPathRules);
    ::_exit(attempt());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// 0 when the call failed as a forbidden one does.
int refused(long result) {
  if (result >= 0) return 1;
  return errno == EPERM || errno == EACCES || errno == ENOSYS ? 0 : 2;
}

class ConfineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (confined({}, [] { return 0; }) == kHasNoFilter) GTEST_SKIP() << "this kernel has no seccomp";
  }
};

TEST_F(ConfineTest, WhatAReaderNeedsStillWorks) {
  const ScratchFolder folder;
  const auto file = folder.write("a.txt", "text");
  ConfineLimits limits;
  limits.readable = {folder.path().string()};
  EXPECT_EQ(confined(limits,
                     [&] {
                       const int fd = ::open(file.c_str(), O_RDONLY);
                       char byte = 0;
                       if (fd < 0 || ::read(fd, &byte, 1) != 1) return 1;
                       const std::string large(std::size_t{32} << 20, 'x');
                       return large.back() == 'x' ? 0 : 2;
                     }),
            0);
}

TEST_F(ConfineTest, NothingReachesOutOfTheProcess) {
  const ScratchFolder folder;
  const auto file = folder.write("a.txt", "text");
  const std::function<int()> attempts[] = {
      [] { return refused(::socket(AF_INET, SOCK_STREAM, 0)); },
      [] { return refused(::socket(AF_UNIX, SOCK_STREAM, 0)); },
      [] { return refused(::fork()); },
      [] { return refused(::execl("/bin/true", "true", nullptr)); },
      [&] { return refused(::open(file.c_str(), O_WRONLY)); },
      [&] { return refused(::open((folder / "new").c_str(), O_RDWR | O_CREAT, 0600)); },
      [&] { return refused(::unlink(file.c_str())); },
      [&] { return refused(::rename(file.c_str(), (folder / "b").c_str())); },
      [&] { return refused(::mkdir((folder / "c").c_str(), 0700)); },
      [] { return refused(::kill(::getppid(), SIGTERM)); },
      [] { return refused(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)); },
      [] { return refused(::setuid(0) == 0 && ::getuid() != 0 ? 0 : -1); },
      [] {
        void* page =
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return refused(page == MAP_FAILED ? -1 : 0);
      },
      [] {
        const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
        return refused(::setrlimit(RLIMIT_FSIZE, &more));
      },
  };
  ConfineLimits limits;
  limits.readable = {folder.path().string()};
  for (std::size_t i = 0; i < std::size(attempts); ++i)
    EXPECT_EQ(confined(limits, attempts[i]), 0) << "attempt " << i;
}

TEST_F(ConfineTest, OtherFilesCannotBeOpenedWhereTheKernelHasPathRules) {
  const ScratchFolder folder;
  const auto secret = folder.write("secret/key", "text");
  const auto font = folder.write("fonts/a.ttf", "text");
  ConfineLimits limits;
  limits.readable = {(folder / "fonts").string()};
  const int result = confined(
      limits,
      [&] {
        if (::open(font.c_str(), O_RDONLY) < 0) return 3;
        return refused(::open(secret.c_str(), O_RDONLY));
      },
      true);
  if (result == kHasNoPathRules) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(result, 0);
}

TEST_F(ConfineTest, MemoryAndTimeEnd) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "sanitizers reserve more than any limit";
#endif
#endif
  ConfineLimits limits;
  limits.memory_bytes = std::size_t{256} << 20;
  EXPECT_EQ(confined(limits,
                     [] {
                       void* large = ::mmap(nullptr, std::size_t{512} << 20, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                       return large == MAP_FAILED ? 0 : 1;
                     }),
            0);
  limits.cpu_time = std::chrono::seconds(1);
  EXPECT_EQ(confined(limits,
                     [] {
                       for (volatile unsigned i = 0;; i = i + 1) {
                       }
                       return 0;
                     }),
            128 + SIGXCPU);
}

}  // namespace
}  // namespace quintet
