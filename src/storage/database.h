#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

class Log;

/// One step in the history of a component's tables. Steps run once, in order, each in a transaction; a
/// released step is never edited. `component` keeps the histories of telemetry, keys and applications apart.
struct Migration {
  std::string_view component;
  int version = 0;  // 1, 2, 3 … within the component
  std::string_view sql;
};

/// A prepared statement, bound and stepped on the connection that made it. Parameters count from 1, columns
/// from 0. Not thread-safe; used inside one read() or write().
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  /// Binds in order: strings (as text), integers, doubles, bools, std::nullopt and optionals of these.
  template <typename... Ts>
  Statement& bind(const Ts&... values) {
    int index = 1;
    (bind_one(index++, values), ...);
    return *this;
  }
  void bind_text(int index, std::string_view text);
  void bind_blob(int index, std::string_view bytes);
  void bind_int(int index, std::int64_t value);
  void bind_double(int index, double value);
  void bind_null(int index);

  /// True while there is a row.
  bool step();
  /// Steps to the end; for statements without rows. Resets, so that the statement can be bound again.
  void run();
  void reset();

  std::string text(int column) const;
  std::string blob(int column) const;
  std::int64_t integer(int column) const;
  double number(int column) const;
  bool is_null(int column) const;
  std::optional<std::string> optional_text(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;

 private:
  friend class Connection;
  struct Impl;
  explicit Statement(std::unique_ptr<Impl> impl);

  void bind_one(int index, std::nullopt_t) { bind_null(index); }
  void bind_one(int index, bool value) { bind_int(index, value ? 1 : 0); }
  void bind_one(int index, double value) { bind_double(index, value); }
  void bind_one(int index, const char* value) { bind_text(index, value); }
  void bind_one(int index, std::string_view value) { bind_text(index, value); }
  void bind_one(int index, const std::string& value) { bind_text(index, value); }
  template <typename T>
    requires std::is_integral_v<T>
  void bind_one(int index, T value) {
    bind_int(index, static_cast<std::int64_t>(value));
  }
  template <typename T>
  void bind_one(int index, const std::optional<T>& value) {
    if (value) {
      bind_one(index, *value);
    } else {
      bind_null(index);
    }
  }

  std::unique_ptr<Impl> impl_;
};

/// One database connection, used by one thread at a time. Prepared statements are cached by their text.
class Connection {
 public:
  Statement prepare(std::string_view sql);
  /// prepare + bind + run.
  template <typename... Ts>
  void execute(std::string_view sql, const Ts&... values) {
    Statement statement = prepare(sql);
    statement.bind(values...);
    statement.run();
  }
  /// Several statements separated by semicolons, no parameters.
  void execute_script(std::string_view sql);
  std::int64_t n_changed() const;
  std::int64_t last_insert_rowid() const;

  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 private:
  friend class Statement;
  std::unique_ptr<Impl> impl_;
};

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

  /// Opens and migrates. Throws Unavailable (cannot open, read-only, disk full), CorruptData (not a database,
  /// fails its check) or Unsupported (written by a newer version) with the path and what would work.
  Database(const Options& options, std::span<const Migration> migrations, Log& log);
  ~Database();  // finishes every accepted write
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs `work` on a reader: a consistent snapshot. Rethrows what `work` throws.
  void read(const std::function<void(Connection&)>& work) const;

  /// Runs `work` on the writer and returns once committed; rethrows what `work` throws, with its changes
  /// undone. Throws Exhausted when the disk is full and Unavailable when the file cannot be written; both
  /// name the path.
  void write(const std::function<void(Connection&)>& work);

  /// As write(), without waiting: for telemetry, whose loss is no harm. Dropped (and counted) when the queue
  /// is full; a failure is logged.
  void write_later(std::function<void(Connection&)> work);
  /// Returns when everything accepted before the call has been committed or has failed.
  void flush();

  /// "ok", or the first problems that SQLite's integrity_check finds.
  std::string check_integrity() const;
  const std::filesystem::path& path() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quintet
