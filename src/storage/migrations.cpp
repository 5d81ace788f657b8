#include "storage/migrations.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "core/time.h"
#include "storage/sqlite.h"

namespace quintet {

namespace {

int stored_version(Connection& connection, std::string_view component) {
  Statement statement = connection.prepare("SELECT max(version) FROM schema_migrations WHERE component = ?");
  statement.bind(component);
  statement.step();
  return static_cast<int>(statement.integer(0));
}

/// The steps of each component in the order in which the components first appear.
std::vector<std::vector<Migration>> by_component(std::span<const Migration> migrations) {
  std::vector<std::vector<Migration>> components;
  for (const Migration& migration : migrations) {
    const auto same = [&](const auto& steps) { return steps.front().component == migration.component; };
    auto found = std::find_if(components.begin(), components.end(), same);
    if (found == components.end()) found = components.insert(components.end(), std::vector<Migration>{});
    found->push_back(migration);
  }
  for (auto& steps : components) {
    std::sort(steps.begin(), steps.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (steps[i].version != static_cast<int>(i) + 1)
        throw InternalError(cat("migrations of ", steps[i].component, " must be numbered 1, 2, 3 …; number ",
                                i + 1, " is missing or doubled"));
  }
  return components;
}

class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {
    connection.execute("BEGIN IMMEDIATE");
  }
  ~Transaction() {
    if (sqlite3* const handle = connection_.impl().handle.get(); sqlite3_get_autocommit(handle) == 0)
      run_sql(handle, "ROLLBACK");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() { connection_.execute("COMMIT"); }

 private:
  Connection& connection_;
};

void apply(Connection& connection, const Migration& step) {
  Transaction transaction(connection);
  // Asked again inside the transaction: another process may have migrated in the meantime.
  if (stored_version(connection, step.component) >= step.version) return;
  try {
    connection.execute_script(step.sql);
  } catch (const InternalError& error) {
    throw InternalError(cat("migration ", step.component, " ", step.version, ": ", error.what()));
  }
  connection.execute("INSERT INTO schema_migrations(component, version, applied_at) VALUES (?, ?, ?)",
                     step.component, step.version, now_ms());
  transaction.commit();
}

}  // namespace

void migrate(Connection& connection, std::span<const Migration> migrations) {
  const auto components = by_component(migrations);
  connection.execute(
      "CREATE TABLE IF NOT EXISTS schema_migrations("
      "component TEXT NOT NULL, version INTEGER NOT NULL, applied_at INTEGER NOT NULL, "
      "PRIMARY KEY(component, version)) WITHOUT ROWID");
  for (const auto& steps : components) {
    const std::string_view component = steps.front().component;
    const int stored = stored_version(connection, component);
    if (stored > steps.back().version)
      throw Unsupported(cat("cannot open the database ", connection.impl().path,
                            ": a newer quintet wrote it (", component, " version ", stored,
                            ", this one knows up to ", steps.back().version,
                            "); use that quintet, or choose another QUINTET_HOME"));
  }
  for (const auto& steps : components)
    for (const Migration& step : steps)
      if (stored_version(connection, step.component) < step.version) apply(connection, step);
}

}  // namespace quintet
