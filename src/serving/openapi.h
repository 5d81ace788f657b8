#pragma once

#include <string_view>

namespace quintet {

/// The OpenAPI 3.1 document of the HTTP API (openapi.json of this folder, built in). tests/functional/openapi
/// compares it with what a running server answers.
std::string_view openapi_document() noexcept;

}  // namespace quintet
