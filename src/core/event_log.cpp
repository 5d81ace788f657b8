#include "core/event_log.h"

#include <algorithm>
#include <utility>

namespace quintet {

void EventLog::append(Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    events_.push_back(std::move(event));
  }
  wake_all();
}

void EventLog::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_all();
}

EventLog::Batch EventLog::read(std::size_t index, std::size_t max_events) const {
  const std::lock_guard lock(mutex_);
  Batch batch;
  const std::size_t first = std::min(index, events_.size());
  const std::size_t last = first + std::min(events_.size() - first, max_events);
  batch.events.assign(events_.begin() + static_cast<std::ptrdiff_t>(first),
                      events_.begin() + static_cast<std::ptrdiff_t>(last));
  batch.closed = closed_ && last == events_.size();
  return batch;
}

std::size_t EventLog::size() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

bool EventLog::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

EventLog::Subscription EventLog::subscribe(std::function<void()> wake) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.push_back({next_listener_, std::move(wake)});
  return {this, next_listener_++};
}

std::size_t EventLog::n_subscribers() const {
  const std::lock_guard lock(listeners_mutex_);
  return listeners_.size();
}

void EventLog::unsubscribe(std::size_t id) {
  const std::lock_guard lock(listeners_mutex_);
  std::erase_if(listeners_, [&](const Listener& listener) { return listener.id == id; });
}

void EventLog::wake_all() {
  const std::lock_guard lock(listeners_mutex_);
  for (const auto& listener : listeners_) listener.wake();
}

EventLog::Subscription::Subscription(Subscription&& other) noexcept
    : log_(std::exchange(other.log_, nullptr)), id_(other.id_) {}

EventLog::Subscription& EventLog::Subscription::operator=(Subscription&& other) noexcept {
  std::swap(log_, other.log_);
  std::swap(id_, other.id_);
  return *this;
}

EventLog::Subscription::~Subscription() {
  if (log_ != nullptr) log_->unsubscribe(id_);
}

}  // namespace quintet
