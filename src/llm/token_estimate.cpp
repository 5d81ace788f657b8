#include "llm/token_estimate.h"

#include "core/text.h"

namespace quintet {

namespace {

// Roles and separators around each message.
constexpr std::int64_t kTokensPerMessage = 4;
// Between a thumbnail's 85 and a full page's 1600: enough for a budget.
constexpr std::int64_t kTokensPerImage = 800;

}  // namespace

std::int64_t estimate_tokens(std::string_view text) noexcept {
  std::int64_t n_unspaced = 0;
  std::int64_t n_other_bytes = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t start = pos;
    if (static_cast<unsigned char>(text[pos]) < 0x80) {
      ++pos;
    } else if (is_unspaced_script(next_code_point(text, pos))) {
      ++n_unspaced;
      continue;
    }
    n_other_bytes += static_cast<std::int64_t>(pos - start);
  }
  return n_unspaced + (n_other_bytes + 3) / 4;
}

std::int64_t estimate_input_tokens(const ChatRequest& request) {
  std::int64_t n = 0;
  for (const Message& message : request.messages) {
    n += kTokensPerMessage;
    for (const Part& part : message.parts) {
      if (const auto* text = std::get_if<TextPart>(&part)) n += estimate_tokens(text->text);
      if (const auto* call = std::get_if<ToolCallPart>(&part)) {
        n += estimate_tokens(call->name) + estimate_tokens(call->arguments);
      }
      if (const auto* result = std::get_if<ToolResultPart>(&part)) n += estimate_tokens(result->content);
      if (const auto* reasoning = std::get_if<ReasoningPart>(&part)) n += estimate_tokens(reasoning->text);
      if (std::holds_alternative<ImagePart>(part)) n += kTokensPerImage;
    }
  }
  for (const ToolSpec& tool : request.tools) {
    n += estimate_tokens(tool.name) + estimate_tokens(tool.description) +
         estimate_tokens(to_json(tool.parameters));
  }
  return n;
}

}  // namespace quintet
