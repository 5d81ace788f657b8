#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace quintet {

/// A prepared statement, bound and stepped on the connection that made it. Parameters count from 1, columns
/// from 0. Not thread-safe; used inside one read() or write() and gone when that returns.
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
  std::optional<double> optional_number(int column) const;

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

/// One database connection, used by one thread at a time. Prepared statements are cached by their text, so
/// that text should be constant and values bound.
///
/// A statement that fails throws Conflict (a key exists already, or a row that is referred to does not),
/// CorruptData, Exhausted (disk full, value too large), Unavailable (the file cannot be read or written) or
/// InternalError (wrong SQL), each naming the file.
///
/// The schema is not trusted (trusted_schema=OFF): triggers and views must not touch virtual tables, so a
/// full-text index (FTS5 is there) is kept by the code that writes the rows.
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
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t n_changed() const;
  std::int64_t last_insert_rowid() const;

  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// For the storage folder itself.
  Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// For "column LIKE ? ESCAPE '\\'": matches where `text` stands anywhere, with its own % and _ taken
/// literally.
std::string like_pattern(std::string_view text);

}  // namespace quintet
