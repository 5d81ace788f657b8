#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_names.h"
#include "tokenizer/jinja_text.h"

// Filters on texts, numbers and JSON; those that go through lists are in jinja_list_filters.cpp.

namespace quintet::jinja {
namespace {

/// Most filters on texts take anything and convert it first.
Value text_subject(Interpreter& interpreter, const Value& subject) {
  return subject.is(Kind::string) ? subject : interpreter.new_string(interpreter.str(subject));
}

std::int64_t integer_or(Interpreter& interpreter, std::string_view what, const std::optional<Value>& value,
                        std::int64_t otherwise) {
  if (!value || value->is(Kind::none)) return otherwise;
  if (!value->is_integral())
    interpreter.fail(cat("'", what, "' needs an integer, got ", kind_name(value->kind())));
  return value->as_integer();
}

bool flag(const std::optional<Value>& value) {
  return value && truthy(*value);
}

using Transform = std::string (*)(std::string_view);

template <Transform transform>
Value filter_transform(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "this filter", arguments);
  const auto text = text_subject(interpreter, subject);
  interpreter.step(text.text().size() / 4);
  return interpreter.new_string(transform(text.text()));
}

/// Jinja's own title: words begin after white space, hyphens and opening brackets.
std::string title_words(std::string_view text) {
  std::string out;
  std::size_t start = 0;
  const auto separates = [](char32_t c) {
    return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
  };
  while (start < text.size()) {
    auto end = start;
    auto next = end;
    while (next < text.size() && separates(next_code_point(text, next))) end = next;
    out += text.substr(start, end - start);
    start = end;
    next = end;
    while (next < text.size() && !separates(next_code_point(text, next))) end = next;
    out += capitalize(text.substr(start, end - start));
    start = end;
  }
  return out;
}

Value filter_trim(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "trim", arguments, {"chars"});
  std::optional<std::string_view> chars;
  if (bound[0] && !bound[0]->is(Kind::none)) {
    if (!bound[0]->is(Kind::string)) interpreter.fail("'trim' needs a string of the characters to remove");
    chars = bound[0]->text();
  }
  const auto text = text_subject(interpreter, subject).text();
  return stripped(interpreter, text, chars, true, true);
}

Value filter_replace(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "replace", arguments, {"old", "new", "count"}, 2);
  const auto from = text_subject(interpreter, *bound[0]);
  const auto to = text_subject(interpreter, *bound[1]);
  return replace_in(interpreter, text_subject(interpreter, subject).text(), from.text(), to.text(),
                    integer_or(interpreter, "replace", bound[2], -1));
}

Value filter_indent(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "indent", arguments, {"width", "first", "blank"});
  std::string indent;
  if (bound[0] && bound[0]->is(Kind::string)) {
    indent = bound[0]->text();
  } else {
    const auto width = integer_or(interpreter, "indent", bound[0], 4);
    if (width > 10'000) interpreter.fail("'indent' takes at most 10000 spaces");
    indent.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  const auto text = text_subject(interpreter, subject);
  interpreter.step(text.text().size() / 8);
  // An ending line end makes one more, empty line.
  auto lines = split_lines_python(text.text(), false);
  if (text.text().empty() || split_lines_python(text.text(), true).back().size() != lines.back().size())
    lines.emplace_back();
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i == 0 ? flag(bound[1]) : flag(bound[2]) || !lines[i].empty()) {
      out += indent;
      interpreter.step(1 + indent.size() / 64);
      if (out.size() > interpreter.environment().limits.max_memory_bytes) break;  // refused below
    }
    out += lines[i];
  }
  return interpreter.new_string(out);
}

Value filter_string(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "string", arguments);
  return text_subject(interpreter, subject);
}

Value filter_safe(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "safe", arguments);
  return subject;
}

Value filter_default(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "default", arguments, {"default_value", "boolean"});
  if (subject.is(Kind::undefined) || (flag(bound[1]) && !truthy(subject)))
    return bound[0].value_or(Value::string({}));
  return subject;
}

Value filter_length(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "length", arguments);
  std::size_t size = 0;
  switch (subject.kind()) {
    case Kind::undefined: break;
    case Kind::string:
      size = length(subject.text());
      interpreter.step(subject.text().size() / 32);
      break;
    case Kind::list:
    case Kind::tuple: size = subject.as_list().items.size(); break;
    case Kind::dict: size = subject.as_dict().entries.size(); break;
    case Kind::loop: size = subject.as_loop().items->items.size(); break;
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::space:
    case Kind::function:
      interpreter.fail(cat(kind_name(subject.kind()), " has no length; a string, a list or a mapping has"));
  }
  return Value::integer(static_cast<std::int64_t>(size));
}

