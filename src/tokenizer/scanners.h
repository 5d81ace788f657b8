#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace quintet {

/// Part [begin, end) of a text, in bytes.
struct Stretch {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// Cuts a text into consecutive stretches by one of the well-known patterns, without a regular expression
/// engine. A scanner gives exactly what the pattern's matches give. Immutable; may be used concurrently.
class Scanner {
 public:
  virtual ~Scanner() = default;
  /// Appends the stretches of `text`[part.begin, part.end); look-ahead ends with the part.
  virtual void scan(std::string_view text, Stretch part, std::vector<Stretch>& out) const = 0;
};

/// GPT-2's pattern (github.com/openai/gpt-2, encoder.py).
extern const std::string_view kGpt2Pattern;
/// Patterns of tiktoken's cl100k_base and o200k_base (github.com/openai/tiktoken, openai_public.py).
extern const std::string_view kCl100kPattern;
extern const std::string_view kO200kPattern;

/// The scanner for `pattern`, or null when it has to be run as a regular expression. Knows GPT-2's pattern,
/// cl100k's (Llama 3, Qwen2 and others: by how many digits go together) and o200k's (Tekken: without
/// contractions).
std::unique_ptr<Scanner> make_scanner(std::string_view pattern);

}  // namespace quintet
