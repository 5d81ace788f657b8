#include "apps/faq/markdown_text.h"

#include <array>

#include "core/text.h"

namespace quintet::faq {

namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_punctuation(char c) noexcept {
  return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F && !is_alnum(c);
}

/// "3", "1.2.3", "A", "IV" at the start of `text`: its length.
std::size_t number_length(std::string_view text, std::size_t* n_parts = nullptr) {
  std::size_t i = 0;
  std::size_t parts = 0;
  while (i < text.size() && is_digit(text[i])) {
    const auto start = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    if (i - start > 4) return 0;
    ++parts;
    if (i + 1 < text.size() && text[i] == '.' && is_digit(text[i + 1])) ++i;
  }
  if (n_parts != nullptr) *n_parts = parts;
  return i;
}

}  // namespace

std::string_view trim_left(std::string_view text, std::string_view set) noexcept {
  const auto first = text.find_first_not_of(set);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

bool reads_as_question(std::string_view text) noexcept {
  // ASCII, full width, Arabic, Armenian, Ethiopic.
  for (const std::string_view mark : {"?", "\xEF\xBC\x9F", "\xD8\x9F", "\xD5\x9E", "\xE1\x8D\xA7"})
    if (text.find(mark) != std::string_view::npos) return true;
  return false;
}

std::string_view strip_number(std::string_view title, bool* was_numbered) {
  if (was_numbered != nullptr) *was_numbered = false;
  title = trim(title);
  const auto accept = [&](std::string_view rest) {
    rest = trim(rest);
    if (rest.empty()) return title;
    if (was_numbered != nullptr) *was_numbered = true;
    return rest;
  };
  constexpr std::array<std::string_view, 6> kWords = {"chapter", "section", "appendix",
                                                      "part",    "kapitel", "question"};
  for (const auto word : kWords) {
    if (!starts_with_ignoring_case(title, word) || title.size() <= word.size() || title[word.size()] != ' ')
      continue;
    auto rest = trim(title.substr(word.size()));
    std::size_t length = number_length(rest);
    if (length == 0 && rest.size() > 1 && rest[0] >= 'A' && rest[0] <= 'Z') length = 1;
    if (length > 0 && length < rest.size() &&
        (rest[length] == '.' || rest[length] == ':' || rest[length] == ')'))
      return accept(rest.substr(length + 1));
  }
  if (title.size() > 1 && (title[0] == 'Q' || title[0] == 'q')) {
    const std::size_t length = 1 + number_length(title.substr(1));
    if (length < title.size() &&
        (title[length] == ':' || (length > 1 && (title[length] == '.' || title[length] == ')'))))
      return accept(title.substr(length + 1));
  }
  std::size_t n_parts = 0;
  const std::size_t length = number_length(title, &n_parts);
  if (length == 0 || length + 1 >= title.size()) return title;
  const char next = title[length];
  const bool spaced = title[length + 1] == ' ' || title.substr(length + 1).starts_with("\xC2\xA0");
  if ((next == '.' || next == ')' || next == ':') && spaced) return accept(title.substr(length + 1));
  // "1.2 What ...", but not "3.5 mm".
  if (n_parts > 1 && next == ' ' && title[length + 1] >= 'A' && title[length + 1] <= 'Z')
    return accept(title.substr(length + 1));
  return title;
}

std::string plain_heading(std::string_view markdown) {
  markdown = trim(markdown);
  std::string out;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    const char c = markdown[i];
    const char next = i + 1 < markdown.size() ? markdown[i + 1] : '\0';
    if (c == '\\' && is_punctuation(next)) {
      out += next;
      ++i;
    } else if (c == '`') {
      // A code span: everything up to as many backticks, verbatim.
      auto end = std::min(markdown.find_first_not_of('`', i), markdown.size());
      const auto fence = markdown.substr(i, end - i);
      const auto close = markdown.find(fence, end);
      if (close == std::string_view::npos) {
        out += fence;
        i = end - 1;
      } else {
        out += trim(markdown.substr(end, close - end));
        i = close + fence.size() - 1;
      }
    } else if (c == '*' || c == '_') {
      auto end = std::min(markdown.find_first_not_of(c, i), markdown.size());
      const char before = i > 0 ? markdown[i - 1] : ' ';
      const char after = end < markdown.size() ? markdown[end] : ' ';
      const bool lone = before == ' ' && after == ' ';
      const bool within_word = is_alnum(before) && is_alnum(after);
      const bool keeps = lone || (c == '_' && within_word) || (c == '*' && within_word && is_digit(before));
      const bool paired = markdown.find(c, end) != std::string_view::npos ||
                          markdown.substr(0, i).find(c) != std::string_view::npos;
      if (keeps || !paired) out.append(end - i, c);
      i = end - 1;
    } else if (c == '[' || (c == '!' && next == '[')) {
      const auto open = c == '[' ? i : i + 1;
      const auto close = markdown.find("](", open);
      const auto end = close == std::string_view::npos ? close : markdown.find(')', close);
      const auto nested = markdown.find('[', open + 1);
      if (end == std::string_view::npos || nested < close) {
        out += c;
      } else {
        out += markdown.substr(open + 1, close - open - 1);
        i = end;
      }
    } else if (c == '<' && next != ' ') {
      const auto end = markdown.find('>', i);
      const bool is_tag = next == '/' || (is_alnum(next) && !is_digit(next));
      if (end == std::string_view::npos || !is_tag ||
          markdown.substr(i, end - i).find(':') != std::string_view::npos) {
        out += c;
      } else {
        const auto name = ascii_lower(markdown.substr(i + 1, end - i - 1));
        const bool is_anchor = name.starts_with("a ") || name == "/a" || name == "br" || name == "code" ||
                               name == "/code" || name == "b" || name == "/b" || name == "em" ||
                               name == "/em";
        if (!is_anchor) {  // somebody's literal text, such as <script> or <your-name>
          out += c;
        } else {
          i = end;
        }
      }
    } else {
      out += c;
    }
  }
  const auto text = strip_number(out);
  return std::string(text);
}

}  // namespace quintet::faq
