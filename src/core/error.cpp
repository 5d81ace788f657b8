#include "core/error.h"

#include "core/text.h"

namespace quintet {

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::corrupt_data: return "corrupt_data";
    case ErrorCode::exhausted: return "exhausted";
    case ErrorCode::unauthorized: return "unauthorized";
    case ErrorCode::forbidden: return "forbidden";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

void check_failed(const char* expression, const char* file, int line) {
#ifndef NDEBUG
  __builtin_trap();
#endif
  std::string_view path = file;
  if (const auto src = path.rfind("src/"); src != std::string_view::npos) path.remove_prefix(src);
  throw InternalError(cat("internal check failed: ", expression, " at ", path, ":", line));
}

}  // namespace quintet