std::optional<std::int64_t> truncated(double number) {
  if (!(std::abs(number) < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

Value filter_int(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "int", arguments, {"default", "base"});
  const auto base = integer_or(interpreter, "int", bound[1], 10);
  if (base < 2 || base > 36) interpreter.fail("'int' needs a base from 2 to 36");
  std::optional<std::int64_t> number;
  if (subject.is_integral()) {
    number = subject.as_integer();
  } else if (subject.is(Kind::real)) {
    number = truncated(subject.as_real());
  } else if (subject.is(Kind::string)) {
    interpreter.step(subject.text().size() / 4);
    number = parse_python_int(subject.text(), static_cast<int>(base));
    if (!number) {
      if (const auto real = parse_python_float(subject.text())) number = truncated(*real);
    }
  }
  return number ? Value::integer(*number) : bound[0].value_or(Value::integer(0));
}

Value filter_float(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "float", arguments, {"default"});
  if (subject.is_number()) return Value::real(subject.as_real());
  if (subject.is(Kind::string)) {
    interpreter.step(subject.text().size() / 4);
    if (const auto number = parse_python_float(subject.text())) return Value::real(*number);
  }
  return bound[0].value_or(Value::real(0));
}

Value filter_abs(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "abs", arguments);
  if (!subject.is_number()) interpreter.fail(cat("'abs' needs a number, got ", kind_name(subject.kind())));
  if (subject.is(Kind::real)) return Value::real(std::abs(subject.as_real()));
  return subject.as_integer() < 0 ? negate(interpreter, subject) : Value::integer(subject.as_integer());
}

Value filter_round(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "round", arguments, {"precision", "method"});
  if (!subject.is_number()) interpreter.fail(cat("'round' needs a number, got ", kind_name(subject.kind())));
  const auto precision = integer_or(interpreter, "round", bound[0], 0);
  const auto method = bound[1] && bound[1]->is(Kind::string) ? bound[1]->text() : "common";
  if (method != "common" && method != "ceil" && method != "floor")
    interpreter.fail("'round' knows the methods 'common', 'ceil' and 'floor'");
  if (precision < -300 || precision > 300) interpreter.fail("'round' needs a precision from -300 to 300");
  if (method == "common") {
    if (subject.is_integral() && precision >= 0) return Value::integer(subject.as_integer());
    const auto number = subject.as_real();
    if (!std::isfinite(number)) return subject;
    if (precision < 0) {
      const auto unit = std::pow(10.0, static_cast<double>(-precision));
      const auto rounded = std::nearbyint(number / unit) * unit;
      const auto whole = truncated(rounded);
      return subject.is_integral() && whole ? Value::integer(*whole) : Value::real(rounded);
    }
    // Rounds the exact decimal value, halves to even, as Python does.
    char buffer[700];
    std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(precision), number);
    return Value::real(std::strtod(buffer, nullptr));
  }
  const auto unit = std::pow(10.0, static_cast<double>(precision));
  const auto scaled = subject.as_real() * unit;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Value filter_tojson(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound =
      bind(interpreter, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  // Jinja's own filter takes the indentation first, transformers' takes ensure_ascii: a number tells.
  auto indent = bound[1];
  if (bound[0] && bound[0]->is(Kind::integer) && !indent) {
    indent = bound[0];
  } else {
    style.ascii = flag(bound[0]);
  }
  std::string spaces;
  if (indent && !indent->is(Kind::none)) {
    if (indent->is(Kind::string)) {
      style.indent = indent->text();
    } else {
      const auto width = integer_or(interpreter, "tojson", indent, 0);
      if (width > 1000) interpreter.fail("'tojson' takes at most 1000 spaces of indentation");
      spaces.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
      style.indent = spaces;
    }
  }
  if (bound[2] && !bound[2]->is(Kind::none)) {
    const auto& parts = interpreter.iterate(*bound[2]).items;
    if (parts.size() != 2 || !parts[0].is(Kind::string) || !parts[1].is(Kind::string))
      interpreter.fail("'tojson' needs separators as a pair of strings, such as (',', ':')");
    style.item_separator = parts[0].text();
    style.key_separator = parts[1].text();
  }
  style.sort_keys = flag(bound[3]);
  std::string out;
  auto culprit = Kind::undefined;
  if (!append_json(out, subject, style, interpreter, culprit))
    interpreter.fail(cat("'tojson' cannot write ", kind_name(culprit)));
  interpreter.step(out.size() / 64);
  return interpreter.new_string(out);
}

Value filter_format(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  if (!subject.is(Kind::string)) interpreter.fail("'format' needs a string, such as '%s'");
  return format_percent(interpreter, subject.text(), arguments);
}

Value filter_center(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "center", arguments, {"width"});
  return justified(interpreter, text_subject(interpreter, subject).text(),
                   integer_or(interpreter, "center", bound[0], 80), " ", '^');
}

Value filter_truncate(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "truncate", arguments, {"length", "killwords", "end", "leeway"});
  const auto text = text_subject(interpreter, subject).text();
  const auto most = integer_or(interpreter, "truncate", bound[0], 255);
  const auto leeway = integer_or(interpreter, "truncate", bound[3], 5);
  const auto end = bound[2] ? text_subject(interpreter, *bound[2]).text() : std::string_view("...");
  const auto end_size = static_cast<std::int64_t>(length(end));
  if (most < end_size || leeway < 0)
    interpreter.fail("'truncate' needs a length of at least that of the end");
  interpreter.step(text.size() / 32);
  if (static_cast<std::int64_t>(length(text)) - leeway <= most) return Value::string(text);
  auto kept = text.substr(0, byte_offset(text, static_cast<std::size_t>(most - end_size)));
  if (!flag(bound[1])) kept = kept.substr(0, std::min(kept.rfind(' '), kept.size()));
  return interpreter.new_string(cat(kept, end));
}

