#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

[[noreturn]] void wrong_kinds(Interpreter& interpreter, Operator op, const Value& left, const Value& right) {
  std::string_view hint;
  if (op == Operator::add && (left.is(Kind::string) || right.is(Kind::string)))
    hint = "; join texts of any kind with ~, or convert with |string";
  const auto named = [](const Value& value) {
    return value.is(Kind::undefined) && !value.text().empty()
               ? cat("'", truncate_utf8(value.text(), 60), "', which is undefined")
               : std::string(kind_name(value.kind()));
  };
  interpreter.fail(
      cat("cannot apply '", operator_text(op), "' to ", named(left), " and ", named(right), hint));
}

[[noreturn]] void too_large(Interpreter& interpreter) {
  interpreter.fail("the result is not a whole number of at most 64 bits");
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  const auto quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

double modulo(double a, double b) noexcept {
  const auto rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Value integer_arithmetic(Interpreter& interpreter, Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Operator::add: overflow = __builtin_add_overflow(a, b, &result); break;
    case Operator::subtract: overflow = __builtin_sub_overflow(a, b, &result); break;
    case Operator::multiply: overflow = __builtin_mul_overflow(a, b, &result); break;
    case Operator::divide:
      if (b == 0) interpreter.fail("division by zero");
      return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case Operator::floor_divide:
    case Operator::modulo:
      if (b == 0) interpreter.fail("division by zero");
      if (b == -1) {  // the one quotient that may overflow
        if (op == Operator::modulo) return Value::integer(0);
        overflow = __builtin_sub_overflow(std::int64_t{0}, a, &result);
      } else {
        result = floor_divide(a, b);
        if (op == Operator::modulo) result = a - result * b;
      }
      break;
    case Operator::power: {
      if (b < 0) {
        if (a == 0) interpreter.fail("zero cannot be raised to a negative power");
        return Value::real(std::pow(static_cast<double>(a), static_cast<double>(b)));
      }
      result = 1;
      auto base = a;
      bool base_overflow = false;
      for (auto exponent = b; exponent > 0 && !overflow; exponent >>= 1) {
        if ((exponent & 1) != 0) overflow = base_overflow || __builtin_mul_overflow(result, base, &result);
        if (exponent > 1) base_overflow = __builtin_mul_overflow(base, base, &base) || base_overflow;
      }
      break;
    }
    default: break;
  }
  if (overflow) too_large(interpreter);
  return Value::integer(result);
}

Value real_arithmetic(Interpreter& interpreter, Operator op, double a, double b) {
  switch (op) {
    case Operator::add: return Value::real(a + b);
    case Operator::subtract: return Value::real(a - b);
    case Operator::multiply: return Value::real(a * b);
    case Operator::power: {
      if (a == 0 && b < 0) interpreter.fail("zero cannot be raised to a negative power");
      const auto result = std::pow(a, b);
      if (!std::isfinite(result) && std::isfinite(a) && std::isfinite(b))
        interpreter.fail("the result of '**' is no finite real number");
      return Value::real(result);
    }
    default: break;
  }
  if (b == 0) interpreter.fail("division by zero");
  if (op == Operator::divide) return Value::real(a / b);
  return Value::real(op == Operator::modulo ? modulo(a, b) : std::floor(a / b));
}

Value repeat(Interpreter& interpreter, const Value& subject, std::int64_t times) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  const auto size = subject.is(Kind::string) ? subject.text().size() : subject.as_list().items.size();
  if (count != 0 && size > interpreter.environment().limits.max_memory_bytes / count)
    throw Exhausted(cat("template: repeating ", size, " items ", count, " times needs more than ",
                        interpreter.environment().limits.max_memory_bytes, " bytes (max_memory_bytes)"));
  interpreter.step(size * count / 64);
  if (subject.is(Kind::string)) {
    std::string text;
    text.reserve(size * count);
    for (std::size_t i = 0; i < count; ++i) text += subject.text();
    return interpreter.new_string(text);
  }
  auto* list = interpreter.arena().make<List>(interpreter.arena());
  list->items.reserve(size * count);
  const auto& items = subject.as_list().items;
  for (std::size_t i = 0; i < count; ++i) list->items.insert(list->items.end(), items.begin(), items.end());
  return subject.is(Kind::tuple) ? Value::tuple(list) : Value::list(list);
}

