#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

bool flag(const std::optional<Value>& value) {
  return value && truthy(*value);
}

bool given(const std::optional<Value>& value) {
  return value && !value->is(Kind::none);
}

/// What an item is ordered or told apart by: its attribute, texts without regard to case unless asked.
Value sort_key(Interpreter& interpreter, const Value& item, const std::optional<Value>& attribute,
               bool case_sensitive) {
  const auto value = given(attribute) ? interpreter.path(item, *attribute) : item;
  if (case_sensitive || !value.is(Kind::string)) return value;
  interpreter.step(value.text().size() / 4);
  return interpreter.new_string(lower(value.text()));
}

using Keyed = std::pair<Value, Value>;  // key, item

void sort_keyed(Interpreter& interpreter, std::vector<Keyed>& all, bool reverse) {
  const auto less = [&](const Value& a, const Value& b) {
    // Two of these are equal, although '<' cannot order them.
    if (a.kind() == b.kind() && (a.is(Kind::none) || a.is(Kind::undefined))) return false;
    return compare(interpreter, a, b) == -1;
  };
  std::stable_sort(all.begin(), all.end(), [&](const Keyed& a, const Keyed& b) {
    return reverse ? less(b.first, a.first) : less(a.first, b.first);
  });
}

/// The arguments after the first `n`, for a filter or a test that gets them.
Arguments rest_of(Interpreter& interpreter, const Arguments& arguments, std::size_t n) {
  auto rest = interpreter.new_arguments();
  const auto& all = arguments.positional;
  rest.positional.assign(all.begin() + static_cast<std::ptrdiff_t>(std::min(n, all.size())), all.end());
  rest.named = arguments.named;
  return rest;
}

std::string_view name_of(Interpreter& interpreter, std::string_view what, const Value& value) {
  if (!value.is(Kind::string))
    interpreter.fail(cat("'", what, "' needs a name in quotes, got ", kind_name(value.kind())));
  return value.text();
}

Value select(Interpreter& interpreter, std::string_view what, const Value& subject,
             const Arguments& arguments, bool by_attribute, bool wanted) {
  const std::size_t first = by_attribute ? 1 : 0;
  if (arguments.positional.size() < first) interpreter.fail(cat("'", what, "' needs an attribute's name"));
  const bool has_test = arguments.positional.size() > first;
  const auto test = has_test ? name_of(interpreter, what, arguments.positional[first]) : std::string_view();
  const auto result = interpreter.new_list();
  if (!truthy(subject)) return result;  // none is as good as an empty list
  const auto& items = interpreter.iterate(subject).items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto item = items[i];
    const auto value = by_attribute ? interpreter.path(item, arguments.positional[0]) : item;
    interpreter.step(1);
    bool passes = truthy(value);
    if (has_test) {
      auto rest = rest_of(interpreter, arguments, first + 1);
      passes = interpreter.apply_test(test, value, rest);
    }
    if (passes == wanted) result.as_list().items.push_back(item);
  }
  return result;
}

template <int wanted>
Value extreme(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound =
      bind(interpreter, wanted < 0 ? "min" : "max", arguments, {"case_sensitive", "attribute"});
  const auto& items = interpreter.iterate(subject).items;
  if (items.empty()) return Value::undefined("no item of an empty list");
  auto best = items[0];
  auto best_key = sort_key(interpreter, best, bound[1], flag(bound[0]));
  for (std::size_t i = 1; i < items.size(); ++i) {
    const auto key = sort_key(interpreter, items[i], bound[1], flag(bound[0]));
    if (compare(interpreter, key, best_key) != wanted) continue;
    best = items[i];
    best_key = key;
  }
  return best;
}

}  // namespace

Value filter_first(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "first", arguments);
  const auto& items = interpreter.iterate(subject).items;
  return items.empty() ? Value::undefined("first item of an empty list") : items.front();
}

Value filter_last(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "last", arguments);
  const auto& items = interpreter.iterate(subject).items;
  return items.empty() ? Value::undefined("last item of an empty list") : items.back();
}

Value filter_list(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "list", arguments);
  return interpreter.new_list(interpreter.iterate(subject).items);
}

Value filter_items(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "items", arguments);
  if (subject.is(Kind::undefined)) return interpreter.new_list();
  if (!subject.is(Kind::dict))
    interpreter.fail(cat("'items' needs a mapping, got ", kind_name(subject.kind())));
  return items_of_dict(interpreter, subject.as_dict());
}

