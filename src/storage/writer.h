#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "storage/database.h"

namespace quintet {

/// The one thread that writes. Takes all that is queued, runs each job in a savepoint of one transaction,
/// commits, then tells the waiters: with many callers the cost of a commit is shared, with one there is no
/// added wait.
///
/// Invariants:
///  1. A job runs exactly once, in the order of arrival.
///  2. A waiter hears of success only after COMMIT has returned.
///  3. When a transaction is lost (disk full, I/O error) every job that ran in it fails; jobs behind it run
///  in the next.
class Writer {
 public:
  using Work = std::function<void(Connection&)>;

  Writer(std::unique_ptr<Connection> connection, std::size_t max_queued, Log& log);
  ~Writer();  // finishes what is queued
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write(const Work& work);
  void write_later(Work work);
  void flush();
  Database::Stats stats() const;

 private:
  /// Where a caller of write() waits. Its exception is its own: it is made for it and leaves with it.
  struct Waiter {
    std::mutex mutex;
    std::condition_variable completed;
    bool is_complete = false;    // guarded by mutex
    std::exception_ptr failure;  // guarded by mutex
  };
  struct Job {
    const Work* borrowed = nullptr;  // of a waiting caller
    Waiter* waiter = nullptr;        // with `borrowed`
    Work owned;                      // of write_later
    std::exception_ptr failure;      // of the job alone

    void run(Connection& connection) const {
      borrowed != nullptr ? (*borrowed)(connection) : owned(connection);
    }
  };
  /// Why a whole transaction failed.
  struct Loss {
    ErrorCode code;
    std::string message;
  };

  void run();
  std::size_t commit_together(std::span<Job> jobs);
  void run_in_savepoint(Job& job);
  bool transaction_open() const noexcept;
  void execute(const char* sql, std::string_view operation);
  void complete(std::span<Job> jobs, const std::optional<Loss>& loss);

  const std::unique_ptr<Connection> connection_;  // used by the thread only
  const std::size_t max_queued_;
  Log& log_;

  mutable std::mutex mutex_;
  std::condition_variable work_arrived_;
  std::condition_variable space_freed_;
  std::condition_variable batch_completed_;
  std::deque<Job> queue_;  // guarded by mutex_, as is all below
  std::uint64_t n_accepted_ = 0;
  std::uint64_t n_completed_ = 0;
  Database::Stats stats_;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace quintet
