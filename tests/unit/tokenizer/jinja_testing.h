#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "tokenizer/chat_template.h"

namespace quintet {

/// 27 October 2024, 03:33:20 UTC
constexpr TimestampMs kTestTime = 1'730'000'000'000;

/// What `source` prints with these variables.
inline std::string rendered(std::string_view source, std::string_view variables = "{}",
                            const TemplateLimits& limits = {}) {
  return ChatTemplate::parse(source, "test")
      .render_variables(parse_json(variables).get_object(), kTestTime, limits);
}

/// The message of the error that parsing or rendering ends with, its kind before it; "no error" without one.
inline std::string failure(std::string_view source, std::string_view variables = "{}",
                           const TemplateLimits& limits = {}) {
  try {
    rendered(source, variables, limits);
  } catch (const Error& error) {
    return std::string(error_code_name(error.code())) + ": " + error.what();
  }
  return "no error";
}

}  // namespace quintet
