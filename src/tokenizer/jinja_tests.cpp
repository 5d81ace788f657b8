#include <algorithm>

#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_names.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

template <Kind kind>
bool is_kind(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "test", arguments);
  return value.is(kind);
}

bool is_defined(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return !is_kind<Kind::undefined>(interpreter, value, arguments);
}

template <bool truth>
bool is_truth(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "test", arguments);
  return value.is(Kind::boolean) && value.as_boolean() == truth;
}

bool is_number(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "number", arguments);
  return value.is_number();
}

bool is_sequence(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "sequence", arguments);
  return value.is_list() || value.is(Kind::dict) || value.is(Kind::string) || value.is(Kind::undefined);
}

bool is_iterable(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return is_sequence(interpreter, value, arguments) || value.is(Kind::loop);
}

bool is_callable(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "callable", arguments);
  return value.is(Kind::function) || value.is(Kind::loop);
}

std::int64_t integer_for(Interpreter& interpreter, std::string_view what, const Value& value) {
  if (!value.is_integral())
    interpreter.fail(cat("'", what, "' needs an integer, got ", kind_name(value.kind())));
  return value.as_integer();
}

bool is_odd(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "odd", arguments);
  return (integer_for(interpreter, "odd", value) & 1) != 0;
}

bool is_even(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "even", arguments);
  return (integer_for(interpreter, "even", value) & 1) == 0;
}

bool is_divisible(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto bound = bind(interpreter, "divisibleby", arguments, {"num"}, 1);
  const auto divisor = integer_for(interpreter, "divisibleby", *bound[0]);
  if (divisor == 0) interpreter.fail("division by zero");
  return divisor == -1 || integer_for(interpreter, "divisibleby", value) % divisor == 0;
}

bool is_lower(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "lower", arguments);
  const auto text = interpreter.str(value);
  interpreter.step(text.size() / 2);
  return text == lower(text) && text != upper(text);
}

bool is_upper(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "upper", arguments);
  const auto text = interpreter.str(value);
  interpreter.step(text.size() / 2);
  return text == upper(text) && text != lower(text);
}

bool is_equal(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return equal(value, *bind(interpreter, "eq", arguments, {"other"}, 1)[0], interpreter);
}

bool is_unequal(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return !equal(value, *bind(interpreter, "ne", arguments, {"other"}, 1)[0], interpreter);
}

bool is_same(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto other = *bind(interpreter, "sameas", arguments, {"other"}, 1)[0];
  if (value.kind() != other.kind()) return false;
  if (value.is_list()) return &value.as_list() == &other.as_list();
  if (value.is(Kind::dict)) return &value.as_dict() == &other.as_dict();
  return equal(value, other, interpreter);
}

bool is_in(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return interpreter.contains(*bind(interpreter, "in", arguments, {"seq"}, 1)[0], value);
}

bool is_escaped(Interpreter&, const Value&, Arguments&) {
  return false;
}  // there is no autoescaping here

bool is_filter(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "filter", arguments);
  return value.is(Kind::string) && find_filter(value.text()) != nullptr;
}

bool is_test(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  no_arguments(interpreter, "test", arguments);
  return value.is(Kind::string) && find_test(value.text()) != nullptr;
}

/// The order of value and argument, as compare().
int ordered(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  return compare(interpreter, value, *bind(interpreter, "test", arguments, {"other"}, 1)[0]);
}
bool is_greater(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return ordered(interpreter, value, arguments) == 1;
}
bool is_less(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return ordered(interpreter, value, arguments) == -1;
}
bool is_at_least(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto order = ordered(interpreter, value, arguments);
  return order == 0 || order == 1;
}
bool is_at_most(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto order = ordered(interpreter, value, arguments);
  return order == 0 || order == -1;
}

constexpr Named<Test> kTests[] = {
    {"!=", is_unequal},
    {"<", is_less},
    {"<=", is_at_most},
    {"==", is_equal},
    {">", is_greater},
    {">=", is_at_least},
    {"boolean", is_kind<Kind::boolean>},
    {"callable", is_callable},
    {"defined", is_defined},
    {"divisibleby", is_divisible},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"escaped", is_escaped},
    {"even", is_even},
    {"false", is_truth<false>},
    {"filter", is_filter},
    {"float", is_kind<Kind::real>},
    {"ge", is_at_least},
    {"greaterthan", is_greater},
    {"gt", is_greater},
    {"in", is_in},
    {"integer", is_kind<Kind::integer>},
    {"iterable", is_iterable},
    {"le", is_at_most},
    {"lessthan", is_less},
    {"lower", is_lower},
    {"lt", is_less},
    {"mapping", is_kind<Kind::dict>},
    {"ne", is_unequal},
    {"none", is_kind<Kind::none>},
    {"number", is_number},
    {"odd", is_odd},
    {"sameas", is_same},
    {"sequence", is_sequence},
    {"string", is_kind<Kind::string>},
    {"test", is_test},
    {"true", is_truth<true>},
    {"undefined", is_kind<Kind::undefined>},
    {"upper", is_upper},
};
static_assert(is_sorted_table(kTests));

}  // namespace

Test find_test(std::string_view name) noexcept {
  return find_code(kTests, name);
}
std::string suggest_test() {
  return all_names(kTests);
}

}  // namespace quintet::jinja
