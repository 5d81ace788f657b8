#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/json.h"
#include "tokenizer/chat_template.h"

namespace quintet {

/// Renders messages and tools, or nothing when the template fails on them.
using ProbeRender = std::function<std::optional<std::string>(
    const Json& messages, const Json& tools, bool add_generation_prompt, const JsonObject& variables)>;

/// What the template does with small made-up conversations.
ChatTemplateCapabilities probe_template(const ProbeRender& render);

/// Throws InvalidArgument when `messages` is no array of objects with a role.
void check_messages(const Json& messages, std::string_view template_name);

/// ChatTemplate::adapt.
Json adapt_messages(const Json& messages, const ChatTemplateCapabilities& capabilities);

}  // namespace quintet