/// Bounds of Python's slice.indices(size).
struct Range {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
  std::size_t count = 0;
};

Range slice_range(Interpreter& interpreter, const Value& start, const Value& stop, const Value& step,
                  std::int64_t size) {
  const auto given = [&](const Value& part, std::string_view what) -> std::optional<std::int64_t> {
    if (part.is(Kind::none)) return std::nullopt;
    if (!part.is_integral())
      interpreter.fail(cat("the ", what, " of a slice must be an integer, got ", kind_name(part.kind())));
    return part.as_integer();
  };
  Range range;
  range.step = given(step, "step").value_or(1);
  if (range.step == 0) interpreter.fail("the step of a slice cannot be 0");
  const bool forward = range.step > 0;
  const auto low = forward ? std::int64_t{0} : std::int64_t{-1};
  const auto high = forward ? size : size - 1;
  const auto bound = [&](std::optional<std::int64_t> at, std::int64_t otherwise) {
    if (!at) return otherwise;
    return *at < 0 ? std::max(*at + size, low) : std::min(*at, high);
  };
  range.start = bound(given(start, "start"), forward ? low : high);
  range.stop = bound(given(stop, "stop"), forward ? high : low);
  const auto distance = forward ? range.stop - range.start : range.start - range.stop;
  if (distance > 0) {
    const auto stride =
        forward ? static_cast<std::uint64_t>(range.step) : 0 - static_cast<std::uint64_t>(range.step);
    range.count = static_cast<std::size_t>((static_cast<std::uint64_t>(distance) - 1) / stride) + 1;
  }
  return range;
}

}  // namespace

Value arithmetic(Interpreter& interpreter, Operator op, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) {
    if (left.is_integral() && right.is_integral())
      return integer_arithmetic(interpreter, op, left.as_integer(), right.as_integer());
    return real_arithmetic(interpreter, op, left.as_real(), right.as_real());
  }
  if (op == Operator::add) {
    if (left.is(Kind::string) && right.is(Kind::string)) {
      interpreter.step((left.text().size() + right.text().size()) / 64);
      std::string text;
      text.reserve(left.text().size() + right.text().size());
      text += left.text();
      text += right.text();
      return interpreter.new_string(text);
    }
    if (left.is_list() && left.kind() == right.kind()) {
      const auto& a = left.as_list().items;
      const auto& b = right.as_list().items;
      auto* list = interpreter.arena().make<List>(interpreter.arena());
      interpreter.step((a.size() + b.size()) / 4);
      list->items.reserve(a.size() + b.size());
      list->items.insert(list->items.end(), a.begin(), a.end());
      list->items.insert(list->items.end(), b.begin(), b.end());
      return left.is(Kind::tuple) ? Value::tuple(list) : Value::list(list);
    }
  }
  if (op == Operator::multiply) {
    if ((left.is(Kind::string) || left.is_list()) && right.is_integral())
      return repeat(interpreter, left, right.as_integer());
    if ((right.is(Kind::string) || right.is_list()) && left.is_integral())
      return repeat(interpreter, right, left.as_integer());
  }
  if (op == Operator::modulo && left.is(Kind::string)) {
    auto values = interpreter.new_arguments();
    if (right.is(Kind::tuple)) {
      values.positional = right.as_list().items;
    } else {
      values.positional.push_back(right);
    }
    return format_percent(interpreter, left.text(), values);
  }
  wrong_kinds(interpreter, op, left, right);
}

Value negate(Interpreter& interpreter, const Value& operand) {
  if (operand.is(Kind::real)) return Value::real(-operand.as_real());
  if (operand.as_integer() == std::numeric_limits<std::int64_t>::min()) too_large(interpreter);
  return Value::integer(-operand.as_integer());
}

