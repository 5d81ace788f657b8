#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace quintet {

class Log;

/// Runs plain blocking tasks. Threads are started when all are busy, up to `max_threads`, and leave after a
/// time without work: most tasks of a gateway wait for a peer, so their number follows the load, not the
/// cores.
///
/// submit() may be called from any thread, tasks included. When every thread is busy and `max_queued` tasks
/// wait, submit() returns false and the caller tells its client to come back (a bound that is reached is
/// said, not hidden).
class WorkerPool {
 public:
  struct Options {
    std::size_t max_threads = 64;
    std::size_t max_queued = 4096;
    std::chrono::milliseconds idle_time{10'000};
    std::size_t stack_bytes = 1024 * 1024;
  };

  WorkerPool(const Options& options, Log& log);
  ~WorkerPool();  // runs what is queued, then joins
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False when the queue is full, and for tasks that submit while the pool is being destroyed.
  /// An exception that leaves `task` is logged as an error; nothing else sees it.
  [[nodiscard]] bool submit(std::function<void()> task);

  std::size_t n_threads() const;
  std::size_t n_queued() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace quintet
