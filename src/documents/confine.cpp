#include "documents/confine.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/landlock.h>
#include <memory>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {
namespace {

// Sanitizers reserve terabytes of address space, start a thread and need calls of their own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define QN_SANITIZED 1
#endif
#endif
#ifdef QN_SANITIZED
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

/// `grace`: from the limit, where a signal warns, to the one where the kernel ends the process without a
/// word.
void set_limit(int resource, std::string_view name, rlim_t value, rlim_t grace = 0) {
  rlimit limit{};
  rlim_t most = RLIM_INFINITY;
  if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0) most = limit.rlim_max;
  limit.rlim_cur = std::min(value, most);
  limit.rlim_max = std::min(value + grace, most);
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0)
    throw Unavailable(
        cat("confining a reader: the limit on ", name, " could not be set: ", errno_text(errno)));
}

void set_limits(const ConfineLimits& limits) {
  set_limit(RLIMIT_CORE, "core files", 0);
  set_limit(RLIMIT_FSIZE, "written files", limits.file_bytes);
  set_limit(RLIMIT_NOFILE, "open files", static_cast<rlim_t>(limits.n_files));
  set_limit(RLIMIT_MEMLOCK, "locked memory", 0);
  set_limit(RLIMIT_MSGQUEUE, "message queues", 0);
  // Counts the user's processes everywhere and does not bind root: the filter is the wall, this a second one.
  if (!kIsSanitized) set_limit(RLIMIT_NPROC, "processes", 0);
  if (limits.memory_bytes != 0 && !kIsSanitized) set_limit(RLIMIT_AS, "memory", limits.memory_bytes);
  if (limits.cpu_time.count() != 0)
    set_limit(RLIMIT_CPU, "processor time", static_cast<rlim_t>(limits.cpu_time.count()), 5);
}

// ---- Landlock: which paths may be opened

/// Rights over the file system that later kernels added; the headers of the oldest supported system lack
/// them.
constexpr std::uint64_t kAccessRefer = std::uint64_t{1} << 13;        // since ABI 2
constexpr std::uint64_t kAccessTruncate = std::uint64_t{1} << 14;     // since ABI 3
constexpr std::uint64_t kAccessIoctlDevice = std::uint64_t{1} << 15;  // since ABI 5
constexpr std::uint64_t kAccessOfAbi1 = (std::uint64_t{1} << 13) - 1;
constexpr std::uint64_t kNetwork = 3;  // bind and connect by TCP, since ABI 4
constexpr std::uint64_t kScopes = 3;   // abstract sockets and signals, since ABI 6

/// landlock_ruleset_attr as of ABI 6; older kernels take a shorter one.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

/// True when the rules hold; false with `why` when this kernel has none.
bool restrict_paths(const std::vector<std::string>& readable, std::string& why) {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) {
    why = cat("Landlock is not there (", errno_text(errno),
              "): a reader may open any file that its user may read");
    return false;
  }
  RulesetAttributes attributes;
  attributes.handled_access_fs = kAccessOfAbi1;
  if (abi >= 2) attributes.handled_access_fs |= kAccessRefer;
  if (abi >= 3) attributes.handled_access_fs |= kAccessTruncate;
  if (abi >= 5) attributes.handled_access_fs |= kAccessIoctlDevice;
  if (abi >= 4) attributes.handled_access_net = kNetwork;
  if (abi >= 6) attributes.scoped = kScopes;
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const auto ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0));
  if (ruleset < 0) {
    why = cat("Landlock refused its rules: ", errno_text(errno));
    return false;
  }
  for (const std::string& path : readable) {
    const int parent = open(path.c_str(), O_PATH | O_CLOEXEC);
    if (parent < 0) continue;  // what is not there need not be allowed
    struct stat status{};
    landlock_path_beneath_attr rule{};
    rule.parent_fd = parent;
    rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
    if (fstat(parent, &status) == 0 && S_ISDIR(status.st_mode))
      rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(parent);
  }
  const bool holds = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  if (!holds) why = cat("Landlock refused its rules: ", errno_text(errno));
  close(ruleset);
  return holds;
}

// ---- seccomp: which system calls may be made

/// Calls that computing, allocating and reading need, with any arguments. Names a kernel or an architecture
/// lacks are skipped.
constexpr const char* kAllowed[] = {
    // open descriptors
    "read", "write", "readv", "writev", "pread64", "preadv", "lseek", "_llseek", "close", "fstat", "fstat64",
    "dup", "poll", "ppoll", "fadvise64", "getdents64",
    // paths, by name only: what can be opened is another rule
    "stat", "lstat", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2", "readlink",
    "readlinkat", "getcwd",
    // memory
    "brk", "mmap2", "munmap", "mremap", "madvise", "membarrier", "mincore",
    // waiting and time
    "futex", "futex_time64", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday",
    "time", "times", "getrusage", "setitimer", "getitimer", "sched_yield", "sched_getaffinity",
    "restart_syscall",
    // signals within the process
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack", "rt_sigpending",
    // what it is and how it ends
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getpgrp", "uname", "sysinfo",
    "getrandom", "getrlimit", "ugetrlimit", "rseq", "set_robust_list", "get_robust_list", "set_tid_address",
    "arch_prctl", "exit", "exit_group"};

