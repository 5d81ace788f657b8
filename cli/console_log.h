#pragma once

#include <memory>

#include "core/log.h"

namespace quintet::cli {

/// Writes to standard error: "12:00:01 info  message key=value", or a JSON object per line.
std::unique_ptr<Log> make_console_log(LogLevel level, bool as_json);

}  // namespace quintet::cli
