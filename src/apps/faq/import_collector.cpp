#include "apps/faq/import_collector.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "apps/faq/knowledge_store.h"
#include "core/error.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

struct FieldName {
  std::string_view name;
  Field field;
};

constexpr std::array kFieldNames = {
    FieldName{"id", Field::id},
    FieldName{"uid", Field::id},
    FieldName{"question", Field::question},
    FieldName{"questions", Field::question},
    FieldName{"q", Field::question},
    FieldName{"title", Field::question},
    FieldName{"frage", Field::question},
    FieldName{"prompt", Field::question},
    FieldName{"answer", Field::answer},
    FieldName{"answers", Field::answer},
    FieldName{"a", Field::answer},
    FieldName{"response", Field::answer},
    FieldName{"text", Field::answer},
    FieldName{"content", Field::answer},
    FieldName{"body", Field::answer},
    FieldName{"antwort", Field::answer},
    FieldName{"acceptedanswer", Field::answer},
    FieldName{"alternatives", Field::alternatives},
    FieldName{"alternative", Field::alternatives},
    FieldName{"alt", Field::alternatives},
    FieldName{"variations", Field::alternatives},
    FieldName{"variants", Field::alternatives},
    FieldName{"alternatequestions", Field::alternatives},
    FieldName{"alternativequestions", Field::alternatives},
    FieldName{"alternatequestion", Field::alternatives},
    FieldName{"synonyms", Field::alternatives},
    FieldName{"paraphrases", Field::alternatives},
    FieldName{"tags", Field::tags},
    FieldName{"tag", Field::tags},
    FieldName{"category", Field::tags},
    FieldName{"categories", Field::tags},
    FieldName{"topic", Field::tags},
    FieldName{"topics", Field::tags},
    FieldName{"section", Field::tags},
    FieldName{"language", Field::language},
    FieldName{"lang", Field::language},
    FieldName{"inlanguage", Field::language},
    FieldName{"locale", Field::language},
    FieldName{"url", Field::url},
    FieldName{"link", Field::url},
    FieldName{"source", Field::url},
    FieldName{"href", Field::url},
};

bool is_control(unsigned char c) noexcept {
  return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

/// Deletes control characters, the C1 block, soft hyphens and byte order marks inside text.
bool needs_cleaning(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char raw) {
    const auto c = static_cast<unsigned char>(raw);
    return is_control(c) || c == 0xC2 || c == 0xEF;
  });
}

/// An address that a page may link to, or a relative one such as a file's name.
bool is_harmless_url(std::string_view url) {
  if (url.find(':') == std::string_view::npos) return true;
  for (const std::string_view scheme : {"http://", "https://", "mailto:"})
    if (starts_with_ignoring_case(url, scheme)) return true;
  return false;
}

}  // namespace

TextPosition LineCounter::at(std::size_t offset) noexcept {
  offset = std::min(offset, text_.size());
  bool crossed_a_line = false;
  while (offset_ > offset) {
    --offset_;
    if (text_[offset_] == '\n') {
      --position_.line;
      crossed_a_line = true;
    } else if ((static_cast<unsigned char>(text_[offset_]) & 0xC0) != 0x80) {
      --position_.column;
    }
  }
  if (crossed_a_line) {
    const auto before = offset_ == 0 ? std::string_view::npos : text_.rfind('\n', offset_ - 1);
    const auto start = before == std::string_view::npos ? 0 : before + 1;
    position_.column = 1 + count_code_points(text_.substr(start, offset_ - start));
  }
  for (; offset_ < offset; ++offset_) {
    if (text_[offset_] == '\n') {
      ++position_.line;
      position_.column = 1;
    } else if ((static_cast<unsigned char>(text_[offset_]) & 0xC0) != 0x80) {
      ++position_.column;
    }
  }
  return position_;
}

Field field_named(std::string_view name) {
  std::string plain;
  for (const char c : name.substr(0, 64))
    if (c != ' ' && c != '_' && c != '-' && c != '@') plain += c;
  while (!plain.empty() && plain.back() >= '0' && plain.back() <= '9') plain.pop_back();
  plain = ascii_lower(plain);
  for (const auto& known : kFieldNames)
    if (known.name == plain) return known.field;
  return Field::none;
}

std::vector<std::string> split_items(std::string_view cell, bool commas_too) {
  const auto separators = cell.find('\n') != std::string_view::npos  ? std::string_view("\n")
                          : cell.find('|') != std::string_view::npos ? std::string_view("|")
                          : commas_too                               ? std::string_view(",;")
                                                                     : std::string_view();
  std::vector<std::string> items;
  while (true) {
    const auto at = separators.empty() ? std::string_view::npos : cell.find_first_of(separators);
    if (const auto item = trim(cell.substr(0, at)); !item.empty()) items.emplace_back(item);
    if (at == std::string_view::npos) return items;
    cell.remove_prefix(at + 1);
  }
}

