#include "console_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "core/text.h"
#include "core/time.h"

namespace quintet::cli {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

class ConsoleLog final : public Log {
 public:
  ConsoleLog(LogLevel level, bool as_json)
      : level_(level),
        as_json_(as_json),
        logger_("quintet", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()) {
    logger_.set_level(to_spdlog(level));
    logger_.set_pattern(as_json ? "%v" : "%H:%M:%S %^%-7l%$ %v");
    logger_.flush_on(spdlog::level::debug);
  }

  bool enabled(LogLevel level) const noexcept override { return level >= level_ && level_ != LogLevel::off; }

  void write(LogLevel level, std::string_view message, const JsonObject& fields) noexcept override {
    try {
      logger_.log(to_spdlog(level), "{}",
                  as_json_ ? json_line(level, message, fields) : text_line(message, fields));
    } catch (const std::exception&) {
      // Out of memory while logging: the line is lost, the work goes on.
    }
  }

 private:
  static std::string text_line(std::string_view message, const JsonObject& fields) {
    std::string line(message);
    for (const auto& field : fields) {
      line += cat(" ", std::string_view(field.key()), "=");
      line += field.value().is_string() ? json_quote(field.value().get_string()) : to_json(field.value());
    }
    return line;
  }

  static std::string json_line(LogLevel level, std::string_view message, const JsonObject& fields) {
    JsonObject object{{"time", to_iso8601(now_ms())},
                      {"level", spdlog::level::to_string_view(to_spdlog(level)).data()},
                      {"message", message}};
    for (const auto& field : fields) object[field.key()] = field.value();
    return to_json(object);
  }

  const LogLevel level_;
  const bool as_json_;
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Log> make_console_log(LogLevel level, bool as_json) {
  return std::make_unique<ConsoleLog>(level, as_json);
}

}  // namespace quintet::cli
