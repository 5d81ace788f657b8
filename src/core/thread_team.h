#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace quintet {

/// A fixed set of threads that do one loop together, thousands of times per second: the caller is one of
/// them, starting and ending a loop costs well below a microsecond while they are awake. Helpers spin for a
/// short while after each loop and then sleep until the next. For tasks that wait (files, sockets),
/// WorkerPool is the right one.
///
/// One loop runs at a time: for_each() is called by one thread at a time.
class ThreadTeam {
 public:
  /// `n_threads` counts the caller; 0 means one for each processor.
  explicit ThreadTeam(std::size_t n_threads = 0);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  std::size_t size() const noexcept { return helpers_.size() + 1; }

  /// Calls `body(task, thread)` for each task of [0, n_tasks), 0 <= thread < size(); a thread takes the next
  /// task when it is done with one. Returns when all are done. `body` must not throw: compute, don't
  /// validate.
  template <typename Body>
  void for_each(std::size_t n_tasks, const Body& body) {
    if (n_tasks == 0) return;
    if (helpers_.empty() || n_tasks == 1) {
      for (std::size_t task = 0; task < n_tasks; ++task) body(task, std::size_t{0});
      return;
    }
    run(
        n_tasks,
        [](const void* b, std::size_t task, std::size_t thread) {
          (*static_cast<const Body*>(b))(task, thread);
        },
        &body);
  }

 private:
  using Call = void (*)(const void* body, std::size_t task, std::size_t thread);

  void run(std::size_t n_tasks, Call call, const void* body);
  void help(std::size_t thread);
  void work(std::size_t thread) noexcept;

  std::vector<std::jthread> helpers_;
  // The loop in hand, written before `round_` is raised and read after it was seen to have risen.
  Call call_ = nullptr;
  const void* body_ = nullptr;
  std::size_t n_tasks_ = 0;
  alignas(64) std::atomic<std::size_t> next_task_{0};
  alignas(64) std::atomic<std::uint32_t> round_{0};
  alignas(64) std::atomic<std::size_t> n_busy_{0};  // helpers that are not done with this round
  std::atomic<std::uint32_t> n_asleep_{0};
  std::atomic<bool> is_stopping_{false};
};

}  // namespace quintet
