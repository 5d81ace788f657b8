#include "core/thread_team.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace quintet {

namespace {

// A decode step leaves gaps of some ten microseconds between loops (sampling, sending a token); beyond that,
// sleep.
constexpr std::chrono::microseconds kSpin{50};

void pause_briefly() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

/// Spins until `done()` or until the time is over.
template <typename Done>
bool spin_until(const Done& done) noexcept {
  for (int i = 0; i < 200; ++i) {
    if (done()) return true;
    pause_briefly();
  }
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 50; ++i) {
      if (done()) return true;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

}  // namespace

ThreadTeam::ThreadTeam(std::size_t n_threads) {
  if (n_threads == 0) n_threads = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t thread = 1; thread < n_threads; ++thread)
    helpers_.emplace_back([this, thread] { help(thread); });
}

ThreadTeam::~ThreadTeam() {
  is_stopping_.store(true);
  round_.fetch_add(1);
  round_.notify_all();
}

void ThreadTeam::run(std::size_t n_tasks, Call call, const void* body) {
  call_ = call;
  body_ = body;
  n_tasks_ = n_tasks;
  next_task_.store(0, std::memory_order_relaxed);
  n_busy_.store(helpers_.size(), std::memory_order_relaxed);
  round_.fetch_add(1);  // sequentially consistent: either we see the sleeper or it sees the round
  if (n_asleep_.load() > 0) round_.notify_all();
  work(0);
  // Processors may be shared with others: yield when a helper that holds the last task does not run.
  if (!spin_until([this] { return n_busy_.load(std::memory_order_acquire) == 0; }))
    while (n_busy_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

void ThreadTeam::work(std::size_t thread) noexcept {
  for (;;) {
    const std::size_t task = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (task >= n_tasks_) return;
    call_(body_, task, thread);
  }
}

void ThreadTeam::help(std::size_t thread) {
  std::uint32_t seen = 0;
  for (;;) {
    if (!spin_until([&] { return round_.load(std::memory_order_acquire) != seen; })) {
      n_asleep_.fetch_add(1);
      round_.wait(seen);
      n_asleep_.fetch_sub(1);
    }
    seen = round_.load(std::memory_order_acquire);
    if (is_stopping_.load()) return;
    work(thread);
    n_busy_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace quintet