/// Calls whose absence libraries expect and get around.
constexpr const char* kPretendAbsent[] = {"clone3",         "openat2",           "io_uring_setup",
                                          "io_uring_enter", "io_uring_register", "close_range"};

struct FilterCloser {
  void operator()(void* filter) const noexcept { seccomp_release(filter); }
};

class Filter {
 public:
  Filter() : filter_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}

  void add(const char* name, std::uint32_t action, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0 || !filter_) return;  // no such call on this architecture
    const int error = seccomp_rule_add_array(
        filter_.get(), action, number, static_cast<unsigned int>(conditions.size()), conditions.begin());
    // A rule that repeats the default is refused as one that changes nothing.
    if (error != 0 && error != -EACCES && error != -EEXIST) error_ = -error;
  }

  /// True when the filter holds; false with `why` when this kernel has none.
  bool load(std::string& why) {
    if (!filter_ || error_ != 0) {
      why = cat("the filter of system calls could not be made: ", errno_text(error_ == 0 ? ENOMEM : error_));
      return false;
    }
    const int error = seccomp_load(filter_.get());
    if (error == 0) return true;
    why = cat("seccomp is not there (", errno_text(-error), "): a reader may make any system call");
    return false;
  }

 private:
  std::unique_ptr<void, FilterCloser> filter_;
  int error_ = 0;
};

constexpr std::uint32_t kAllow = SCMP_ACT_ALLOW;

constexpr scmp_arg_cmp argument(unsigned int i, scmp_compare compare, scmp_datum_t a, scmp_datum_t b = 0) {
  return {i, compare, a, b};
}

bool filter_calls(std::string& why) {
  Filter filter;
  for (const char* name : kAllowed) filter.add(name, kAllow);
  for (const char* name : kPretendAbsent) filter.add(name, SCMP_ACT_ERRNO(ENOSYS));
  if (kIsSanitized)  // which look through a pipe whether an address can be read
    for (const char* name : {"pipe", "pipe2"}) filter.add(name, kAllow);

  // Opening: for reading only.
  constexpr scmp_datum_t kWriting =
      O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  filter.add("openat", kAllow, {argument(2, SCMP_CMP_MASKED_EQ, kWriting, 0)});
  filter.add("open", kAllow, {argument(1, SCMP_CMP_MASKED_EQ, kWriting, 0)});

  // Descriptors' own flags; no locks, no owners that get signals.
  for (const int command : {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC})
    for (const char* name : {"fcntl", "fcntl64"})
      filter.add(name, kAllow, {argument(1, SCMP_CMP_EQ, static_cast<scmp_datum_t>(command))});

  // Is it a terminal? Nothing else may be asked of a device.
  constexpr scmp_datum_t kTerminalGet = 0x5401;  // TCGETS
  filter.add("ioctl", kAllow, {argument(1, SCMP_CMP_EQ, kTerminalGet)});

  // Memory that is written is not run; shared libraries (character sets) are mapped from files as ever.
  filter.add("mmap", kAllow, {argument(2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0)});
  filter.add("mmap", kAllow, {argument(2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE)});
  filter.add("mmap", kAllow, {argument(2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC)});
  filter.add("mprotect", kAllow, {argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});

  // Its own limits may be read; itself may be signalled, which is how abort() works.
  filter.add("prlimit64", kAllow, {argument(0, SCMP_CMP_EQ, 0), argument(2, SCMP_CMP_EQ, 0)});
  const auto self = static_cast<scmp_datum_t>(getpid());
  for (const char* name : {"kill", "tgkill", "tkill"})
    filter.add(name, kAllow, {argument(0, SCMP_CMP_EQ, self)});
  return filter.load(why);
}

}  // namespace

Confinement confine(const ConfineLimits& limits) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    throw Unavailable(cat("confining a reader: new privileges could not be forbidden: ", errno_text(errno)));
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);  // no other process of this user may look into it
  Confinement confinement;
  std::string why;
  confinement.has_path_rules = restrict_paths(limits.readable, why);
  if (!confinement.has_path_rules) confinement.missing.push_back(std::exchange(why, {}));
  set_limits(limits);  // before the filter, which forbids setting limits
  confinement.has_syscall_filter = filter_calls(why);
  if (!confinement.has_syscall_filter) confinement.missing.push_back(std::move(why));
  return confinement;
}

}  // namespace quintet
