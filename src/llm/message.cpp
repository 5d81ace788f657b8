#include "llm/message.h"

namespace quintet {

std::string_view role_name(Role role) noexcept {
  switch (role) {
    case Role::system: return "system";
    case Role::user: return "user";
    case Role::assistant: return "assistant";
    case Role::tool: return "tool";
  }
  return "user";
}

std::string Message::text() const {
  std::string joined;
  for (const Part& part : parts) {
    if (const auto* text = std::get_if<TextPart>(&part)) joined += text->text;
  }
  return joined;
}

std::vector<ToolCallPart> Message::tool_calls() const {
  std::vector<ToolCallPart> calls;
  for (const Part& part : parts) {
    if (const auto* call = std::get_if<ToolCallPart>(&part)) calls.push_back(*call);
  }
  return calls;
}

}  // namespace quintet
