#include "llm/response_builder.h"

#include <algorithm>

namespace quintet {

/// The last part when it is a T, else a new one.
template <typename T>
T& ResponseBuilder::current() {
  if (message_.parts.empty() || !std::holds_alternative<T>(message_.parts.back()))
    message_.parts.emplace_back(T{});
  return std::get<T>(message_.parts.back());
}

void ResponseBuilder::show(ChatEvent event) {
  has_shown_ = true;
  if (!sink_) return;
  try {
    sink_(event);
  } catch (...) {
    sink_threw_ = true;
    throw;
  }
}

void ResponseBuilder::add_text(std::string_view text) {
  if (text.empty()) return;
  current<TextPart>().text += text;
  show(TextDelta{std::string(text)});
}

void ResponseBuilder::add_reasoning(std::string_view text) {
  if (text.empty()) return;
  current<ReasoningPart>().text += text;
  show(ReasoningDelta{std::string(text)});
}

void ResponseBuilder::add_reasoning_signature(std::string_view signature) {
  if (!signature.empty()) current<ReasoningPart>().signature += signature;
}

void ResponseBuilder::begin_reasoning() {
  message_.parts.emplace_back(ReasoningPart{});
}

Message ResponseBuilder::take_message() {
  std::erase_if(message_.parts, [](const Part& part) {
    const auto* reasoning = std::get_if<ReasoningPart>(&part);
    return reasoning != nullptr && reasoning->text.empty() && reasoning->signature.empty();
  });
  return std::move(message_);
}

void ResponseBuilder::add_tool_call(std::size_t index, std::string_view id, std::string_view name,
                                    std::string_view arguments) {
  auto place = std::find_if(tool_calls_.begin(), tool_calls_.end(),
                            [&](const ToolCallPlace& known) { return known.index == index; });
  const bool is_new = place == tool_calls_.end();
  if (is_new) {
    place = tool_calls_.insert(place, {index, message_.parts.size()});
    message_.parts.emplace_back(ToolCallPart{std::string(id), std::string(name), {}});
  }
  std::get<ToolCallPart>(message_.parts[place->part]).arguments += arguments;
  if (!is_new && arguments.empty()) return;
  show(ToolCallDelta{index, is_new ? std::string(id) : "", is_new ? std::string(name) : "",
                     std::string(arguments)});
}

}  // namespace quintet