Value filter_reverse(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  no_arguments(interpreter, "reverse", arguments);
  if (subject.is(Kind::string)) {
    auto parts = characters(subject.text());
    interpreter.step(parts.size() / 4);
    std::string out;
    for (auto at = parts.rbegin(); at != parts.rend(); ++at) out += *at;
    return interpreter.new_string(out);
  }
  const auto result = interpreter.new_list(interpreter.iterate(subject).items);
  std::reverse(result.as_list().items.begin(), result.as_list().items.end());
  return result;
}

Value filter_join(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "join", arguments, {"d", "attribute"});
  const auto separator = bound[0] ? interpreter.str(*bound[0]) : std::string();
  const auto& items = interpreter.iterate(subject).items;
  if (!given(bound[1])) return join_items(interpreter, items, separator);
  const auto mapped = interpreter.new_list();
  for (std::size_t i = 0; i < items.size(); ++i)
    mapped.as_list().items.push_back(interpreter.path(items[i], *bound[1]));
  return join_items(interpreter, mapped.as_list().items, separator);
}

Value filter_map(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto result = interpreter.new_list();
  if (!truthy(subject)) return result;
  const auto& items = interpreter.iterate(subject).items;
  auto& out = result.as_list().items;
  if (arguments.positional.empty() && arguments.find_named("attribute") != nullptr) {
    const auto bound = bind(interpreter, "map", arguments, {"attribute", "default"});
    for (std::size_t i = 0; i < items.size(); ++i) {
      interpreter.step(1);
      out.push_back(interpreter.path(items[i], *bound[0], bound[1]));
    }
    return result;
  }
  if (arguments.positional.empty()) interpreter.fail("'map' needs a filter's name or attribute='name'");
  const auto name = name_of(interpreter, "map", arguments.positional[0]);
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto rest = rest_of(interpreter, arguments, 1);
    out.push_back(interpreter.apply_filter(name, items[i], rest));
  }
  return result;
}

Value filter_select(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  return select(interpreter, "select", subject, arguments, false, true);
}
Value filter_reject(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  return select(interpreter, "reject", subject, arguments, false, false);
}
Value filter_selectattr(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  return select(interpreter, "selectattr", subject, arguments, true, true);
}
Value filter_rejectattr(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  return select(interpreter, "rejectattr", subject, arguments, true, false);
}

Value filter_sort(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "sort", arguments, {"reverse", "case_sensitive", "attribute"});
  std::vector<Keyed> all;
  const bool case_sensitive = flag(bound[1]);
  for (const auto& item : interpreter.iterate(subject).items) {
    // "a,b" orders by a, then by b.
    auto key = Value();
    if (given(bound[2]) && bound[2]->is(Kind::string) &&
        bound[2]->text().find(',') != std::string_view::npos) {
      auto* keys = interpreter.arena().make<List>(interpreter.arena());
      for (const auto part : split(bound[2]->text(), ','))
        keys->items.push_back(sort_key(interpreter, item, Value::string(trim(part)), case_sensitive));
      key = Value::list(keys);
    } else {
      key = sort_key(interpreter, item, bound[2], case_sensitive);
    }
    all.emplace_back(key, item);
  }
  sort_keyed(interpreter, all, flag(bound[0]));
  const auto result = interpreter.new_list();
  for (const auto& [key, item] : all) result.as_list().items.push_back(item);
  return result;
}

Value filter_dictsort(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "dictsort", arguments, {"case_sensitive", "by", "reverse"});
  if (!subject.is(Kind::dict))
    interpreter.fail(cat("'dictsort' needs a mapping, got ", kind_name(subject.kind())));
  const auto by = bound[1] && bound[1]->is(Kind::string) ? bound[1]->text() : "key";
  if (by != "key" && by != "value") interpreter.fail("'dictsort' sorts by 'key' or 'value'");
  std::vector<Keyed> all;
  for (const auto& [key, value] : subject.as_dict().entries)
    all.emplace_back(sort_key(interpreter, by == "key" ? key : value, std::nullopt, flag(bound[0])),
                     interpreter.new_tuple({key, value}));
  sort_keyed(interpreter, all, flag(bound[2]));
  const auto result = interpreter.new_list();
  for (const auto& [key, item] : all) result.as_list().items.push_back(item);
  return result;
}

