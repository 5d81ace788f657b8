#include "core/log.h"

namespace quintet {

namespace {

class NullLog final : public Log {
 public:
  bool enabled(LogLevel) const noexcept override { return false; }
  void write(LogLevel, std::string_view, const JsonObject&) noexcept override {}
};

void write_if_enabled(Log& log, LogLevel level, std::string_view message, const JsonObject& fields) noexcept {
  if (log.enabled(level)) log.write(level, message, fields);
}

}  // namespace

void Log::debug(std::string_view message, const JsonObject& fields) noexcept {
  write_if_enabled(*this, LogLevel::debug, message, fields);
}
void Log::info(std::string_view message, const JsonObject& fields) noexcept {
  write_if_enabled(*this, LogLevel::info, message, fields);
}
void Log::warning(std::string_view message, const JsonObject& fields) noexcept {
  write_if_enabled(*this, LogLevel::warning, message, fields);
}
void Log::error(std::string_view message, const JsonObject& fields) noexcept {
  write_if_enabled(*this, LogLevel::error, message, fields);
}

Log& null_log() noexcept {
  static NullLog log;
  return log;
}

std::optional<LogLevel> parse_log_level(std::string_view name) noexcept {
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  if (name == "off") return LogLevel::off;
  return std::nullopt;
}

}  // namespace quintet
