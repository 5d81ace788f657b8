#pragma once

#include <cstdlib>
#include <filesystem>

namespace quintet {

/// The small real model of the test data, or a path that does not exist.
inline std::filesystem::path stories260k() {
  const char* named = std::getenv("QUINTET_TEST_DATA");
  const auto data = named != nullptr ? std::filesystem::path(named)
                                     : std::filesystem::path(QN_SOURCE_DIR) / ".." / "shared" / "data";
  return data / "lm/stories260k/tinyllamas-stories-260k-f32.gguf";
}

}  // namespace quintet