Value slice_of(Interpreter& interpreter, const Value& object, const Value& start, const Value& stop,
               const Value& step) {
  if (object.is_list()) {
    const auto& items = object.as_list().items;
    const auto range = slice_range(interpreter, start, stop, step, static_cast<std::int64_t>(items.size()));
    auto* list = interpreter.arena().make<List>(interpreter.arena());
    list->items.reserve(range.count);
    interpreter.step(range.count / 4);
    for (std::size_t i = 0; i < range.count; ++i)
      list->items.push_back(
          items[static_cast<std::size_t>(range.start + static_cast<std::int64_t>(i) * range.step)]);
    return object.is(Kind::tuple) ? Value::tuple(list) : Value::list(list);
  }
  if (!object.is(Kind::string))
    interpreter.fail(
        cat("cannot take a slice of ", kind_name(object.kind()), "; a list or a string would work"));
  const auto text = object.text();
  const auto range = slice_range(interpreter, start, stop, step, static_cast<std::int64_t>(length(text)));
  interpreter.step(text.size() / 32);
  if (range.count == 0) return Value::string({});
  if (range.step == 1) {
    const auto rest = text.substr(byte_offset(text, static_cast<std::size_t>(range.start)));
    return Value::string(rest.substr(0, byte_offset(rest, range.count)));
  }
  const auto all = characters(text);
  interpreter.step(all.size() / 4);
  std::string out;
  for (std::size_t i = 0; i < range.count; ++i)
    out += all[static_cast<std::size_t>(range.start + static_cast<std::int64_t>(i) * range.step)];
  return interpreter.new_string(out);
}

int compare(Interpreter& interpreter, const Value& a, const Value& b, int depth) {
  if (depth > kMaxValueDepth) interpreter.too_deep();
  interpreter.step(1);
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral())
      return a.as_integer() < b.as_integer() ? -1 : a.as_integer() > b.as_integer() ? 1 : 0;
    const auto x = a.as_real();
    const auto y = b.as_real();
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;  // 2: not a number, neither way round
  }
  if (a.is(Kind::string) && b.is(Kind::string)) {
    interpreter.step(std::min(a.text().size(), b.text().size()) / 64);
    const auto order = a.text().compare(b.text());  // of UTF-8 bytes: that of code points
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  if (a.is_list() && a.kind() == b.kind()) {
    const auto& x = a.as_list().items;
    const auto& y = b.as_list().items;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equal(x[i], y[i], interpreter, depth + 1)) return compare(interpreter, x[i], y[i], depth + 1);
    return x.size() < y.size() ? -1 : x.size() > y.size() ? 1 : 0;
  }
  interpreter.fail(cat("cannot order ", kind_name(a.kind()), " and ", kind_name(b.kind()),
                       "; two numbers, two strings or two lists would work"));
}

const Value* Arguments::find_named(std::string_view name) const noexcept {
  for (const auto& [known, value] : named)
    if (known == name) return &value;
  return nullptr;
}

void bind_into(Interpreter& interpreter, std::string_view what, const Arguments& arguments,
               const std::string_view* parameters, std::size_t n_parameters, std::size_t n_required,
               std::optional<Value>* bound) {
  if (arguments.positional.size() > n_parameters)
    interpreter.fail(
        cat("'", what, "' takes at most ", n_parameters, " arguments, got ", arguments.positional.size()));
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) bound[i] = arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto* at = std::find(parameters, parameters + n_parameters, name);
    if (at == parameters + n_parameters) {
      std::string known;
      for (std::size_t i = 0; i < n_parameters; ++i) known += cat(i == 0 ? "" : ", ", parameters[i]);
      interpreter.fail(cat("'", what, "' has no argument '", truncate_utf8(name, 40), "'; it has: ", known));
    }
    auto& place = bound[at - parameters];
    if (place) interpreter.fail(cat("'", what, "' got its argument '", name, "' twice"));
    place = value;
  }
  for (std::size_t i = 0; i < n_required; ++i)
    if (!bound[i]) interpreter.fail(cat("'", what, "' needs its argument '", parameters[i], "'"));
}

void no_arguments(Interpreter& interpreter, std::string_view what, const Arguments& arguments) {
  if (!arguments.positional.empty() || !arguments.named.empty())
    interpreter.fail(cat("'", what, "' takes no arguments"));
}

}  // namespace quintet::jinja
