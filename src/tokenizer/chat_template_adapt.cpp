#include "tokenizer/chat_template_adapt.h"

#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_value.h"

namespace quintet {
namespace {

// Words that no template contains.
constexpr std::string_view kSystemWord = "qnSystemWord";
constexpr std::string_view kUserWord = "qnUserWord";
constexpr std::string_view kAnswerWord = "qnAnswerWord";
constexpr std::string_view kToolWord = "qn_tool_word";
constexpr std::string_view kCallWord = "qn_call_word";
constexpr std::string_view kValueWord = "qnValueWord";
constexpr std::string_view kResultWord = "qnResultWord";
constexpr std::string_view kReasonWord = "qnReasonWord";
constexpr std::string_view kCallId = "qnCallId1";  // nine letters: Mistral's templates insist on that

bool shows(const std::optional<std::string>& text, std::string_view word) {
  return text && text->find(word) != std::string::npos;
}

Json message(std::string_view role, Json content) {
  JsonObject object;
  object["role"] = role;
  object["content"] = std::move(content);
  return object;
}

Json message(std::string_view role, std::string_view content) {
  return message(role, Json(content));
}

Json text_parts(std::string_view text) {
  JsonObject part;
  part["type"] = "text";
  part["text"] = text;
  return JsonArray{std::move(part)};
}

Json probe_tools() {
  return parse_json(
      cat(R"([{"type": "function", "function": {"name": ")", kToolWord,
          R"(", "description": "Looks a word up.", "parameters": {"type": "object", "properties": )",
          R"({"word": {"type": "string", "description": "The word."}}, "required": ["word"]}}}])"));
}

Json call_message(Json arguments, Json content) {
  auto object = message("assistant", std::move(content)).get_object();
  JsonObject function;
  function["name"] = kCallWord;
  function["arguments"] = std::move(arguments);
  JsonObject call;
  call["id"] = kCallId;
  call["type"] = "function";
  call["function"] = std::move(function);
  object["tool_calls"] = JsonArray{std::move(call)};
  return object;
}

Json result_message() {
  auto object = message("tool", kResultWord).get_object();
  object["tool_call_id"] = kCallId;
  object["name"] = kCallWord;
  return object;
}

void probe_calls(const ProbeRender& render, const Json& user, ChatTemplateCapabilities& found) {
  const auto tools = probe_tools();
  JsonObject arguments;
  arguments["word"] = kValueWord;
  const Json as_object = arguments;
  const Json as_text(cat(R"({"word": ")", kValueWord, R"("})"));
  const auto conversation = [&](const Json& given, const Json& content) {
    return render(JsonArray{user, call_message(given, content), result_message(),
                            message("assistant", kAnswerWord), message("user", kUserWord)},
                  tools, true, {});
  };
  const auto with_object = conversation(as_object, Json(""));
  const auto with_text = conversation(as_text, Json(""));
  const auto clean = [&](const std::optional<std::string>& text) {
    // Written twice over, JSON text shows its quotes escaped; written by str(), an object shows Python's.
    return shows(text, kCallWord) && shows(text, kValueWord) && !shows(text, cat("\\\"", kValueWord)) &&
           !shows(text, cat("'", kValueWord, "'"));
  };
  found.object_arguments = clean(with_object);
  found.string_arguments = clean(with_text);
  found.tool_calls = found.object_arguments || found.string_arguments || shows(with_object, kCallWord) ||
                     shows(with_text, kCallWord);
  const auto& best = found.object_arguments || !with_text ? with_object : with_text;
  found.tool_results = shows(best, kResultWord);
  const auto with_null = conversation(found.object_arguments ? as_object : as_text, nullptr);
  found.null_content = with_null && best && (*with_null == *best || !shows(with_null, "None"));
}

void probe_thinking(const ProbeRender& render, const Json& user, ChatTemplateCapabilities& found) {
  auto answer = message("assistant", kAnswerWord).get_object();
  answer["reasoning_content"] = kReasonWord;
  found.reasoning = shows(render(JsonArray{user, answer}, nullptr, false, {}), kReasonWord);
  JsonObject on;
  on["enable_thinking"] = true;
  JsonObject off;
  off["enable_thinking"] = false;
  const auto thinking = render(JsonArray{user}, nullptr, true, on);
  const auto plain = render(JsonArray{user}, nullptr, true, off);
  found.thinking_switch = thinking && plain && *thinking != *plain;
  if (const auto prompt = render(JsonArray{user}, nullptr, true, {}))
    found.opens_thinking = trim(*prompt).ends_with("<think>");
}

/// The text of parts that are all text, or nothing.
std::optional<std::string> joined_text(const Json& content) {
  if (!content.is_array()) return std::nullopt;
  std::string text;
  for (const auto& part : content.get_array()) {
    const auto* object = part.if_object();
    const auto* piece = object != nullptr ? object->if_contains("text") : nullptr;
    if (piece == nullptr || !piece->is_string()) return std::nullopt;
    text += std::string_view(piece->get_string());
  }
  return text;
}

std::string content_text(const JsonObject& message) {
  const auto* content = message.if_contains("content");
  if (content == nullptr) return {};
  if (content->is_string()) return std::string(content->get_string());
  return joined_text(*content).value_or(std::string());
}

void adapt_arguments(JsonObject& message, const ChatTemplateCapabilities& can) {
  auto* calls = message.if_contains("tool_calls");
  if (calls == nullptr || !calls->is_array()) return;
  for (auto& call : calls->get_array()) {
    auto* object = call.if_object();
    auto* function = object != nullptr ? object->if_contains("function") : nullptr;
    object = function != nullptr ? function->if_object() : object;
    auto* arguments = object != nullptr ? object->if_contains("arguments") : nullptr;
    if (arguments == nullptr) continue;
    if (can.object_arguments && arguments->is_string()) {
      const auto parsed = try_parse_json(std::string_view(arguments->get_string()));
      if (parsed && parsed->is_object()) *arguments = *parsed;
    } else if (can.string_arguments && !can.object_arguments && !arguments->is_string()) {
      *arguments = jinja::python_json(*arguments);
    }
  }
}

void adapt_content(JsonObject& message, const ChatTemplateCapabilities& can) {
  const auto* content = message.if_contains("content");
  const auto* calls = message.if_contains("tool_calls");
  const bool makes_calls = calls != nullptr && calls->is_array() && !calls->get_array().empty();
  if (content == nullptr || content->is_null()) {
    if (makes_calls && !can.null_content) message["content"] = "";
  } else if (content->is_array()) {
    if (!can.content_parts && can.text_content) {
      if (auto text = joined_text(*content)) message["content"] = *text;
    }
  } else if (content->is_string() && !can.text_content && can.content_parts) {
    message["content"] = text_parts(std::string(content->get_string()));
  }
}

/// Puts the text of a leading system message before that of the first user message.
void fold_system(JsonArray& messages) {
  if (messages.empty()) return;
  const auto& first = messages[0].get_object();
  const auto role = first.at("role").get_string();
  if (role != "system" && role != "developer") return;
  const auto text = content_text(first);
  for (std::size_t i = 1; i < messages.size(); ++i) {
    auto& object = messages[i].get_object();
    if (object.at("role").get_string() != "user") continue;
    auto* content = object.if_contains("content");
    if (!text.empty() && content != nullptr) {
      if (content->is_array()) {
        auto& parts = content->get_array();
        parts.insert(parts.begin(), text_parts(text + "\n\n").get_array()[0]);
      } else if (content->is_string()) {
        *content = cat(text, "\n\n", std::string_view(content->get_string()));
      }
    }
    messages.erase(messages.begin());
    return;
  }
}

}  // namespace

