#include "interrupt.h"

#include <csignal>
#include <cstdlib>

namespace quintet::cli {

namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this](std::stop_token done) {
    const sigset_t waited = stop_signals();
    while (!done.stop_requested()) {
      const int signal = sigwaitinfo(&waited, nullptr);
      if (signal <= 0 || done.stop_requested()) continue;
      const std::lock_guard lock(mutex_);
      if (signal == SIGINT && idle_action_) {
        idle_action_();
      } else if (source_.stop_requested()) {
        std::_Exit(130);
      } else {
        source_.request_stop();
      }
    }
  });
}

Interrupt::~Interrupt() {
  waiter_.request_stop();
  pthread_kill(waiter_.native_handle(), SIGTERM);  // wakes that thread alone, which looks why
}

std::stop_token Interrupt::token() const {
  const std::lock_guard lock(mutex_);
  return source_.get_token();
}

void Interrupt::renew() {
  const std::lock_guard lock(mutex_);
  source_ = std::stop_source();
}

void Interrupt::set_idle_action(std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  idle_action_ = std::move(action);
}

}  // namespace quintet::cli
