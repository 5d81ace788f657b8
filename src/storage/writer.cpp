#include "storage/writer.h"

#include <algorithm>
#include <exception>
#include <iterator>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/sqlite.h"

namespace quintet {

namespace {

// A bound on how long the first of a batch waits for the last. Beyond some hundred, sharing a commit gains
// nothing.
constexpr std::size_t kMaxJobsPerCommit = 512;

std::exception_ptr to_exception(ErrorCode code, const std::string& message) {
  switch (code) {
    case ErrorCode::exhausted: return std::make_exception_ptr(Exhausted(message));
    case ErrorCode::corrupt_data: return std::make_exception_ptr(CorruptData(message));
    case ErrorCode::conflict: return std::make_exception_ptr(Conflict(message));
    case ErrorCode::unavailable: return std::make_exception_ptr(Unavailable(message));
    default: return std::make_exception_ptr(InternalError(message));
  }
}

std::string message_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace

Writer::Writer(std::unique_ptr<Connection> connection, std::size_t max_queued, Log& log)
    : connection_(std::move(connection)), max_queued_(std::max<std::size_t>(max_queued, 1)), log_(log) {
  thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_arrived_.notify_one();
  thread_.join();
}

void Writer::write(const Work& work) {
  if (std::this_thread::get_id() == thread_.get_id())
    throw InternalError("storage: a write called the database again; it would wait for itself");
  Waiter waiter;
  {
    std::unique_lock lock(mutex_);
    space_freed_.wait(lock, [&] { return queue_.size() < max_queued_; });
    Job& job = queue_.emplace_back();
    job.borrowed = &work;
    job.waiter = &waiter;
    ++n_accepted_;
  }
  work_arrived_.notify_one();
  std::unique_lock lock(waiter.mutex);
  waiter.completed.wait(lock, [&] { return waiter.is_complete; });
  if (waiter.failure) std::rethrow_exception(std::move(waiter.failure));
}

void Writer::write_later(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= max_queued_) {
      ++stats_.n_dropped;
      return;
    }
    queue_.emplace_back().owned = std::move(work);
    ++n_accepted_;
  }
  work_arrived_.notify_one();
}

void Writer::flush() {
  if (std::this_thread::get_id() == thread_.get_id())
    throw InternalError("storage: a write called the database again; it would wait for itself");
  std::unique_lock lock(mutex_);
  const std::uint64_t target = n_accepted_;
  batch_completed_.wait(lock, [&] { return n_completed_ >= target; });
}

Database::Stats Writer::stats() const {
  const std::lock_guard lock(mutex_);
  Database::Stats stats = stats_;
  stats.n_queued = queue_.size();
  return stats;
}

void Writer::run() {
  std::vector<Job> batch;
  std::unique_lock lock(mutex_);
  for (;;) {
    work_arrived_.wait(lock, [&] { return !queue_.empty() || stopping_; });
    if (queue_.empty()) return;
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMaxJobsPerCommit));
    batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    lock.unlock();
    space_freed_.notify_all();

    for (std::span<Job> rest = batch; !rest.empty();) rest = rest.subspan(commit_together(rest));
    const std::size_t n_jobs = batch.size();
    batch.clear();  // what the jobs own goes now, not with the next batch

    lock.lock();
    n_completed_ += n_jobs;
    batch_completed_.notify_all();
  }
}

/// Runs and commits jobs from the front; returns how many are done with, well or not.
std::size_t Writer::commit_together(std::span<Job> jobs) {
  std::size_t n_run = 0;
  std::optional<Loss> loss;
  try {
    execute("BEGIN IMMEDIATE", "cannot begin a write to");
    while (n_run < jobs.size()) run_in_savepoint(jobs[n_run++]);
    execute("COMMIT", "cannot write to");
  } catch (const Error& error) {
    loss = Loss{error.code(), error.what()};
  } catch (const std::exception& error) {
    loss = Loss{ErrorCode::internal, error.what()};
  }
  if (loss) {
    if (transaction_open()) run_sql(connection_->impl().handle.get(), "ROLLBACK");
    // BEGIN failed, after waiting for its turn; waiting again for each job would add up.
    if (n_run == 0) n_run = jobs.size();
  }
  complete(jobs.first(n_run), loss);
  return n_run;
}

/// A failure of the job alone is kept in the job; one that cost the transaction is thrown.
void Writer::run_in_savepoint(Job& job) {
  execute("SAVEPOINT job", "cannot write to");
  try {
    job.run(*connection_);
  } catch (...) {
    job.failure = std::current_exception();
  }
  // SQLite itself rolls back the whole transaction after some errors (disk full, I/O), also when the job hid
  // them.
  if (!transaction_open()) {
    const Connection::Impl& connection = connection_->impl();
    const int code = sqlite3_extended_errcode(connection.handle.get());
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
      throw_sqlite_error(connection.handle.get(), code, connection.path, "cannot write to");
    throw Unavailable(cat("cannot write to ", connection.path, ": the transaction was rolled back"));
  }
  if (job.failure) execute("ROLLBACK TO job", "cannot undo a write to");
  execute("RELEASE job", "cannot write to");
}

bool Writer::transaction_open() const noexcept {
  return sqlite3_get_autocommit(connection_->impl().handle.get()) == 0;
}

void Writer::execute(const char* sql, std::string_view operation) {
  Connection::Impl& connection = connection_->impl();
  const int code = run_sql(connection.handle.get(), sql);
  if (code != SQLITE_OK) throw_sqlite_error(connection.handle.get(), code, connection.path, operation);
}

void Writer::complete(std::span<Job> jobs, const std::optional<Loss>& loss) {
  std::size_t n_failed = 0;
  std::size_t n_unheard = 0;  // failures that nobody waits for
  std::string unheard;
  for (Job& job : jobs) {
    if (!job.failure && loss) job.failure = to_exception(loss->code, loss->message);
    if (!job.failure) continue;
    ++n_failed;
    if (job.waiter != nullptr) continue;
    ++n_unheard;
    unheard = loss ? loss->message : message_of(job.failure);
  }
  {
    const std::lock_guard lock(mutex_);
    if (!loss) ++stats_.n_commits;
    stats_.n_failed += n_failed;
    stats_.n_writes += jobs.size() - n_failed;
  }
  if (n_unheard > 0) log_.warning("background writes failed", {{"n", n_unheard}, {"error", unheard}});
  for (Job& job : jobs) {
    if (job.waiter == nullptr) continue;
    // Notified under the lock: the waiter and its mutex are gone as soon as it can take it.
    const std::lock_guard lock(job.waiter->mutex);
    job.waiter->failure = std::move(job.failure);
    job.waiter->is_complete = true;
    job.waiter->completed.notify_one();
  }
}

}  // namespace quintet
