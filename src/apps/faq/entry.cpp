#include "apps/faq/entry.h"

#include "apps/faq/knowledge_store.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

constexpr std::size_t kMaxQuestionBytes = 10'000;
constexpr std::size_t kMaxAnswerBytes = 1 << 20;
constexpr std::size_t kMaxListItems = 10'000;

void check_text(std::string_view what, std::string_view text, std::size_t max_bytes, bool required) {
  if (required && trim(text).empty())
    throw InvalidArgument(cat("\"", what, "\" is empty; an entry needs one"));
  if (text.size() > max_bytes)
    throw InvalidArgument(
        cat("\"", what, "\" has ", text.size(), " bytes; at most ", max_bytes, " are allowed"));
  if (find_invalid_utf8(text)) throw InvalidArgument(cat("\"", what, "\" is not valid UTF-8"));
  if (text.find('\0') != std::string_view::npos)
    throw InvalidArgument(cat("\"", what, "\" contains a NUL character"));
}

void check_list(std::string_view what, const std::vector<std::string>& items, std::size_t max_bytes) {
  if (items.size() > kMaxListItems)
    throw InvalidArgument(
        cat("\"", what, "\" has ", items.size(), " items; at most ", kMaxListItems, " are allowed"));
  for (const auto& item : items) check_text(what, item, max_bytes, true);
}

bool is_safe_url(std::string_view url) {
  return url.empty() || starts_with_ignoring_case(url, "http://") ||
         starts_with_ignoring_case(url, "https://") || starts_with_ignoring_case(url, "mailto:") ||
         url.find(':') == std::string_view::npos;
}

}  // namespace

void validate(const FaqEntry& entry) {
  check_text("question", entry.question, kMaxQuestionBytes, true);
  check_text("answer", entry.answer, kMaxAnswerBytes, true);
  check_list("alternatives", entry.alternatives, kMaxQuestionBytes);
  check_list("tags", entry.tags, 200);
  check_text("language", entry.language, 35, false);
  check_text("url", entry.url, 4096, false);
  check_text("id", entry.id, 200, false);
  if (!is_safe_url(entry.url))
    throw InvalidArgument(cat("\"url\" must begin with http://, https:// or mailto:, not \"",
                              truncate_utf8(entry.url, 60), "\""));
}

std::string_view trim_answer(std::string_view text) noexcept {
  // Leading spaces may be an indented code block; leading blank lines are nothing.
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    if (!trim(text.substr(start, end - start)).empty()) {
      text.remove_prefix(start);
      break;
    }
    start = end + 1;
    if (start >= text.size()) return {};
  }
  const auto last = text.find_last_not_of(" \t\r\n\f\v");
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

JsonObject to_json_object(const FaqEntry& entry) {
  return {{"id", entry.id},
          {"question", entry.question},
          {"answer", entry.answer},
          {"alternatives", to_json_array(entry.alternatives)},
          {"tags", to_json_array(entry.tags)},
          {"language", entry.language},
          {"url", entry.url}};
}

FaqEntry entry_from_json(const JsonObject& object) {
  FaqEntry entry;
  entry.id = get_string(object, "id").value_or("");
  entry.question = get_string(object, "question").value_or("");
  entry.answer = get_string(object, "answer").value_or("");
  entry.alternatives = get_strings(object, "alternatives");
  entry.tags = get_strings(object, "tags");
  entry.language = get_string(object, "language").value_or("");
  entry.url = get_string(object, "url").value_or("");
  return entry;
}

std::string slug(std::string_view text) {
  if (const auto slash = text.find_last_of("/\\"); slash != std::string_view::npos)
    text.remove_prefix(slash + 1);
  if (const auto dot = text.find('.'); dot != std::string_view::npos && dot > 0) text = text.substr(0, dot);
  const std::string out = quintet::slug(text);
  return out.empty() ? "faq" : out;
}

}  // namespace quintet::faq
