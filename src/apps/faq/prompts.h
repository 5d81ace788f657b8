#pragma once

#include <span>

#include "llm/prompts.h"

namespace quintet::faq {

/// The files of src/apps/faq/prompts as they were when the program was built.
std::span<const EmbeddedPrompt> built_in_prompts();

}  // namespace quintet::faq