std::string clean_text(std::string_view text, bool* removed_any) {
  if (!needs_cleaning(text)) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    const auto start = pos;
    const char32_t c = next_code_point(text, pos);
    if (c == '\r') {
      if (pos >= text.size() || text[pos] != '\n') out += '\n';
    } else if (c == 0xAD || c == 0xFEFF) {
      // A soft hyphen and a mark in mid-text are invisible and only keep words from being found.
    } else if ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0)) {
      if (removed_any != nullptr && c != '\f' && c != '\v') *removed_any = true;
      if (c == '\f' || c == '\v') out += ' ';
    } else {
      out.append(text, start, pos - start);
    }
  }
  return out;
}

std::string clean_line(std::string_view text, bool* removed_any) {
  const std::string cleaned = clean_text(text, removed_any);
  std::string out;
  out.reserve(cleaned.size());
  bool pending = false;
  for (std::size_t pos = 0; pos < cleaned.size(); ++pos) {
    const char c = cleaned[pos];
    const bool is_nbsp = c == '\xC2' && pos + 1 < cleaned.size() && cleaned[pos + 1] == '\xA0';
    if (c == ' ' || c == '\t' || c == '\n' || is_nbsp) {
      pending = !out.empty();
      if (is_nbsp) ++pos;
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    out += c;
  }
  return out;
}

std::string quoted_start(std::string_view text) {
  constexpr std::size_t kShown = 60;
  if (text.size() <= kShown) return cat('"', text, '"');
  return cat('"', truncate_utf8(text, kShown), "…\"");
}

void ImportCollector::problem(TextPosition position, Severity severity, std::string message) {
  if (result_.problems.size() >= limits_.max_problems) {
    ++n_problems_left_out_;
    left_out_an_error_ = left_out_an_error_ || severity == Severity::error;
    return;
  }
  // Messages quote what was read, which may be anything.
  message = clean_line(find_invalid_utf8(message) ? sanitize_utf8(message) : message);
  result_.problems.push_back({position.line, position.column, severity, std::move(message), file_});
}

void ImportCollector::clean_list(std::vector<std::string>& list, std::size_t max_items, std::string_view what,
                                 const FoundEntry& found) {
  if (list.empty()) return;
  std::vector<std::string> kept;
  kept.reserve(list.size());
  std::unordered_set<std::string> seen;
  for (const auto& item : list) {
    std::string text = clean_line(item);
    if (text.empty()) continue;
    if (text.size() > limits_.max_question_bytes) {
      error(found.position, cat(what, " has ", text.size(), " bytes; at most ", limits_.max_question_bytes,
                                " are allowed, so it is left out"));
      continue;
    }
    if (!seen.insert(text).second) continue;
    if (kept.size() >= max_items) {
      error(found.position, cat("more than ", max_items, " items (", what, "); the rest is left out"));
      break;
    }
    kept.push_back(std::move(text));
  }
  list = std::move(kept);
}

bool ImportCollector::clean(FoundEntry& found) {
  FaqEntry& entry = found.entry;
  bool removed_any = false;
  entry.id = clean_line(entry.id, &removed_any);
  entry.question = clean_line(entry.question, &removed_any);
  entry.answer = std::string(trim_answer(clean_text(entry.answer, &removed_any)));
  entry.language = clean_line(entry.language);
  entry.url = clean_line(entry.url);
  if (entry.question.empty()) {
    error(found.position, entry.answer.empty() ? std::string("entry without question and answer")
                                               : cat("entry without a question (its answer begins ",
                                                     quoted_start(entry.answer), ")"));
    return false;
  }
  if (entry.question.size() > limits_.max_question_bytes) {
    error(found.position, cat("the question has ", entry.question.size(), " bytes; at most ",
                              limits_.max_question_bytes, " are allowed"));
    return false;
  }
  if (entry.answer.empty()) {
    error(found.position, cat("question ", quoted_start(entry.question), " has no answer"));
    return false;
  }
  if (entry.answer.size() > limits_.max_answer_bytes) {
    error(found.position, cat("the answer to ", quoted_start(entry.question), " has ", entry.answer.size(),
                              " bytes; at most ", limits_.max_answer_bytes, " are allowed"));
    return false;
  }
  constexpr std::size_t kMaxIdBytes = 200;
  constexpr std::size_t kMaxTagBytes = 200;
  constexpr std::size_t kMaxLanguageBytes = 35;
  constexpr std::size_t kMaxUrlBytes = 4096;
  if (entry.id.size() > kMaxIdBytes) {
    warning(found.position, cat("the id has ", entry.id.size(), " bytes; a new one will be given"));
    entry.id.clear();
  }
  if (entry.language.size() > kMaxLanguageBytes) entry.language.clear();
  if (entry.url.size() > kMaxUrlBytes || !is_harmless_url(entry.url)) {
    warning(found.position,
            cat("the url ", quoted_start(entry.url), " is no web or mail address; it is left out"));
    entry.url.clear();
  }
  for (auto& tag : entry.tags)
    if (tag.size() > kMaxTagBytes) tag = truncate_utf8(tag, kMaxTagBytes);
  clean_list(entry.alternatives, limits_.max_alternatives, "an alternative", found);
  std::erase(entry.alternatives, entry.question);
  clean_list(entry.tags, limits_.max_tags, "a tag", found);
  try {
    validate(entry);
  } catch (const InvalidArgument& reason) {  // what the store would refuse costs this entry, not the import
    error(found.position, reason.what());
    return false;
  }
  if (removed_any)
    warning(found.position, cat("control characters were removed from ", quoted_start(entry.question)));
  return true;
}

void ImportCollector::merge(FaqEntry& kept, FaqEntry&& other) {
  const auto add_new = [](std::vector<std::string>& to, std::vector<std::string>& from,
                          std::size_t max_items) {
    for (auto& item : from)
      if (to.size() < max_items && std::find(to.begin(), to.end(), item) == to.end())
        to.push_back(std::move(item));
  };
  if (other.question != kept.question) other.alternatives.insert(other.alternatives.begin(), other.question);
  std::erase(other.alternatives, kept.question);
  add_new(kept.alternatives, other.alternatives, limits_.max_alternatives);
  add_new(kept.tags, other.tags, limits_.max_tags);
  if (kept.id.empty()) kept.id = std::move(other.id);
  if (kept.language.empty()) kept.language = std::move(other.language);
  if (kept.url.empty()) kept.url = std::move(other.url);
}

void ImportCollector::add(FoundEntry found) {
  if (full_) return;
  if (!clean(found)) return;
  FaqEntry& entry = found.entry;
  const auto key_of = [](const std::string& question) {
    std::string folded = fold_for_search(question);
    return folded.empty() ? question : folded;
  };
  std::string key = key_of(entry.question);
  auto known = by_question_.find(key);
  const auto differs = [&] {
    const std::string& kept = result_.entries[known->second.index].answer;
    return kept != entry.answer &&
           fold_for_search(clean_line(kept)) != fold_for_search(clean_line(entry.answer));
  };
  if (known != by_question_.end() && !found.context.empty() && differs()) {
    // Sections of two chapters may bear the same title without being the same question.
    entry.question = cat(entry.question, " (", clean_line(found.context), ")");
    key = key_of(entry.question);
    known = by_question_.find(key);
  }
  if (known != by_question_.end()) {
    ++result_.n_duplicates;
    const std::size_t first_line = result_.entry_lines[known->second.index];
    std::string first = first_line > 0 ? cat("line ", first_line) : std::string("before");
    if (known->second.file != file_) first += cat(" of ", known->second.file);
    if (differs()) {
      warning(found.position, cat("question ", quoted_start(entry.question), " was already asked (", first,
                                  ") with another answer; that one is kept and this one left out"));
    } else {
      warning(found.position, cat("question ", quoted_start(entry.question), " was already asked (", first,
                                  ") with the same answer; the two are merged"));
      const auto index = known->second.index;
      const bool had_id = !result_.entries[index].id.empty();
      if (by_id_.contains(entry.id)) entry.id.clear();
      merge(result_.entries[index], std::move(entry));
      if (!had_id && !result_.entries[index].id.empty()) by_id_.emplace(result_.entries[index].id, index);
    }
    return;
  }
  if (result_.entries.size() >= limits_.max_entries) {
    full_ = true;
    error(found.position,
          cat("more than ", limits_.max_entries, " entries; this one and the rest are left out"));
    return;
  }
  if (!entry.id.empty() && !by_id_.emplace(entry.id, result_.entries.size()).second) {
    warning(found.position, cat("id ", quoted_start(entry.id), " was already used (line ",
                                result_.entry_lines[by_id_.at(entry.id)], "); this entry gets a new one"));
    entry.id.clear();
  }
  by_question_.emplace(std::move(key), Known{result_.entries.size(), file_});
  result_.entries.push_back(std::move(entry));
  result_.entry_lines.push_back(found.position.line);
}

ImportResult ImportCollector::finish(FaqFormat format) {
  if (n_problems_left_out_ > 0)
    result_.problems.push_back({0,
                                0,
                                left_out_an_error_ ? Severity::error : Severity::warning,
                                cat("and ", n_problems_left_out_, " more problems"),
                                {}});
  result_.format = format;
  return std::move(result_);
}

}  // namespace quintet::faq
