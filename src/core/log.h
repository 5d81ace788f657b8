#pragma once

#include <string>
#include <string_view>

#include "core/json.h"

namespace quintet {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

/// Where libraries write what an operator should know. Implementations may be called from any thread and
/// never throw.
class Log {
 public:
  virtual ~Log() = default;
  virtual bool enabled(LogLevel level) const noexcept = 0;
  /// `fields` become key=value pairs (or JSON members). No secrets, no user text.
  virtual void write(LogLevel level, std::string_view message, const JsonObject& fields) noexcept = 0;

  void debug(std::string_view message, const JsonObject& fields = {}) noexcept;
  void info(std::string_view message, const JsonObject& fields = {}) noexcept;
  void warning(std::string_view message, const JsonObject& fields = {}) noexcept;
  void error(std::string_view message, const JsonObject& fields = {}) noexcept;
};

/// Discards everything.
Log& null_log() noexcept;

std::optional<LogLevel> parse_log_level(std::string_view name) noexcept;

}  // namespace quintet
