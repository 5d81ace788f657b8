// A chat template is refused with a reason or renders within its limits; what it renders is valid UTF-8, and
// rendering it again gives the same text. Two bytes 0x1E split the input into template and JSON of messages.
// QN_FUZZ_LINK: quintet_tokenizer
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "tokenizer/chat_template.h"

using namespace quintet;

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

constexpr std::string_view kMessages = R"([{"role": "system", "content": "Be <brief>."},
  {"role": "user", "content": [{"type": "text", "text": "héllo"}]},
  {"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls":
    [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": [1.5, true]}}}]},
  {"role": "tool", "tool_call_id": "c1", "content": "{}"}, {"role": "user", "content": "bye\n"}])";

std::optional<std::string> text_of(const ChatTemplate& chat_template, const ChatTemplateInput& input) {
  try {
    return chat_template.render(input);
  } catch (const InternalError&) {
    std::abort();
  } catch (const Error& error) {
    require(!find_invalid_utf8(error.what()));
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto border = all.find("\x1E\x1E");
  ChatTemplateInput input;
  const auto messages =
      border == std::string_view::npos ? std::nullopt : try_parse_json(all.substr(border + 2));
  input.messages = messages ? *messages : parse_json(kMessages);
  input.tools = parse_json(
      R"([{"type": "function", "function": {"name": "f", "parameters": {"a": {"type": "integer"}}}}])");
  input.add_generation_prompt = true;
  input.variables["bos_token"] = "<s>";
  input.variables["eos_token"] = "</s>";
  input.now = 1'730'000'000'000;
  input.limits = {.max_steps = 20'000,
                  .max_depth = 200,
                  .max_output_bytes = std::size_t{1} << 18,
                  .max_memory_bytes = std::size_t{4} << 20};
  std::optional<ChatTemplate> chat_template;
  try {
    chat_template = ChatTemplate::parse(all.substr(0, border), "fuzz");
  } catch (const InternalError&) {
    std::abort();
  } catch (const Error& error) {
    require(!find_invalid_utf8(error.what()));
    return 0;
  }
  const auto text = text_of(*chat_template, input);
  if (text) require(!find_invalid_utf8(*text) && text->size() <= input.limits.max_output_bytes);
  require(text_of(*chat_template, input) == text);
  input.adapt = false;
  text_of(*chat_template, input);
  return 0;
}
