#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tokenizer/jinja_program.h"
#include "tokenizer/jinja_value.h"

namespace quintet::jinja {

struct Arguments {
  std::pmr::vector<Value> positional;
  std::pmr::vector<std::pair<std::string_view, Value>> named;

  const Value* find_named(std::string_view name) const noexcept;
};

/// Code of a function or a method; `self` is what the method was looked up on.
using Native = Value (*)(Interpreter&, const Value& self, Arguments&);

/// The tables of names, each sorted; nullptr when there is no such name.
Filter find_filter(std::string_view name) noexcept;
Test find_test(std::string_view name) noexcept;
Native find_global(std::string_view name) noexcept;
Native find_method(Kind kind, std::string_view name) noexcept;

/// What there is instead of an unknown name, for messages.
std::string suggest_filter();
std::string suggest_test();

/// Matches arguments with parameters as Python does. A missing optional one is absent.
/// `what` names the function in errors; the first `n_required` parameters must be given.
template <std::size_t N>
std::array<std::optional<Value>, N> bind(Interpreter& interpreter, std::string_view what,
                                         const Arguments& arguments, const std::string_view (&parameters)[N],
                                         std::size_t n_required = 0);

void bind_into(Interpreter& interpreter, std::string_view what, const Arguments& arguments,
               const std::string_view* parameters, std::size_t n_parameters, std::size_t n_required,
               std::optional<Value>* bound);

template <std::size_t N>
std::array<std::optional<Value>, N> bind(Interpreter& interpreter, std::string_view what,
                                         const Arguments& arguments, const std::string_view (&parameters)[N],
                                         std::size_t n_required) {
  std::array<std::optional<Value>, N> bound;
  bind_into(interpreter, what, arguments, parameters, N, n_required, bound.data());
  return bound;
}

/// Throws InvalidArgument unless there are none.
void no_arguments(Interpreter& interpreter, std::string_view what, const Arguments& arguments);

/// -1, 0 or 1 in Python's order; throws InvalidArgument when the two cannot be ordered.
int compare(Interpreter& interpreter, const Value& a, const Value& b, int depth = 0);

// Filters that go through lists, for the table of all filters.
Value filter_batch(Interpreter&, const Value& subject, Arguments&);
Value filter_dictsort(Interpreter&, const Value& subject, Arguments&);
Value filter_first(Interpreter&, const Value& subject, Arguments&);
Value filter_groupby(Interpreter&, const Value& subject, Arguments&);
Value filter_items(Interpreter&, const Value& subject, Arguments&);
Value filter_join(Interpreter&, const Value& subject, Arguments&);
Value filter_last(Interpreter&, const Value& subject, Arguments&);
Value filter_list(Interpreter&, const Value& subject, Arguments&);
Value filter_map(Interpreter&, const Value& subject, Arguments&);
Value filter_max(Interpreter&, const Value& subject, Arguments&);
Value filter_min(Interpreter&, const Value& subject, Arguments&);
Value filter_reject(Interpreter&, const Value& subject, Arguments&);
Value filter_rejectattr(Interpreter&, const Value& subject, Arguments&);
Value filter_reverse(Interpreter&, const Value& subject, Arguments&);
Value filter_select(Interpreter&, const Value& subject, Arguments&);
Value filter_selectattr(Interpreter&, const Value& subject, Arguments&);
Value filter_slice(Interpreter&, const Value& subject, Arguments&);
Value filter_sort(Interpreter&, const Value& subject, Arguments&);
Value filter_sum(Interpreter&, const Value& subject, Arguments&);
Value filter_unique(Interpreter&, const Value& subject, Arguments&);

// What methods and filters share.
Value items_of_dict(Interpreter& interpreter, const Dict& dict);  // list of (key, value)
Value join_items(Interpreter& interpreter, const std::pmr::vector<Value>& items, std::string_view separator);
Value stripped(Interpreter& interpreter, std::string_view text, std::optional<std::string_view> chars,
               bool left, bool right);
Value replace_in(Interpreter& interpreter, std::string_view text, std::string_view from, std::string_view to,
                 std::int64_t count);
/// `align` is '<', '>' or '^'; `fill` one character.
Value justified(Interpreter& interpreter, std::string_view text, std::int64_t width, std::string_view fill,
                char align);

/// a % b for a string a, as Python's printf-style formatting; `values` are what b holds.
Value format_percent(Interpreter& interpreter, std::string_view format, const Arguments& values);
/// str.format.
Value format_braces(Interpreter& interpreter, std::string_view format, const Arguments& values);

}  // namespace quintet::jinja
