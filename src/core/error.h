#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace quintet {

/// What kind of failure an Error is. Mapped once to an HTTP status or an exit code, where it is caught.
enum class ErrorCode : std::uint8_t {
  invalid_argument,  // the caller's input is wrong
  not_found,         // a thing named by the caller does not exist
  conflict,          // the thing changed since the caller read it, or exists already
  unsupported,       // valid, but not something this build or configuration does
  corrupt_data,      // a file or a peer broke its format
  exhausted,         // a limit of size, rate, memory or disk was reached
  unauthorized,      // no key, or a key that is not known
  forbidden,         // a known caller may not do this
  cancelled,         // somebody asked for the work to stop
  unavailable,       // a peer or a service cannot be reached now; trying later may help
  internal           // our bug
};

/// The snake_case name of a code, as it appears in JSON errors.
std::string_view error_code_name(ErrorCode code) noexcept;

/// Root of every exception this project throws. The message names the operation, what was expected and what
/// came.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

template <ErrorCode Code>
struct ErrorOf : Error {
  explicit ErrorOf(const std::string& message) : Error(Code, message) {}
};
using InvalidArgument = ErrorOf<ErrorCode::invalid_argument>;
using NotFound = ErrorOf<ErrorCode::not_found>;
using Conflict = ErrorOf<ErrorCode::conflict>;
using Unsupported = ErrorOf<ErrorCode::unsupported>;
using CorruptData = ErrorOf<ErrorCode::corrupt_data>;
using Exhausted = ErrorOf<ErrorCode::exhausted>;
using Unauthorized = ErrorOf<ErrorCode::unauthorized>;
using Forbidden = ErrorOf<ErrorCode::forbidden>;
using Cancelled = ErrorOf<ErrorCode::cancelled>;
using Unavailable = ErrorOf<ErrorCode::unavailable>;
using InternalError = ErrorOf<ErrorCode::internal>;

/// Throws InternalError; the body of QN_CHECK, out of line so that the check itself stays small.
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace quintet

/// Finds our own mistakes: traps in debug builds, throws InternalError in release. One request dies, not the
/// server.
#define QN_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::quintet::check_failed(#condition, __FILE__, __LINE__))
