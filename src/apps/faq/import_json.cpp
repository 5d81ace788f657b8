#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/faq/import_readers.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

constexpr int kMaxGroupDepth = 4;

/// Members that hold the list of entries: {"faqs": [...]}, and schema.org's FAQPage.
bool is_list_name(std::string_view key) {
  const auto name = ascii_lower(key);
  for (const std::string_view known : {"faqs", "faq", "entries", "questions", "items", "data", "mainentity"})
    if (name == known) return true;
  return false;
}

std::string scalar_text(const Json& value) {
  if (value.is_string()) return std::string(std::string_view(value.get_string()));
  if (value.is_number() || value.is_bool()) return to_json(value);
  return {};
}

std::string answer_text(const Json& value) {
  if (const auto* object = value.if_object()) {  // schema.org: {"@type": "Answer", "text": "..."}
    for (const std::string_view key : {"text", "answer", "value"})
      if (const auto* text = object->if_contains(key)) return scalar_text(*text);
    return {};
  }
  if (const auto* array = value.if_array()) {
    std::string out;
    for (const auto& part : *array) {
      if (!out.empty()) out += "\n\n";
      out += scalar_text(part);
    }
    return out;
  }
  return scalar_text(value);
}

std::vector<std::string> list_of(const Json& value, bool commas_too) {
  std::vector<std::string> items;
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) items.push_back(scalar_text(item));
  } else {
    items = split_items(scalar_text(value), commas_too);
  }
  return items;
}

bool holds_objects(const Json& value) {
  const auto* array = value.if_array();
  return array != nullptr && !array->empty() && array->front().is_object();
}

bool is_entry(const JsonObject& object) {
  bool question = false;
  bool answer = false;
  for (const auto& member : object) {
    const auto field = field_named(member.key());
    question =
        question || ((field == Field::question || member.key() == "name") && !holds_objects(member.value()));
    answer = answer || field == Field::answer;
  }
  return question && answer;
}

void set_field(FaqEntry& entry, Field field, const Json& value) {
  switch (field) {
    case Field::none: break;
    case Field::id: entry.id = scalar_text(value); break;
    case Field::question:
      if (const auto* array = value.if_array()) {
        for (const auto& question : *array) {
          if (entry.question.empty()) {
            entry.question = scalar_text(question);
          } else {
            entry.alternatives.push_back(scalar_text(question));
          }
        }
      } else if (entry.question.empty()) {
        entry.question = scalar_text(value);
      }
      break;
    case Field::answer:
      if (entry.answer.empty()) entry.answer = answer_text(value);
      break;
    case Field::alternatives:
      for (auto& item : list_of(value, false)) entry.alternatives.push_back(std::move(item));
      break;
    case Field::tags:
      for (auto& item : list_of(value, true)) entry.tags.push_back(std::move(item));
      break;
    case Field::language: entry.language = scalar_text(value); break;
    case Field::url: entry.url = scalar_text(value); break;
  }
}

void add_object(const JsonObject& object, TextPosition position, std::string_view tag,
                std::string_view key_question, int depth, ImportCollector& collector);

/// {"category": "Billing", "questions": [{...}, ...]}: the entries of one category. False when it is none.
bool add_group(const JsonObject& object, TextPosition position, std::string_view tag, int depth,
               ImportCollector& collector) {
  if (depth >= kMaxGroupDepth) return false;
  std::string group_tag(tag);
  for (const std::string_view key : {"category", "title", "name", "section", "topic", "tag"})
    if (const auto* name = object.if_contains(key); name != nullptr && name->is_string()) {
      group_tag = scalar_text(*name);
      break;
    }
  bool found = false;
  for (const auto& member : object) {
    if (!is_list_name(member.key()) || !holds_objects(member.value())) continue;
    found = true;
    for (const auto& element : member.value().get_array())
      if (const auto* child = element.if_object())
        add_object(*child, position, group_tag, {}, depth + 1, collector);
  }
  return found;
}

void add_object(const JsonObject& object, TextPosition position, std::string_view tag,
                std::string_view key_question, int depth, ImportCollector& collector) {
  if (!is_entry(object) && key_question.empty() && add_group(object, position, tag, depth, collector)) return;
  FoundEntry found{{}, position};
  if (!tag.empty()) found.entry.tags.emplace_back(tag);
  for (const auto& member : object)
    if (!member.value().is_null()) set_field(found.entry, field_named(member.key()), member.value());
  if (found.entry.question.empty()) found.entry.question = key_question;
  if (found.entry.question.empty())
    if (const auto* name = object.if_contains("name")) found.entry.question = scalar_text(*name);
  collector.add(std::move(found));
}

