#include <algorithm>

#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_names.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

std::string_view text_argument(Interpreter& interpreter, std::string_view what, const Value& value) {
  if (!value.is(Kind::string))
    interpreter.fail(
        cat("'", what, "' needs a string, got ", kind_name(value.kind()), "; convert it with |string"));
  return value.text();
}

std::optional<std::string_view> optional_text(Interpreter& interpreter, std::string_view what,
                                              const std::optional<Value>& value) {
  if (!value || value->is(Kind::none)) return std::nullopt;
  return text_argument(interpreter, what, *value);
}

std::int64_t integer_argument(Interpreter& interpreter, std::string_view what,
                              const std::optional<Value>& value, std::int64_t otherwise) {
  if (!value || value->is(Kind::none)) return otherwise;
  if (!value->is_integral())
    interpreter.fail(cat("'", what, "' needs an integer, got ", kind_name(value->kind())));
  return value->as_integer();
}

/// Naive search may take the product of both sizes: charge for it.
void charge_search(Interpreter& interpreter, std::string_view text, std::string_view wanted) {
  interpreter.step(1 + text.size() / 64 + text.size() / 1024 * wanted.size());
}

// ---- str

using Transform = std::string (*)(std::string_view);

template <Transform transform>
Value str_transform(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "this method", arguments);
  interpreter.step(self.text().size() / 4);
  return interpreter.new_string(transform(self.text()));
}

template <bool left, bool right>
Value str_strip(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "strip", arguments, {"chars"});
  const auto chars = optional_text(interpreter, "strip", bound[0]);
  return stripped(interpreter, self.text(), chars, left, right);
}

template <bool from_right>
Value str_split(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "split", arguments, {"sep", "maxsplit"});
  const auto separator = optional_text(interpreter, "split", bound[0]);
  const auto max_splits = integer_argument(interpreter, "split", bound[1], -1);
  if (separator && separator->empty()) interpreter.fail("'split' needs a separator that is not empty");
  charge_search(interpreter, self.text(), separator.value_or(" "));
  if (!separator) {
    if (from_right && max_splits >= 0)
      interpreter.fail("'rsplit' with a bound needs a separator; pass one, such as ' '");
    return interpreter.new_list_of_strings(split_space(self.text(), max_splits));
  }
  return interpreter.new_list_of_strings(from_right ? rsplit_on(self.text(), *separator, max_splits)
                                                    : split_on(self.text(), *separator, max_splits));
}

Value str_split_lines(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "splitlines", arguments, {"keepends"});
  interpreter.step(self.text().size() / 8);
  return interpreter.new_list_of_strings(split_lines_python(self.text(), bound[0] && truthy(*bound[0])));
}

/// The part of `text` that optional start and stop choose.
std::string_view window(Interpreter& interpreter, std::string_view what, std::string_view text,
                        const std::optional<Value>& start, const std::optional<Value>& stop,
                        bool& out_of_range) {
  out_of_range = false;
  if (!start && !stop) return text;
  const auto size = static_cast<std::int64_t>(length(text));
  interpreter.step(text.size() / 64);
  auto first = integer_argument(interpreter, what, start, 0);
  auto last = integer_argument(interpreter, what, stop, size);
  if (first < 0) first = std::max<std::int64_t>(first + size, 0);
  if (last < 0) last = std::max<std::int64_t>(last + size, 0);
  last = std::min(last, size);
  out_of_range = first > last;
  if (out_of_range) return {};
  const auto begin = byte_offset(text, static_cast<std::size_t>(first));
  return text.substr(begin, byte_offset(text.substr(begin), static_cast<std::size_t>(last - first)));
}

template <bool at_start>
Value str_has_affix(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  constexpr std::string_view kName = at_start ? "startswith" : "endswith";
  const auto bound = bind(interpreter, kName, arguments, {at_start ? "prefix" : "suffix", "start", "end"}, 1);
  bool outside = false;
  const auto text = window(interpreter, kName, self.text(), bound[1], bound[2], outside);
  const auto matches = [&](const Value& affix) {
    const auto wanted = text_argument(interpreter, kName, affix);
    interpreter.step(1 + wanted.size() / 256);
    return !outside && (at_start ? text.starts_with(wanted) : text.ends_with(wanted));
  };
  if (!bound[0]->is_list()) return Value::boolean(matches(*bound[0]));
  const auto& all = bound[0]->as_list().items;
  return Value::boolean(std::any_of(all.begin(), all.end(), matches));
}