Value filter_wordcount(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "wordcount", arguments);
  const auto text = text_subject(interpreter, subject).text();
  interpreter.step(text.size() / 4);
  std::int64_t count = 0;
  bool in_word = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto c = next_code_point(text, pos);
    const bool is_word = is_alpha(c) || is_digit(c) || c == '_';
    count += is_word && !in_word ? 1 : 0;
    in_word = is_word;
  }
  return Value::integer(count);
}

Value filter_attr(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "attr", arguments, {"name"}, 1);
  if (!bound[0]->is(Kind::string)) interpreter.fail("'attr' needs the attribute's name");
  return interpreter.attribute(subject, bound[0]->text());
}

constexpr Named<Filter> kFilters[] = {
    {"abs", filter_abs},
    {"attr", filter_attr},
    {"batch", filter_batch},
    {"capitalize", filter_transform<capitalize>},
    {"center", filter_center},
    {"count", filter_length},
    {"d", filter_default},
    {"default", filter_default},
    {"dictsort", filter_dictsort},
    {"e", filter_transform<escape_html>},
    {"escape", filter_transform<escape_html>},
    {"first", filter_first},
    {"float", filter_float},
    {"forceescape", filter_transform<escape_html>},
    {"format", filter_format},
    {"groupby", filter_groupby},
    {"indent", filter_indent},
    {"int", filter_int},
    {"items", filter_items},
    {"join", filter_join},
    {"last", filter_last},
    {"length", filter_length},
    {"list", filter_list},
    {"lower", filter_transform<lower>},
    {"map", filter_map},
    {"max", filter_max},
    {"min", filter_min},
    {"reject", filter_reject},
    {"rejectattr", filter_rejectattr},
    {"replace", filter_replace},
    {"reverse", filter_reverse},
    {"round", filter_round},
    {"safe", filter_safe},
    {"select", filter_select},
    {"selectattr", filter_selectattr},
    {"slice", filter_slice},
    {"sort", filter_sort},
    {"string", filter_string},
    {"sum", filter_sum},
    {"title", filter_transform<title_words>},
    {"tojson", filter_tojson},
    {"trim", filter_trim},
    {"truncate", filter_truncate},
    {"unique", filter_unique},
    {"upper", filter_transform<upper>},
    {"urlencode", filter_transform<percent_quote>},
    {"wordcount", filter_wordcount},
};
static_assert(is_sorted_table(kFilters));

}  // namespace

Filter find_filter(std::string_view name) noexcept {
  return find_code(kFilters, name);
}
std::string suggest_filter() {
  return all_names(kFilters);
}

Value stripped(Interpreter& interpreter, std::string_view text, std::optional<std::string_view> chars,
               bool left, bool right) {
  if (chars && chars->size() > 4096) interpreter.fail("the characters to remove may take 4096 bytes");
  const auto kept = strip(text, chars, left, right);
  interpreter.step((text.size() - kept.size()) / 4 * (1 + (chars ? chars->size() : 0)));
  return Value::string(kept);
}

Value replace_in(Interpreter& interpreter, std::string_view text, std::string_view from, std::string_view to,
                 std::int64_t count) {
  interpreter.step(1 + text.size() / 64 + text.size() / 1024 * from.size());
  // The result may be as large as the product of both sizes: measured before it is made.
  std::size_t n_found = 0;
  if (from.empty()) {
    n_found = length(text) + 1;
  } else {
    for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from, at + from.size()))
      ++n_found;
  }
  if (count >= 0) n_found = std::min(n_found, static_cast<std::size_t>(count));
  const auto most = interpreter.environment().limits.max_memory_bytes;
  if (to.size() > from.size() && n_found > most / (to.size() - from.size()))
    throw Exhausted(cat("template: 'replace' makes more than ", most, " bytes (max_memory_bytes)"));
  interpreter.step(n_found + n_found * to.size() / 64);
  return interpreter.new_string(replace(text, from, to, count));
}

Value justified(Interpreter& interpreter, std::string_view text, std::int64_t width, std::string_view fill,
                char align) {
  if (length(fill) != 1) interpreter.fail("the character to fill with must be one");
  if (width > 100'000) interpreter.fail("a width of at most 100000 would work");
  const auto size = static_cast<std::int64_t>(length(text));
  interpreter.step(text.size() / 64);
  if (width <= size) return Value::string(text);
  const auto total = width - size;
  // Python puts the odd space to the left when the width is odd.
  const auto left = align == '<' ? 0 : align == '>' ? total : total / 2 + (total & width & 1);
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (std::int64_t i = left; i < total; ++i) out += fill;
  return interpreter.new_string(out);
}

}  // namespace quintet::jinja
