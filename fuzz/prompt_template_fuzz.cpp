// A prompt file is refused with a reason or renders once every declared variable has a value, whatever the
// values are.
// QN_FUZZ_LINK: quintet_llm
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/error.h"
#include "llm/prompts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  quintet::Prompt prompt;
  try {
    prompt = quintet::parse_prompt(file, "fuzz.md");
  } catch (const quintet::InvalidArgument&) {
    return 0;
  }
  quintet::PromptValues values;
  for (const auto& variable : prompt.variables) values[variable.name] = "{{" + variable.name + "}}";
  try {
    quintet::render_prompt(prompt, values);
  } catch (const quintet::Error&) {
    std::abort();
  }
  return 0;
}
