#include "llm/chat_model.h"

namespace quintet {

std::string_view stop_reason_name(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end: return "end";
    case StopReason::max_tokens: return "max_tokens";
    case StopReason::stop_sequence: return "stop_sequence";
    case StopReason::tool_calls: return "tool_calls";
    case StopReason::refused: return "refused";
    case StopReason::cancelled: return "cancelled";
    case StopReason::interrupted: return "interrupted";
  }
  return "end";
}

}  // namespace quintet