Value str_replace(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "replace", arguments, {"old", "new", "count"}, 2);
  const auto from = text_argument(interpreter, "replace", *bound[0]);
  const auto to = text_argument(interpreter, "replace", *bound[1]);
  return replace_in(interpreter, self.text(), from, to,
                    integer_argument(interpreter, "replace", bound[2], -1));
}

Value str_join(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "join", arguments, {"iterable"}, 1);
  const auto& items = interpreter.iterate(*bound[0]).items;
  for (const auto& item : items) text_argument(interpreter, "join", item);
  return join_items(interpreter, items, self.text());
}

Value str_format(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return format_braces(interpreter, self.text(), arguments);
}

template <bool from_right, bool must_find>
Value str_find(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "find", arguments, {"sub", "start", "end"}, 1);
  const auto wanted = text_argument(interpreter, "find", *bound[0]);
  bool outside = false;
  const auto text = window(interpreter, "find", self.text(), bound[1], bound[2], outside);
  charge_search(interpreter, text, wanted);
  const auto at = outside ? std::string_view::npos : from_right ? text.rfind(wanted) : text.find(wanted);
  if (at == std::string_view::npos) {
    if (must_find) interpreter.fail("'index' did not find the text; 'find' would give -1");
    return Value::integer(-1);
  }
  const auto before = text.empty() ? 0 : static_cast<std::size_t>(text.data() - self.text().data());
  const auto start = outside || text.empty() ? integer_argument(interpreter, "find", bound[1], 0) : 0;
  return Value::integer(start + static_cast<std::int64_t>(length(self.text().substr(0, before + at))));
}

Value str_count(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "count", arguments, {"sub", "start", "end"}, 1);
  const auto wanted = text_argument(interpreter, "count", *bound[0]);
  bool outside = false;
  const auto text = window(interpreter, "count", self.text(), bound[1], bound[2], outside);
  if (outside) return Value::integer(0);
  charge_search(interpreter, text, wanted);
  if (wanted.empty()) return Value::integer(static_cast<std::int64_t>(length(text)) + 1);
  std::int64_t count = 0;
  for (auto at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + wanted.size()))
    ++count;
  interpreter.step(static_cast<std::size_t>(count) / 2);
  return Value::integer(count);
}

using Predicate = bool (*)(char32_t) noexcept;
bool is_alpha_or_digit(char32_t c) noexcept {
  return is_alpha(c) || is_digit(c);
}

template <Predicate predicate>
Value str_all(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "this method", arguments);
  interpreter.step(self.text().size() / 8);
  bool all = !self.text().empty();
  for (std::size_t pos = 0; all && pos < self.text().size();)
    all = predicate(next_code_point(self.text(), pos));
  return Value::boolean(all);
}

template <bool want_upper>
Value str_is_case(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "this method", arguments);
  interpreter.step(self.text().size() / 2);
  const auto large = upper(self.text());
  const auto small = lower(self.text());
  return Value::boolean(large != small && self.text() == (want_upper ? large : small));
}

template <char align>
Value str_justify(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "justify", arguments, {"width", "fillchar"}, 1);
  return justified(interpreter, self.text(), integer_argument(interpreter, "justify", bound[0], 0),
                   optional_text(interpreter, "justify", bound[1]).value_or(" "), align);
}

Value str_zero_fill(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "zfill", arguments, {"width"}, 1);
  const auto text = self.text();
  const auto width = integer_argument(interpreter, "zfill", bound[0], 0);
  const bool has_sign = text.starts_with('-') || text.starts_with('+');
  const auto sign = text.substr(0, has_sign ? 1 : 0);
  const auto rest = justified(interpreter, text.substr(sign.size()), width - (has_sign ? 1 : 0), "0", '>');
  return interpreter.new_string(cat(sign, rest.text()));
}

template <bool prefix>
Value str_remove_affix(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "removeprefix", arguments, {prefix ? "prefix" : "suffix"}, 1);
  const auto affix = text_argument(interpreter, "removeprefix", *bound[0]);
  auto text = self.text();
  if (prefix && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (!prefix && text.ends_with(affix)) text.remove_suffix(affix.size());
  return Value::string(text);
}

template <bool from_right>
Value str_partition(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "partition", arguments, {"sep"}, 1);
  const auto separator = text_argument(interpreter, "partition", *bound[0]);
  if (separator.empty()) interpreter.fail("'partition' needs a separator that is not empty");
  const auto text = self.text();
  charge_search(interpreter, text, separator);
  const auto at = from_right ? text.rfind(separator) : text.find(separator);
  const auto part = [](std::string_view piece) { return Value::string(piece); };
  if (at == std::string_view::npos)
    return from_right ? interpreter.new_tuple({part({}), part({}), part(text)})
                      : interpreter.new_tuple({part(text), part({}), part({})});
  return interpreter.new_tuple(
      {part(text.substr(0, at)), part(separator), part(text.substr(at + separator.size()))});
}

