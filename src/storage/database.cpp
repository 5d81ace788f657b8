#include "storage/database.h"

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/reader_pool.h"
#include "storage/sqlite.h"
#include "storage/writer.h"

namespace quintet {

namespace {

std::unique_ptr<Connection> open_and_migrate(const Database::Options& options,
                                             std::span<const Migration> migrations) {
  auto connection =
      open_connection({options.path, ConnectionRole::writer, options.full_sync, options.cache_kib});
  migrate(*connection, migrations);
  return connection;
}

/// Ends the reading transaction; there is nothing to keep, so how it ends does not matter.
class Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection) {
    connection.execute("BEGIN DEFERRED");
  }
  ~Snapshot() { run_sql(connection_.impl().handle.get(), "ROLLBACK"); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Connection& connection_;
};

}  // namespace

struct Database::Impl {
  Impl(const Options& options, std::span<const Migration> migrations, Log& log)
      : path(options.path),
        readers({options.path, ConnectionRole::reader, options.full_sync, options.cache_kib},
                options.n_readers),
        writer(open_and_migrate(options, migrations), options.max_queued_writes, log) {}

  const std::filesystem::path path;
  ReaderPool readers;
  Writer writer;
};

Database::Database(const Options& options, std::span<const Migration> migrations, Log& log)
    : impl_(std::make_unique<Impl>(options, migrations, log)) {}
Database::~Database() = default;

void Database::read(const std::function<void(Connection&)>& work) const {
  const ReaderPool::Lease lease = impl_->readers.acquire();
  const Snapshot snapshot(lease.connection());
  work(lease.connection());
}

void Database::write(const std::function<void(Connection&)>& work) {
  impl_->writer.write(work);
}
void Database::write_later(std::function<void(Connection&)> work) {
  impl_->writer.write_later(std::move(work));
}
void Database::flush() {
  impl_->writer.flush();
}

std::string Database::check_integrity() const {
  std::string problems;
  try {
    read([&](Connection& connection) {
      Statement check = connection.prepare("PRAGMA integrity_check(20)");
      while (check.step()) problems += cat(problems.empty() ? "" : "; ", check.text(0));
      Statement foreign_keys = connection.prepare("PRAGMA foreign_key_check");
      if (foreign_keys.step())
        problems +=
            cat("; a row of ", foreign_keys.text(0), " refers to a missing row of ", foreign_keys.text(2));
    });
  } catch (const CorruptData& error) {
    return error.what();
  }
  return problems;
}

const std::filesystem::path& Database::path() const noexcept {
  return impl_->path;
}
Database::Stats Database::stats() const {
  return impl_->writer.stats();
}

}  // namespace quintet
