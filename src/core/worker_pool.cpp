#include "core/worker_pool.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <pthread.h>

#include "core/error.h"
#include "core/log.h"

namespace quintet {

/// Shared with every thread, so that the last one out may end after the pool's owner has moved on.
struct WorkerPool::State {
  State(const Options& options_in, Log& log_in) : options(options_in), log(log_in) {}

  const Options options;
  Log& log;
  mutable std::mutex mutex;
  std::condition_variable work_arrived;  // signalled for each task and at the end
  std::condition_variable thread_left;
  std::deque<std::function<void()>> queue;  // guarded by mutex, as is all below
  std::size_t n_threads = 0;
  std::size_t n_idle = 0;
  bool stopping = false;

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      ++n_idle;
      const bool woken =
          work_arrived.wait_for(lock, options.idle_time, [&] { return !queue.empty() || stopping; });
      --n_idle;
      if (queue.empty()) {
        if (woken || stopping || n_threads > 1) break;
        continue;
      }
      auto task = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      run(task);
      task = nullptr;
      lock.lock();
    }
    --n_threads;
    thread_left.notify_all();
  }

  void run(std::function<void()>& task) noexcept {
    try {
      task();
    } catch (const std::exception& error) {
      log.error("a background task failed", {{"error", error.what()}});
    } catch (...) {
      log.error("a background task failed", {{"error", "an exception of an unknown type"}});
    }
  }
};

namespace {

/// std::thread cannot choose its stack size, and 1,000 default stacks are 8 GB of address space.
bool start_detached_thread(std::size_t stack_bytes, std::function<void()> body) {
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int error = pthread_create(
      &thread, &attributes,
      [](void* argument) -> void* {
        const std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()>*>(argument));
        (*run)();
        return nullptr;
      },
      owned.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) return false;
  owned.release();
  return true;
}

}  // namespace

WorkerPool::WorkerPool(const Options& options, Log& log) : state_(std::make_shared<State>(options, log)) {}

WorkerPool::~WorkerPool() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->work_arrived.notify_all();
  state_->thread_left.wait(lock, [&] { return state_->n_threads == 0; });
}

bool WorkerPool::submit(std::function<void()> task) {
  const std::lock_guard lock(state_->mutex);
  if (state_->stopping || state_->queue.size() >= state_->options.max_queued) return false;
  state_->queue.push_back(std::move(task));
  if (state_->queue.size() > state_->n_idle && state_->n_threads < state_->options.max_threads) {
    ++state_->n_threads;
    if (!start_detached_thread(state_->options.stack_bytes, [state = state_] { state->work(); })) {
      --state_->n_threads;
      if (state_->n_threads == 0) {
        state_->queue.pop_back();
        return false;
      }
    }
  }
  state_->work_arrived.notify_one();
  return true;
}

std::size_t WorkerPool::n_threads() const {
  const std::lock_guard lock(state_->mutex);
  return state_->n_threads;
}

std::size_t WorkerPool::n_queued() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

}  // namespace quintet