Value filter_groupby(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  std::vector<Keyed> all;
  for (const auto& item : interpreter.iterate(subject).items) {
    auto key = sort_key(interpreter, item, bound[0], flag(bound[2]));
    if (key.is(Kind::undefined) && bound[1]) key = *bound[1];
    all.emplace_back(key, item);
  }
  sort_keyed(interpreter, all, false);
  const auto result = interpreter.new_list();
  for (std::size_t i = 0; i < all.size();) {
    const auto group = interpreter.new_list();
    const auto start = i;
    while (i < all.size() && equal(all[i].first, all[start].first, interpreter))
      group.as_list().items.push_back(all[i++].second);
    auto shown = interpreter.path(all[start].second, *bound[0]);
    if (shown.is(Kind::undefined) && bound[1]) shown = *bound[1];
    result.as_list().items.push_back(interpreter.new_tuple({shown, group}));
  }
  return result;
}

Value filter_unique(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "unique", arguments, {"case_sensitive", "attribute"});
  const auto seen = interpreter.new_list();
  const auto result = interpreter.new_list();
  for (const auto& item : interpreter.iterate(subject).items) {
    const auto key = sort_key(interpreter, item, bound[1], flag(bound[0]));
    if (interpreter.contains(seen, key)) continue;
    seen.as_list().items.push_back(key);
    result.as_list().items.push_back(item);
  }
  return result;
}

Value filter_sum(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "sum", arguments, {"attribute", "start"});
  auto total = bound[1].value_or(Value::integer(0));
  const auto& items = interpreter.iterate(subject).items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    interpreter.step(1);
    const auto value = given(bound[0]) ? interpreter.path(items[i], *bound[0]) : items[i];
    total = arithmetic(interpreter, Operator::add, total, value);
  }
  return total;
}

Value filter_min(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  return extreme<-1>(interpreter, subject, arguments);
}
Value filter_max(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  return extreme<1>(interpreter, subject, arguments);
}

Value filter_batch(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "batch", arguments, {"linecount", "fill_with"}, 1);
  if (!bound[0]->is_integral() || bound[0]->as_integer() < 1 || bound[0]->as_integer() > 100'000)
    interpreter.fail("'batch' needs a size from 1 to 100000");
  const auto size = static_cast<std::size_t>(bound[0]->as_integer());
  const auto result = interpreter.new_list();
  for (const auto& item : interpreter.iterate(subject).items) {
    auto& batches = result.as_list().items;
    if (batches.empty() || batches.back().as_list().items.size() == size)
      batches.push_back(interpreter.new_list());
    batches.back().as_list().items.push_back(item);
    interpreter.step(1);
  }
  if (given(bound[1]) && !result.as_list().items.empty()) {
    auto& last = result.as_list().items.back().as_list().items;
    interpreter.step(size);
    last.resize(size, *bound[1]);
  }
  return result;
}

Value filter_slice(Interpreter& interpreter, const Value& subject, Arguments& arguments) {
  const auto bound = bind(interpreter, "slice", arguments, {"slices", "fill_with"}, 1);
  if (!bound[0]->is_integral() || bound[0]->as_integer() < 1 || bound[0]->as_integer() > 100'000)
    interpreter.fail("'slice' needs a number of slices from 1 to 100000");
  const auto n_slices = static_cast<std::size_t>(bound[0]->as_integer());
  const auto& items = interpreter.iterate(subject).items;
  const auto per_slice = items.size() / n_slices;
  const auto n_longer = items.size() % n_slices;
  const auto result = interpreter.new_list();
  std::size_t at = 0;
  for (std::size_t i = 0; i < n_slices; ++i) {
    const auto size = per_slice + (i < n_longer ? 1 : 0);
    const auto part = interpreter.new_list(std::span<const Value>(items).subspan(at, size));
    interpreter.step(1 + size);
    at += size;
    if (given(bound[1]) && i >= n_longer && n_longer > 0) part.as_list().items.push_back(*bound[1]);
    result.as_list().items.push_back(part);
  }
  return result;
}

Value items_of_dict(Interpreter& interpreter, const Dict& dict) {
  const auto result = interpreter.new_list();
  result.as_list().items.reserve(dict.entries.size());
  interpreter.step(dict.entries.size());
  for (const auto& [key, value] : dict.entries)
    result.as_list().items.push_back(interpreter.new_tuple({key, value}));
  return result;
}

Value join_items(Interpreter& interpreter, const std::pmr::vector<Value>& items, std::string_view separator) {
  std::string out;
  const auto most = interpreter.environment().limits.max_memory_bytes;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += separator;
    append_str(out, items[i], interpreter);
    interpreter.step(1 + separator.size() / 64);
    if (out.size() > most)
      throw Exhausted(cat("template: 'join' makes more than ", most, " bytes (max_memory_bytes)"));
  }
  interpreter.step(out.size() / 64);
  return interpreter.new_string(out);
}

}  // namespace quintet::jinja
