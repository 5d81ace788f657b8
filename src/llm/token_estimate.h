#pragma once

#include <cstdint>
#include <string_view>

#include "llm/chat_model.h"

namespace quintet {

/// About how many tokens a model would make of `text`: for budgets and for providers that do not count, never
/// for limits that must be exact. A character of a script without spaces counts as one token, other bytes as
/// a quarter, which errs on the high side for the tokenizers in use.
std::int64_t estimate_tokens(std::string_view text) noexcept;

/// The same for everything a request sends: messages, tool definitions, and a flat figure per image.
std::int64_t estimate_input_tokens(const ChatRequest& request);

}  // namespace quintet