constexpr Named<Native> kStringMethods[] = {
    {"capitalize", str_transform<capitalize>},
    {"casefold", str_transform<lower>},
    {"center", str_justify<'^'>},
    {"count", str_count},
    {"endswith", str_has_affix<false>},
    {"find", str_find<false, false>},
    {"format", str_format},
    {"index", str_find<false, true>},
    {"isalnum", str_all<is_alpha_or_digit>},
    {"isalpha", str_all<is_alpha>},
    {"isdecimal", str_all<is_digit>},
    {"isdigit", str_all<is_digit>},
    {"islower", str_is_case<false>},
    {"isnumeric", str_all<is_digit>},
    {"isspace", str_all<is_space>},
    {"isupper", str_is_case<true>},
    {"join", str_join},
    {"ljust", str_justify<'<'>},
    {"lower", str_transform<lower>},
    {"lstrip", str_strip<true, false>},
    {"partition", str_partition<false>},
    {"removeprefix", str_remove_affix<true>},
    {"removesuffix", str_remove_affix<false>},
    {"replace", str_replace},
    {"rfind", str_find<true, false>},
    {"rindex", str_find<true, true>},
    {"rjust", str_justify<'>'>},
    {"rpartition", str_partition<true>},
    {"rsplit", str_split<true>},
    {"rstrip", str_strip<false, true>},
    {"split", str_split<false>},
    {"splitlines", str_split_lines},
    {"startswith", str_has_affix<true>},
    {"strip", str_strip<true, true>},
    {"swapcase", str_transform<swapcase>},
    {"title", str_transform<title>},
    {"upper", str_transform<upper>},
    {"zfill", str_zero_fill},
};
static_assert(is_sorted_table(kStringMethods));

// ---- list and tuple

Value list_append(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  self.as_list().items.push_back(*bind(interpreter, "append", arguments, {"object"}, 1)[0]);
  return Value::none();
}

Value list_extend(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto more = interpreter.iterate(*bind(interpreter, "extend", arguments, {"iterable"}, 1)[0]).items;
  interpreter.step(more.size());
  auto& items = self.as_list().items;
  items.insert(items.end(), more.begin(), more.end());
  return Value::none();
}

Value list_insert(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "insert", arguments, {"index", "object"}, 2);
  auto& items = self.as_list().items;
  const auto size = static_cast<std::int64_t>(items.size());
  auto at = integer_argument(interpreter, "insert", bound[0], 0);
  if (at < 0) at = std::max<std::int64_t>(at + size, 0);
  interpreter.step(1 + items.size() / 8);
  items.insert(items.begin() + std::min(at, size), *bound[1]);
  return Value::none();
}

Value list_pop(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "pop", arguments, {"index"});
  auto& items = self.as_list().items;
  const auto size = static_cast<std::int64_t>(items.size());
  auto at = integer_argument(interpreter, "pop", bound[0], -1);
  if (at < 0) at += size;
  if (at < 0 || at >= size)
    interpreter.fail(cat("'pop' from a list of ", size, " items: there is no such item"));
  interpreter.step(1 + items.size() / 8);
  const auto value = items[static_cast<std::size_t>(at)];
  items.erase(items.begin() + at);
  return value;
}

std::optional<std::size_t> position_of(Interpreter& interpreter, const List& list, const Value& wanted) {
  for (std::size_t i = 0; i < list.items.size(); ++i)
    if (equal(list.items[i], wanted, interpreter)) return i;
  return std::nullopt;
}

Value list_remove(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "remove", arguments, {"value"}, 1);
  auto& list = self.as_list();
  const auto at = position_of(interpreter, list, *bound[0]);
  if (!at) interpreter.fail("'remove': the value is not in the list; test it with 'in' first");
  list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(*at));
  return Value::none();
}

Value list_index(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "index", arguments, {"value"}, 1);
  const auto at = position_of(interpreter, self.as_list(), *bound[0]);
  if (!at) interpreter.fail("'index': the value is not in the list; test it with 'in' first");
  return Value::integer(static_cast<std::int64_t>(*at));
}

Value list_count(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "count", arguments, {"value"}, 1);
  std::int64_t count = 0;
  for (const auto& item : self.as_list().items)
    if (equal(item, *bound[0], interpreter)) ++count;
  return Value::integer(count);
}

