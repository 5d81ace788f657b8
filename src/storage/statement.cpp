#include "core/error.h"
#include "core/text.h"
#include "storage/sqlite.h"

namespace quintet {

namespace {

/// SQLite takes a null pointer for NULL; an empty text is a text.
const char* bytes_of(std::string_view text) noexcept {
  return text.data() != nullptr ? text.data() : "";
}

}  // namespace

Statement::Impl::~Impl() {
  if (!statement) return;
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  connection.cache.give_back(std::move(sql), std::move(statement));
}

void Statement::Impl::check(int code, std::string_view operation) const {
  if (code == SQLITE_OK) return;
  throw_sqlite_error(connection.handle.get(), sqlite3_extended_errcode(connection.handle.get()),
                     connection.path, operation);
}

Statement::Statement(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

// SQLITE_TRANSIENT: SQLite copies, because the caller's temporary is gone by the time of step().
void Statement::bind_text(int index, std::string_view text) {
  impl_->check(sqlite3_bind_text64(impl_->statement.get(), index, bytes_of(text), text.size(),
                                   SQLITE_TRANSIENT, SQLITE_UTF8),
               "cannot bind a text to a statement of");
}

void Statement::bind_blob(int index, std::string_view bytes) {
  impl_->check(
      sqlite3_bind_blob64(impl_->statement.get(), index, bytes_of(bytes), bytes.size(), SQLITE_TRANSIENT),
      "cannot bind bytes to a statement of");
}

void Statement::bind_int(int index, std::int64_t value) {
  impl_->check(sqlite3_bind_int64(impl_->statement.get(), index, value),
               "cannot bind a number to a statement of");
}

void Statement::bind_double(int index, double value) {
  impl_->check(sqlite3_bind_double(impl_->statement.get(), index, value),
               "cannot bind a number to a statement of");
}

void Statement::bind_null(int index) {
  impl_->check(sqlite3_bind_null(impl_->statement.get(), index), "cannot bind NULL to a statement of");
}

bool Statement::step() {
  const int code = sqlite3_step(impl_->statement.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* const handle = impl_->connection.handle.get();
  const bool reads = sqlite3_stmt_readonly(impl_->statement.get()) != 0;
  throw_sqlite_error(handle, sqlite3_extended_errcode(handle), impl_->connection.path,
                     reads ? "cannot read from" : "cannot write to");
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  // Its result repeats the last step()'s failure, which has been thrown already.
  sqlite3_reset(impl_->statement.get());
}

std::string Statement::text(int column) const {
  const auto* const bytes = sqlite3_column_text(impl_->statement.get(), column);
  if (bytes == nullptr) return {};
  const int size = sqlite3_column_bytes(impl_->statement.get(), column);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::string Statement::blob(int column) const {
  const void* const bytes = sqlite3_column_blob(impl_->statement.get(), column);
  if (bytes == nullptr) return {};
  const int size = sqlite3_column_bytes(impl_->statement.get(), column);
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(impl_->statement.get(), column);
}
double Statement::number(int column) const {
  return sqlite3_column_double(impl_->statement.get(), column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(impl_->statement.get(), column) == SQLITE_NULL;
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<double> Statement::optional_number(int column) const {
  if (is_null(column)) return std::nullopt;
  return number(column);
}

}  // namespace quintet
