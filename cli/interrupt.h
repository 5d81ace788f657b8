#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace quintet::cli {

/// Ctrl-C for commands that run for a while: the first asks the work to stop, a second one ends the program.
/// Made before any other thread, so that all inherit the blocked signals.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Stopped by the next Ctrl-C. After renew(), a token of new work.
  std::stop_token token() const;
  void renew();
  /// While set, Ctrl-C calls this and stops nothing: at a prompt there is nothing to stop.
  void set_idle_action(std::function<void()> action);

 private:
  mutable std::mutex mutex_;
  std::stop_source source_;            // guarded by mutex_
  std::function<void()> idle_action_;  // guarded by mutex_
  std::jthread waiter_;
};

}  // namespace quintet::cli