Value list_reverse(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "reverse", arguments);
  auto& items = self.as_list().items;
  interpreter.step(items.size() / 4);
  std::reverse(items.begin(), items.end());
  return Value::none();
}

Value list_sort(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "sort", arguments, {"reverse"});
  auto& items = self.as_list().items;
  const bool reverse = bound[0] && truthy(*bound[0]);
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    return reverse ? compare(interpreter, b, a) == -1 : compare(interpreter, a, b) == -1;
  });
  return Value::none();
}

Value list_clear(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "clear", arguments);
  self.as_list().items.clear();
  return Value::none();
}

Value list_copy(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "copy", arguments);
  return interpreter.new_list(self.as_list().items);
}

constexpr Named<Native> kListMethods[] = {
    {"append", list_append}, {"clear", list_clear},     {"copy", list_copy},     {"count", list_count},
    {"extend", list_extend}, {"index", list_index},     {"insert", list_insert}, {"pop", list_pop},
    {"remove", list_remove}, {"reverse", list_reverse}, {"sort", list_sort},
};
static_assert(is_sorted_table(kListMethods));

constexpr Named<Native> kTupleMethods[] = {{"count", list_count}, {"index", list_index}};

// ---- dict

Value dict_get(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "get", arguments, {"key", "default"}, 1);
  if (const auto* value = find(self.as_dict(), *bound[0], interpreter)) return *value;
  return bound[1].value_or(Value::none());
}

Value dict_items(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "items", arguments);
  return items_of_dict(interpreter, self.as_dict());
}

Value dict_keys(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "keys", arguments);
  return Value::list(&interpreter.iterate(self));
}

Value dict_values(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "values", arguments);
  const auto result = interpreter.new_list();
  for (const auto& entry : self.as_dict().entries) result.as_list().items.push_back(entry.second);
  interpreter.step(self.as_dict().entries.size());
  return result;
}

Value dict_update(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  auto& dict = self.as_dict();
  if (arguments.positional.size() > 1) interpreter.fail("'update' takes one mapping");
  if (!arguments.positional.empty()) {
    const auto source = arguments.positional[0];
    if (!source.is(Kind::dict))
      interpreter.fail(cat("'update' needs a mapping, got ", kind_name(source.kind())));
    const auto entries = source.as_dict().entries;  // a copy: it may be the same
    for (const auto& [key, value] : entries) put(dict, key, value, interpreter);
  }
  for (const auto& [name, value] : arguments.named) put(dict, Value::string(name), value, interpreter);
  return Value::none();
}

Value dict_pop(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "pop", arguments, {"key", "default"}, 1);
  auto& entries = self.as_dict().entries;
  for (auto at = entries.begin(); at != entries.end(); ++at) {
    if (!equal(at->first, *bound[0], interpreter)) continue;
    const auto value = at->second;
    interpreter.step(1 + entries.size() / 8);
    entries.erase(at);
    return value;
  }
  if (!bound[1]) interpreter.fail("'pop': there is no such key; pass a default or test it with 'in' first");
  return *bound[1];
}

Value dict_set_default(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto bound = bind(interpreter, "setdefault", arguments, {"key", "default"}, 1);
  if (const auto* value = find(self.as_dict(), *bound[0], interpreter)) return *value;
  const auto value = bound[1].value_or(Value::none());
  put(self.as_dict(), *bound[0], value, interpreter);
  return value;
}

Value dict_clear(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "clear", arguments);
  self.as_dict().entries.clear();
  return Value::none();
}

Value dict_copy(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "copy", arguments);
  const auto result = interpreter.new_dict();
  result.as_dict().entries = self.as_dict().entries;
  interpreter.step(self.as_dict().entries.size());
  return result;
}

constexpr Named<Native> kDictMethods[] = {
    {"clear", dict_clear},
    {"copy", dict_copy},
    {"get", dict_get},
    {"items", dict_items},
    {"keys", dict_keys},
    {"pop", dict_pop},
    {"setdefault", dict_set_default},
    {"update", dict_update},
    {"values", dict_values},
};
static_assert(is_sorted_table(kDictMethods));

}  // namespace

Native find_method(Kind kind, std::string_view name) noexcept {
  switch (kind) {
    case Kind::string: return find_code(kStringMethods, name);
    case Kind::list: return find_code(kListMethods, name);
    case Kind::tuple: return find_code(kTupleMethods, name);
    case Kind::dict: return find_code(kDictMethods, name);
    case Kind::undefined:
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::space:
    case Kind::loop:
    case Kind::function: break;
  }
  return nullptr;
}

}  // namespace quintet::jinja
