#pragma once

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace quintet {

/// A file or folder of the real data that tests read where it is there: below QUINTET_TEST_DATA, or beside
/// the checkout. "" where it is not; tests then skip. "" names the whole folder.
inline std::filesystem::path test_data(std::string_view name) {
  const char* named = std::getenv("QUINTET_TEST_DATA");
  const std::filesystem::path root = named != nullptr ? named : QN_SOURCE_DIR "/../shared/data";
  std::error_code error;
  return std::filesystem::exists(root / name, error) ? root / name : std::filesystem::path();
}

inline constexpr const char* kNoTestData = "no test data: set QUINTET_TEST_DATA to its folder";

/// A language model of 260,000 parameters that tells stories.
inline std::filesystem::path stories260k() {
  return test_data("lm/stories260k/tinyllamas-stories-260k-f32.gguf");
}

}  // namespace quintet
