#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/sqlite.h"

namespace quintet {

/// Connections for reading, opened when first needed and kept. acquire() may be called from any thread and
/// waits while all `n_readers` are out.
class ReaderPool {
 public:
  ReaderPool(ConnectionOptions options, std::size_t n_readers);

  /// A connection on loan; returned when dropped.
  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    ~Lease() { pool_.give_back(std::move(connection_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Connection& connection() const noexcept { return *connection_; }

   private:
    ReaderPool& pool_;
    std::unique_ptr<Connection> connection_;
  };
  Lease acquire();

 private:
  void give_back(std::unique_ptr<Connection> connection) noexcept;

  const ConnectionOptions options_;
  const std::size_t n_readers_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_; the warmest is last
  std::size_t n_open_ = 0;                         // guarded by mutex_
};

}  // namespace quintet
