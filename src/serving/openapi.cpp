#include "serving/openapi.h"

#include <cstddef>

// Defined by the file that qn_embed_file() makes.
extern "C" const char qn_openapi_json_begin[];
extern "C" const char qn_openapi_json_end[];

namespace quintet {

std::string_view openapi_document() noexcept {
  return {qn_openapi_json_begin, static_cast<std::size_t>(qn_openapi_json_end - qn_openapi_json_begin)};
}

}  // namespace quintet
