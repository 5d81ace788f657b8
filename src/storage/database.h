#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "storage/connection.h"
#include "storage/migrations.h"

namespace quintet {

class Log;

/// The product's database: one SQLite file in WAL mode with one writing thread and a pool of readers.
///
/// Durability: write() returns after its transaction has committed, so whatever a caller acknowledges
/// afterwards survives a killed process at any moment (SQLite WAL, synchronous=NORMAL; `full_sync` also
/// survives power loss). Writes that arrive together share one commit (group commit), each in its own
/// savepoint, so that one that throws does not undo its neighbours.
///
/// All methods may be called from any thread; callbacks must not call back into the database.
class Database {
 public:
  struct Options {
    std::filesystem::path path;  // created when absent; its folder must exist
    std::size_t n_readers = 4;
    bool full_sync = false;
    std::size_t max_queued_writes = 10'000;
    std::size_t cache_kib = 2048;  // page cache of each connection
  };

  /// Counts since the database was opened.
  struct Stats {
    std::uint64_t n_writes = 0;   // committed
    std::uint64_t n_commits = 0;  // transactions that carried them
    std::uint64_t n_failed = 0;   // writes that threw or whose commit failed
    std::uint64_t n_dropped = 0;  // write_later() calls that found the queue full
    std::size_t n_queued = 0;     // waiting now
  };

  /// Opens and migrates. Throws Unavailable (cannot open, read-only, disk full), CorruptData (not a database,
  /// or its list of tables cannot be read) or Unsupported (written by a newer version) with the path and what
  /// would work.
  Database(const Options& options, std::span<const Migration> migrations, Log& log);
  ~Database();  // finishes every accepted write
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs `work` on a reader: a consistent snapshot. Rethrows what `work` throws. Waits when all readers are
  /// busy.
  void read(const std::function<void(Connection&)>& work) const;

  /// Runs `work` on the writer and returns once committed; rethrows what `work` throws, with its changes
  /// undone. Throws Exhausted when the disk is full and Unavailable when the file cannot be written; both
  /// name the path. Waits when the queue is full.
  void write(const std::function<void(Connection&)>& work);

  /// As write(), without waiting: for telemetry, whose loss is no harm. Dropped (and counted) when the queue
  /// is full; a failure is logged.
  void write_later(std::function<void(Connection&)> work);
  /// Returns when everything accepted before the call has been committed or has failed.
  void flush();

  /// "ok", or the first problems that SQLite's integrity_check finds.
  std::string check_integrity() const;
  const std::filesystem::path& path() const noexcept;
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quintet