ChatTemplateCapabilities probe_template(const ProbeRender& render) {
  ChatTemplateCapabilities found;
  const auto plain = render(JsonArray{message("user", kUserWord)}, nullptr, true, {});
  const auto parts = render(JsonArray{message("user", text_parts(kUserWord))}, nullptr, true, {});
  found.text_content = shows(plain, kUserWord);
  found.content_parts = shows(parts, kUserWord) && !shows(parts, cat("'", kUserWord, "'")) &&
                        !shows(parts, cat("\"", kUserWord, "\""));
  const bool as_parts = !found.text_content && found.content_parts;
  const auto user = message("user", as_parts ? text_parts(kUserWord) : Json(kUserWord));
  const auto system = message("system", as_parts ? text_parts(kSystemWord) : Json(kSystemWord));
  found.system = shows(render(JsonArray{system, user}, nullptr, true, {}), kSystemWord);
  found.tools = shows(render(JsonArray{system, user}, probe_tools(), true, {}), kToolWord) ||
                shows(render(JsonArray{user}, probe_tools(), true, {}), kToolWord);
  probe_calls(render, user, found);
  probe_thinking(render, user, found);
  return found;
}

void check_messages(const Json& messages, std::string_view template_name) {
  const auto fail = [&](std::string_view what) {
    throw InvalidArgument(cat("chat template ", template_name,
                              ": messages must be an array of objects that have a ",
                              "\"role\" and a \"content\", ", what));
  };
  if (!messages.is_array()) fail("got no array");
  std::size_t index = 0;
  for (const auto& entry : messages.get_array()) {
    const auto* object = entry.if_object();
    if (object == nullptr) fail(cat("message ", index, " is no object"));
    const auto* role = object->if_contains("role");
    if (role == nullptr || !role->is_string()) fail(cat("message ", index, " has no role"));
    ++index;
  }
}

Json adapt_messages(const Json& messages, const ChatTemplateCapabilities& capabilities) {
  auto adapted = messages.get_array();
  if (!capabilities.system) fold_system(adapted);
  for (auto& entry : adapted) {
    auto& object = entry.get_object();
    adapt_arguments(object, capabilities);
    adapt_content(object, capabilities);
  }
  return adapted;
}

}  // namespace quintet
