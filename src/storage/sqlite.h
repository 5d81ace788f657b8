#pragma once

// Inside this folder only: what the .cpp files share about SQLite's C API.

#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sqlite3.h>

#include "storage/connection.h"

namespace quintet {

struct CloseSqlite {
  void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
};
struct FinalizeSqlite {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using SqliteHandle = std::unique_ptr<sqlite3, CloseSqlite>;
using SqliteStatement = std::unique_ptr<sqlite3_stmt, FinalizeSqlite>;

/// Throws the Error that an extended result code means. `operation` says what was being done.
[[noreturn]] void throw_sqlite_error(sqlite3* handle, int code, const std::string& path,
                                     std::string_view operation);

/// Prepared statements not in use now, least recently used last. A statement in use is not in here, so that
/// the same text can be prepared twice at once.
class StatementCache {
 public:
  static constexpr std::size_t kCapacity = 64;

  /// Null when there is none for `sql`.
  SqliteStatement take(const std::string& sql);
  void give_back(std::string sql, SqliteStatement statement) noexcept;

 private:
  struct Entry {
    std::string sql;
    SqliteStatement statement;
  };
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_sql_;  // keys point into entries_
};

struct Connection::Impl {
  SqliteHandle handle;  // closed last: the statements below belong to it
  std::string path;
  StatementCache cache;
};

struct Statement::Impl {
  Connection::Impl& connection;
  std::string sql;
  SqliteStatement statement;

  ~Impl();
  void check(int code, std::string_view operation) const;
};

enum class ConnectionRole { writer, reader };
struct ConnectionOptions {
  std::filesystem::path path;
  ConnectionRole role = ConnectionRole::reader;
  bool full_sync = false;
  std::size_t cache_kib = 2048;
};

/// Opens with every pragma set. Throws as Database's constructor.
std::unique_ptr<Connection> open_connection(const ConnectionOptions& options);

/// Runs one statement without values; returns SQLite's result code instead of throwing.
int run_sql(sqlite3* handle, const char* sql) noexcept;

}  // namespace quintet
