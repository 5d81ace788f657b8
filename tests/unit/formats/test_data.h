#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace quintet {

/// A file of the shared test data, or "" when it isn't on this machine.
inline std::filesystem::path test_data(const std::string& name) {
  const char* folder = std::getenv("QUINTET_TEST_DATA");
  const std::filesystem::path root = folder != nullptr ? folder : QN_SOURCE_DIR "/../shared/data";
  return std::filesystem::exists(root / name) ? root / name : std::filesystem::path();
}

}  // namespace quintet
