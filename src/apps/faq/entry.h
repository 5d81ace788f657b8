#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quintet::faq {

/// One question with its answer, as its owner wrote it. Text is valid UTF-8; answers are Markdown.
struct FaqEntry {
  std::string id;
  std::string question;
  std::string answer;
  std::vector<std::string> alternatives;  // other ways to ask the same
  std::vector<std::string> tags;
  std::string language;  // BCP 47, "" = not said
  std::string url;       // where to read more, "" = nowhere

  bool operator==(const FaqEntry&) const = default;
};

/// Without blank lines before and space after: how every answer is stored. Indentation of its first line
/// stays.
std::string_view trim_answer(std::string_view text) noexcept;

}  // namespace quintet::faq
