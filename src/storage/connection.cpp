#include "storage/connection.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "storage/sqlite.h"

namespace quintet {

namespace {

// How long a statement waits for another process (a CLI beside the server) before it fails.
constexpr std::chrono::milliseconds kBusyTimeout{10'000};
// The write-ahead log is cut to this size after a checkpoint; a big import lets it grow in between.
constexpr int kJournalLimitBytes = 64 << 20;

void check(sqlite3* handle, int code, const std::string& path, std::string_view operation) {
  if (code != SQLITE_OK) throw_sqlite_error(handle, code, path, operation);
}

/// Creates the file readable by its owner alone. Never opens one that exists: closing that descriptor would
/// drop the POSIX locks which another connection of this process holds on the file.
void create_private_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
  } else if (errno == ENOSPC || errno == EDQUOT) {
    throw Exhausted(cat("cannot create the database ", path.string(), ": the disk is full; free some space"));
  } else if (errno != EEXIST) {
    throw Unavailable(cat("cannot create the database ", path.string(), ": ", errno_text(errno),
                          "; its folder must exist and be writable for this user"));
  }
}

/// Changing to WAL needs the file alone for a moment and does not use the busy handler, so two processes that
/// start together meet here.
void enter_wal_mode(sqlite3* handle, const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + kBusyTimeout;
  int code = run_sql(handle, "PRAGMA journal_mode=WAL");
  while ((code & 0xFF) == SQLITE_BUSY && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    code = run_sql(handle, "PRAGMA journal_mode=WAL");
  }
  check(handle, code, path, "cannot open the database");
}

}  // namespace

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

Statement Connection::prepare(std::string_view sql) {
  std::string text(sql);
  SqliteStatement statement = impl_->cache.take(text);
  if (!statement) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(impl_->handle.get(), text.c_str(), static_cast<int>(text.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    statement.reset(raw);
    if (code != SQLITE_OK)
      throw_sqlite_error(impl_->handle.get(), code, impl_->path,
                         cat("cannot prepare \"", truncate_utf8(text, 200), "\" for"));
    QN_CHECK(statement != nullptr);  // an empty text
  }
  return Statement(
      std::unique_ptr<Statement::Impl>(new Statement::Impl{*impl_, std::move(text), std::move(statement)}));
}

void Connection::execute_script(std::string_view sql) {
  const std::string text(sql);
  check(impl_->handle.get(), run_sql(impl_->handle.get(), text.c_str()), impl_->path,
        "cannot run a script on");
}

std::int64_t Connection::n_changed() const {
  return sqlite3_changes64(impl_->handle.get());
}
std::int64_t Connection::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(impl_->handle.get());
}

std::unique_ptr<Connection> open_connection(const ConnectionOptions& options) {
  const std::string path = options.path.string();
  if (options.role == ConnectionRole::writer) create_private_file(options.path);

  // No SQLite mutexes: a connection is used by one thread at a time.
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  constexpr std::string_view kOpening = "cannot open the database";
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, kFlags, nullptr);
  auto impl = std::make_unique<Connection::Impl>();
  impl->handle.reset(raw);
  impl->path = path;
  check(raw, opened, path, kOpening);
  if (sqlite3_db_readonly(raw, "main") == 1)
    throw Unavailable(cat(kOpening, " ", path,
                          ": the file is read-only for this user; make it writable, or choose another "
                          "QUINTET_HOME"));

  sqlite3_busy_timeout(raw, static_cast<int>(kBusyTimeout.count()));
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (options.role == ConnectionRole::writer) enter_wal_mode(raw, path);
  // Reading the schema here finds a file that is no database, before anything else is tried.
  const std::string pragmas = cat(
      "PRAGMA synchronous=", options.full_sync ? "FULL" : "NORMAL",
      ";PRAGMA foreign_keys=ON;PRAGMA temp_store=MEMORY;",
      "PRAGMA trusted_schema=OFF;PRAGMA cell_size_check=ON;PRAGMA journal_size_limit=", kJournalLimitBytes,
      ";PRAGMA wal_autocheckpoint=1000;PRAGMA cache_size=-", options.cache_kib,
      ";SELECT count(*) FROM sqlite_schema;",
      options.role == ConnectionRole::reader ? "PRAGMA query_only=ON;" : "");
  check(raw, run_sql(raw, pragmas.c_str()), path, kOpening);
  return std::make_unique<Connection>(std::move(impl));
}

std::string like_pattern(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace quintet
