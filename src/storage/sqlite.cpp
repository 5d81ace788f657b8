#include "storage/sqlite.h"

#include <cerrno>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {

namespace {

bool is_disk_full(int code, int system_error) noexcept {
  return (code & 0xFF) == SQLITE_FULL ||
         ((code & 0xFF) == SQLITE_IOERR && (system_error == ENOSPC || system_error == EDQUOT));
}

}  // namespace

void throw_sqlite_error(sqlite3* handle, int code, const std::string& path, std::string_view operation) {
  const int system_error = handle != nullptr ? sqlite3_system_errno(handle) : 0;
  std::string reason = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  // After SQLITE_BUSY and the like errno is whatever happened last; it explains only failed calls to the
  // system.
  const int primary = code & 0xFF;
  if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && system_error != 0)
    reason += cat(" (", errno_text(system_error), ")");
  const std::string what = cat(operation, " ", path, ": ");

  if (is_disk_full(code, system_error))
    throw Exhausted(cat(what, "the disk is full, nothing was changed; free some space and try again"));
  switch (primary) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      throw CorruptData(cat(what, "the file is damaged or is not a quintet database (", reason,
                            "); restore a backup, or move it aside and start with an empty one"));
    case SQLITE_READONLY:
      throw Unavailable(cat(what, "the file or its folder is read-only (", reason,
                            "); make both writable for this user, or choose another QUINTET_HOME"));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      throw Unavailable(cat(what, reason, "; its folder must exist and be writable for this user"));
    case SQLITE_IOERR: throw Unavailable(cat(what, reason, ", nothing was changed; check the disk"));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      throw Unavailable(cat(what, "another process has held the database for too long (", reason,
                            "); try again, or stop the other quintet"));
    case SQLITE_NOMEM: throw Exhausted(cat(what, "out of memory"));
    case SQLITE_TOOBIG: throw Exhausted(cat(what, "a value is larger than the database can store"));
    case SQLITE_INTERRUPT: throw Cancelled(cat(what, "interrupted"));
    case SQLITE_CONSTRAINT:
      switch (code) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID:
        case SQLITE_CONSTRAINT_FOREIGNKEY: throw Conflict(cat(what, reason));
        default: throw InternalError(cat(what, reason));
      }
    default: throw InternalError(cat(what, reason));
  }
}

int run_sql(sqlite3* handle, const char* sql) noexcept {
  return sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
}

SqliteStatement StatementCache::take(const std::string& sql) {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end()) return nullptr;
  const auto entry = found->second;
  SqliteStatement statement = std::move(entry->statement);
  by_sql_.erase(found);
  entries_.erase(entry);
  return statement;
}

void StatementCache::give_back(std::string sql, SqliteStatement statement) noexcept {
  if (by_sql_.contains(sql)) return;  // two were in use at once; one is enough
  entries_.push_front({std::move(sql), std::move(statement)});
  by_sql_.emplace(entries_.front().sql, entries_.begin());
  if (entries_.size() <= kCapacity) return;
  by_sql_.erase(entries_.back().sql);
  entries_.pop_back();
}

}  // namespace quintet
