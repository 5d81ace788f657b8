#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/files.h"
#include "core/text.h"
#include "testing/test_data.h"

#define QN_REQUIRE_TEST_DATA(name)                           \
  const std::filesystem::path name = quintet::test_data(""); \
  if (name.empty()) GTEST_SKIP() << quintet::kNoTestData

/// Texts and expected ids of llama.cpp's vocabulary tests.
struct VocabPair {
  std::string text;
  std::vector<std::uint32_t> ids;
};

inline std::vector<VocabPair> read_vocab_pairs(const std::filesystem::path& stem) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  const std::string input = quintet::read_file(stem.string() + ".inp");
  const std::string output = quintet::read_file(stem.string() + ".out");
  std::vector<VocabPair> pairs;
  for (std::size_t begin = 0; begin < input.size();) {
    const std::size_t end = input.find(kSeparator, begin);
    if (end == std::string::npos) break;
    pairs.push_back({input.substr(begin, end - begin), {}});
    begin = end + kSeparator.size();
  }
  const auto lines = quintet::split(output, '\n');
  for (std::size_t i = 0; i < pairs.size() && i < lines.size(); ++i) {
    for (const auto word : quintet::split(lines[i], ' ')) {
      if (!word.empty()) pairs[i].ids.push_back(static_cast<std::uint32_t>(*quintet::parse_int(word)));
    }
  }
  return pairs;
}
