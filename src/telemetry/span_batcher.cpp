#include "telemetry/span_batcher.h"

#include <algorithm>
#include <iterator>

namespace quintet {

SpanBatcher::SpanBatcher(const Options& options, Deliver deliver)
    : options_(options), deliver_(std::move(deliver)), thread_([this](std::stop_token stop) { run(stop); }) {}

SpanBatcher::~SpanBatcher() {
  thread_.request_stop();
  thread_.join();
}

void SpanBatcher::add(SpanRecord span) noexcept {
  bool wakes =
      false;  // the thread sleeps without a clock while there is nothing, then until the batch is full
  {
    const std::lock_guard lock(mutex_);
    if (buffer_.size() >= options_.max_buffered) {
      ++n_dropped_;
      return;
    }
    buffer_.push_back(std::move(span));
    ++n_added_;
    wakes = buffer_.size() == 1 || buffer_.size() == options_.batch_size;
  }
  if (wakes) wake_.notify_one();
}

void SpanBatcher::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = n_added_;
  if (n_delivered_ >= target) return;
  flush_asked_ = true;
  wake_.notify_one();
  delivered_.wait(lock, [&] { return n_delivered_ >= target; });
}

std::uint64_t SpanBatcher::n_dropped() const {
  const std::lock_guard lock(mutex_);
  return n_dropped_;
}

void SpanBatcher::run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, stop, [&] { return flush_asked_ || !buffer_.empty(); });
    wake_.wait_for(lock, stop, options_.interval,
                   [&] { return flush_asked_ || buffer_.size() >= options_.batch_size; });
    if (buffer_.empty()) {
      flush_asked_ = false;
      if (stop.stop_requested()) return;
      continue;
    }
    const std::size_t n = std::min(buffer_.size(), options_.batch_size);
    const auto end = buffer_.begin() + static_cast<std::ptrdiff_t>(n);
    std::vector<SpanRecord> batch(std::make_move_iterator(buffer_.begin()), std::make_move_iterator(end));
    buffer_.erase(buffer_.begin(), end);
    lock.unlock();
    deliver_(std::move(batch), stop);
    lock.lock();
    n_delivered_ += n;
    delivered_.notify_all();
  }
}

}  // namespace quintet
