#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace quintet {

/// What a reader process may use. A hostile file that takes it over gets no more.
struct ConfineLimits {
  std::size_t memory_bytes = std::size_t{2} << 30;  // of address space; 0 = no limit
  std::chrono::seconds cpu_time{3600};              // then the kernel ends the process; 0 = no limit
  std::size_t file_bytes = 0;                       // that may be written to a file; pipes are not counted
  int n_files = 64;                                 // open at once
  std::vector<std::string> readable;                // files and folders (with all below) that it may open
};

/// Which of the walls stand; the others are what this kernel lacks.
struct Confinement {
  bool has_syscall_filter = false;
  bool has_path_rules = false;
  std::vector<std::string> missing;  // a sentence each, for the log
};

/// Confines this process, for good: called once by a reader on itself, before it looks at its input, when it
/// has a single thread and every descriptor that it needs is open.
///
/// Afterwards it can compute, allocate up to the limit, read and write open descriptors and open files below
/// `readable` for reading. It cannot start processes, threads or programs, open sockets, write files, trace
/// or signal others, or gain privileges: such calls fail with EPERM (ENOSYS where libraries then fall back).
/// Limits and no-new-privileges always hold or Unavailable is thrown; the filter (seccomp) and the path rules
/// (Landlock) are left out where the kernel has none.
///
/// It is also ended by the kernel when the thread that started it ends.
Confinement confine(const ConfineLimits& limits);

}  // namespace quintet
