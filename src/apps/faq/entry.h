#pragma once

#include <string>
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

}  // namespace quintet::faq