/// Walks the outline of a JSON text by brackets and quotes alone, so that one broken element does not hide
/// the others, and so that each element's place is known. Boost.JSON then reads each element.
class Reader {
 public:
  Reader(std::string_view text, ImportCollector& collector)
      : text_(text), collector_(collector), lines_(text), recovery_budget_(4 * text.size() + 65536) {}

  void read() {
    skip_space();
    if (peek() == '[') {
      ++pos_;
      elements({});
    } else if (peek() == '{') {
      top_object();
    } else {
      fault(pos_, "expected a list [...] or an object {...}");
      return;
    }
    skip_space();
    if (!stopped_ && !collector_.full() && !at_end()) {
      // Objects one after another are JSON Lines under another name.
      if (peek() == '{') {
        elements({}, false);
      } else {
        fault(pos_, "text after the end of the JSON value");
      }
    }
  }

 private:
  bool at_end() const { return pos_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[pos_]; }
  void skip_space() { pos_ = std::min(text_.find_first_not_of(" \t\n", pos_), text_.size()); }

  void fault(std::size_t offset, std::string_view reason) {
    collector_.error(lines_.at(offset), cat("not valid JSON: ", reason));
  }

  /// The end of the string that starts at `start`, or nothing: strings of valid JSON do not span lines, so a
  /// missing quote is noticed on its own line.
  std::optional<std::size_t> string_end(std::size_t start) const {
    for (std::size_t i = start + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '"') {
        return i + 1;
      } else if (text_[i] == '\n') {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  struct Span {
    std::size_t end;               // one past the value, or where it is broken
    std::string_view reason = {};  // why it is broken
  };

  Span value_end(std::size_t start) const {
    std::string open;
    for (std::size_t i = start; i < text_.size();) {
      const char c = text_[i];
      if (c == '"') {
        const auto end = string_end(i);
        if (!end) return {i, "this string has no end on its line"};
        i = *end;
      } else if (c == '{' || c == '[') {
        open += c;
        if (open.size() > 64) return {i, "nested more than 64 levels deep"};
        ++i;
      } else if (c == '}' || c == ']') {
        if (open.empty()) return {i};
        if ((open.back() == '{') != (c == '}')) return {i, cat_mismatch(c)};
        open.pop_back();
        ++i;
      } else if (c == ',' && open.empty()) {
        return {i};
      } else {
        ++i;
        continue;
      }
      if (open.empty() && i > start && (text_[i - 1] == '"' || text_[i - 1] == '}' || text_[i - 1] == ']'))
        return {i};
    }
    if (!open.empty()) return {text_.size(), "the text ends inside this entry"};
    return {text_.size()};
  }

  static std::string_view cat_mismatch(char c) {
    return c == '}' ? "'}' closes a list" : "']' closes an object";
  }

  /// The elements of a list, after its bracket. `bracketed`: the list ends with ']'.
  void elements(std::string_view tag, bool bracketed = true) {
    while (!stopped_ && !collector_.full()) {
      skip_space();
      if (at_end()) {
        if (bracketed) fault(pos_, "the list has no closing ']'");
        return;
      }
      if (bracketed && peek() == ']') {
        ++pos_;
        return;
      }
      if (peek() == ',') {
        fault(pos_, "a value is missing before this ','");
        ++pos_;
        continue;
      }
      if (!element(tag)) {
        if (!resynchronise()) return;
        continue;
      }
      skip_space();
      if (peek() == ',') {
        const auto comma = pos_++;
        skip_space();
        if (bracketed && peek() == ']')
          collector_.warning(lines_.at(comma), "not valid JSON: ',' before ']' (read all the same)");
      } else if (!at_end() && peek() != ']' && bracketed) {
        if (peek() == '{') {
          collector_.warning(lines_.at(pos_),
                             "not valid JSON: ',' is missing before this entry (read all the same)");
        } else {
          fault(pos_, "expected ',' or ']'");
          if (!resynchronise()) return;
        }
      } else if (!bracketed && !at_end() && peek() != '{') {
        fault(pos_, "text after the end of the JSON value");
        return;
      }
    }
  }

  /// One element; false when it is broken, with pos_ at the fault.
  bool element(std::string_view tag) {
    const std::size_t start = pos_;
    const auto span = value_end(start);
    if (!span.reason.empty()) {
      // The brackets or quotes are broken; where the grammar breaks first is the better place to name.
      JsonFault inner;
      std::size_t at = span.end;
      std::string reason(span.reason);
      const auto part = text_.substr(start, std::min(text_.size(), span.end + 1) - start);
      if (spend(part.size()) && !try_parse_json(part, &inner) && start + inner.offset < span.end) {
        at = start + inner.offset;
        reason = inner.reason;
      }
      fault(at, reason);
      pos_ = std::max(start + 1, std::min(at, span.end));
      return false;
    }
    JsonFault inner;
    const auto value = try_parse_json(text_.substr(start, span.end - start), &inner);
    pos_ = span.end;
    if (!value) {
      fault(start + inner.offset, inner.reason);
      // A bracket that closes early swallows a neighbour; look for it behind the fault.
      pos_ = std::max(start + 1, std::min(start + inner.offset, span.end));
      return false;
    }
    if (const auto* object = value->if_object()) {
      add_object(*object, lines_.at(start), tag, {}, 0, collector_);
    } else if (pair(*value, start, tag)) {
      return true;
    } else {
      collector_.error(lines_.at(start), "expected an object with a question and an answer");
    }
    return true;
  }

  /// ["question", "answer"]
  bool pair(const Json& value, std::size_t start, std::string_view tag) {
    const auto* array = value.if_array();
    if (array == nullptr || array->size() != 2 || !array->at(0).is_string() || !array->at(1).is_string())
      return false;
    FoundEntry found{{}, lines_.at(start)};
    found.entry.question = scalar_text(array->at(0));
    found.entry.answer = scalar_text(array->at(1));
    if (!tag.empty()) found.entry.tags.emplace_back(tag);
    collector_.add(std::move(found));
    return true;
  }

  bool spend(std::size_t n) {
    if (recovery_budget_ < n) {
      stopped_ = true;
      return false;
    }
    recovery_budget_ -= n;
    return true;
  }

  /// Moves to the next '{' from which a sound object with a question can be read, or to the end.
  bool resynchronise() {
    std::size_t candidate = pos_;
    while ((candidate = text_.find('{', candidate)) != std::string_view::npos) {
      const auto span = value_end(candidate);
      if (!spend(span.end - candidate + 1)) {
        fault(candidate, "too much is broken; reading stops here");
        return false;
      }
      if (span.reason.empty()) {
        const auto value = try_parse_json(text_.substr(candidate, span.end - candidate));
        if (value && value->is_object() && is_entry(value->get_object())) {
          pos_ = candidate;
          return true;
        }
      }
      ++candidate;
    }
    pos_ = text_.size();
    stopped_ = true;
    return false;
  }

  struct Member {
    std::string key;
    std::size_t key_start;
    std::size_t value_start;
    std::size_t value_end;
  };

  void top_object() {
    const std::size_t start = pos_++;
    std::vector<Member> members;
    bool found_list = false;
    bool closed = false;
    while (!stopped_ && !collector_.full()) {
      skip_space();
      if (at_end()) break;
      if (peek() == '}') {
        ++pos_;
        closed = true;
        break;
      }
      if (peek() == ',') {
        ++pos_;
        continue;
      }
      Member member{{}, pos_, 0, 0};
      if (!member_start(member)) {
        if (!next_member()) break;
        continue;
      }
      if (is_list_name(member.key) && peek() == '[') {
        ++pos_;
        found_list = true;
        elements({});
        continue;
      }
      const auto span = value_end(pos_);
      if (!span.reason.empty()) {
        fault(span.end, span.reason);
        pos_ = std::max(member.value_start, span.end);
        if (!next_member()) break;
        continue;
      }
      member.value_end = span.end;
      pos_ = span.end;
      members.push_back(std::move(member));
      skip_space();
      if (peek() != ',' && peek() != '}' && !at_end()) {
        fault(pos_, "expected ',' or '}'");
        if (!next_member()) break;
      }
    }
    if (!closed && !stopped_ && !collector_.full()) fault(text_.size(), "the object has no closing '}'");
    if (!found_list) add_members(start, members);
  }

  /// Reads `"key" :` and stands at the value.
  bool member_start(Member& member) {
    if (peek() != '"') {
      fault(pos_, "expected a name in double quotes");
      return false;
    }
    const auto end = string_end(pos_);
    const auto key = end ? try_parse_json(text_.substr(pos_, *end - pos_)) : std::nullopt;
    if (!key) {
      fault(pos_, "this name is not a valid string");
      return false;
    }
    member.key = std::string(std::string_view(key->get_string()));
    pos_ = *end;
    skip_space();
    if (peek() != ':') {
      fault(pos_, "expected ':' after the name");
      return false;
    }
    ++pos_;
    skip_space();
    member.value_start = pos_;
    return true;
  }

  /// After a fault among members: on to the next line that begins with a name.
  bool next_member() {
    while (true) {
      const auto line = text_.find('\n', pos_);
      if (line == std::string_view::npos) {
        pos_ = text_.size();
        stopped_ = true;
        return false;
      }
      pos_ = line + 1;
      skip_space();
      if (peek() == '"' || peek() == '}') return true;
    }
  }

  /// An object that is one entry, or question → answer, or category → entries.
  void add_members(std::size_t start, const std::vector<Member>& members) {
    bool question = false;
    bool answer = false;
    for (const auto& member : members) {
      const auto field = field_named(member.key);
      question = question || (field == Field::question || member.key == "name");
      answer = answer || field == Field::answer;
    }
    if (question && answer) {
      JsonFault inner;
      if (const auto value = try_parse_json(text_.substr(start, pos_ - start), &inner)) {
        add_object(value->get_object(), lines_.at(start), {}, {}, 0, collector_);
      } else if (!stopped_) {
        fault(start + inner.offset, inner.reason);
      }
      return;
    }
    for (const auto& member : members) {
      JsonFault inner;
      const auto text = text_.substr(member.value_start, member.value_end - member.value_start);
      const auto value = try_parse_json(text, &inner);
      if (!value) {
        fault(member.value_start + inner.offset, inner.reason);
      } else {
        add_member(member, *value);
      }
    }
  }

  void add_member(const Member& member, const Json& value) {
    const auto position = lines_.at(member.key_start);
    if (value.is_string()) {
      if (member.key.starts_with("@")) return;  // JSON-LD's own members
      FoundEntry found{{}, position};
      found.entry.question = member.key;
      found.entry.answer = scalar_text(value);
      collector_.add(std::move(found));
    } else if (holds_objects(value)) {
      for (const auto& element : value.get_array())
        if (const auto* object = element.if_object())
          add_object(*object, position, member.key, {}, 0, collector_);
    } else if (const auto* object = value.if_object()) {
      if (is_list_name(member.key) && !is_entry(*object)) {  // {"faq": {"question": "answer"}}
        for (const auto& inner : *object) {
          FoundEntry found{{}, position};
          found.entry.question = inner.key();
          found.entry.answer = answer_text(inner.value());
          collector_.add(std::move(found));
        }
      } else {
        add_object(*object, position, {}, member.key, 0, collector_);
      }
    }
    // Numbers, flags and lists of words beside the entries are settings of another program.
  }

  std::string_view text_;
  ImportCollector& collector_;
  LineCounter lines_;
  std::size_t pos_ = 0;
  std::size_t recovery_budget_;  // bytes that looking for sound entries behind faults may still read
  bool stopped_ = false;
};

}  // namespace

void add_json_entry(const Json& value, TextPosition position, std::string_view tag,
                    ImportCollector& collector) {
  if (const auto* object = value.if_object()) add_object(*object, position, tag, {}, 0, collector);
}

void import_json(std::string_view text, ImportCollector& collector) {
  Reader(text, collector).read();
}

void import_jsonl(std::string_view text, ImportCollector& collector) {
  std::size_t line_number = 0;
  for (const auto raw : split(text, '\n')) {
    ++line_number;
    const auto line = trim(raw);
    if (line.empty()) continue;
    if (collector.full()) return;
    const auto indent = static_cast<std::size_t>(line.data() - raw.data());
    JsonFault fault;
    const auto value = try_parse_json(line, &fault);
    if (!value) {
      const auto within = position_at(line, fault.offset);
      collector.error({line_number, within.column + indent}, cat("not valid JSON: ", fault.reason));
    } else if (const auto* object = value->if_object()) {
      add_object(*object, {line_number, indent + 1}, {}, {}, 0, collector);
    } else {
      collector.error({line_number, indent + 1}, "expected an object with a question and an answer");
    }
  }
}

}  // namespace quintet::faq
