#include "storage/reader_pool.h"

#include <algorithm>

namespace quintet {

ReaderPool::ReaderPool(ConnectionOptions options, std::size_t n_readers)
    : options_(std::move(options)), n_readers_(std::max<std::size_t>(n_readers, 1)) {
  idle_.reserve(n_readers_);
}

ReaderPool::Lease ReaderPool::acquire() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [&] { return !idle_.empty() || n_open_ < n_readers_; });
  if (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(connection)};
  }
  ++n_open_;
  lock.unlock();
  try {
    return {*this, open_connection(options_)};
  } catch (...) {
    lock.lock();
    --n_open_;
    returned_.notify_one();
    throw;
  }
}

void ReaderPool::give_back(std::unique_ptr<Connection> connection) noexcept {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

}  // namespace quintet
