#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace quintet {

/// An append-only list of small texts with one writer and any number of readers, each at its own place: how a
/// streaming answer reaches several browsers, one of which may be slow, gone for a while, or coming back.
///
/// The writer never waits for a reader, so the bound on memory is the bound on the answer. append() and
/// close() may be called by one thread while any threads read; listeners run on the writer's thread and must
/// only post.
class EventLog {
 public:
  struct Event {
    std::string type;  // SSE "event:" field
    std::string data;  // SSE "data:" field, usually JSON
  };
  struct Batch {
    std::vector<Event> events;  // from the asked index on
    bool closed = false;        // nothing will follow these
  };

  /// Events are numbered from 0 in order of arrival. Ignored once closed.
  void append(Event event);
  void close();

  /// What is there from `index` on, at most `max_events`. `closed` is true only when these are the last.
  Batch read(std::size_t index, std::size_t max_events = 256) const;
  std::size_t size() const;
  bool closed() const;

  /// Calls `wake` after each append and at the end until the returned handle is dropped; dropping waits for a
  /// call in progress.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(EventLog* log, std::size_t id) : log_(log), id_(id) {}
    Subscription(Subscription&& other) noexcept;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    EventLog* log_ = nullptr;
    std::size_t id_ = 0;
  };
  Subscription subscribe(std::function<void()> wake);
  std::size_t n_subscribers() const;

 private:
  void unsubscribe(std::size_t id);
  void wake_all();

  mutable std::mutex mutex_;
  std::vector<Event> events_;  // guarded by mutex_
  bool closed_ = false;        // guarded by mutex_
  struct Listener {
    std::size_t id;
    std::function<void()> wake;
  };
  mutable std::mutex listeners_mutex_;
  std::vector<Listener> listeners_;  // guarded by listeners_mutex_
  std::size_t next_listener_ = 1;
};

}  // namespace quintet
