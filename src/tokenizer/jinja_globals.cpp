#include <ctime>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_names.h"

namespace quintet::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // as Jinja's sandbox has it

Value make_range(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const auto bound = bind(interpreter, "range", arguments, {"start", "stop", "step"}, 1);
  const auto number = [&](const std::optional<Value>& value, std::int64_t otherwise) {
    if (!value) return otherwise;
    if (!value->is_integral())
      interpreter.fail(cat("'range' needs integers, got ", kind_name(value->kind())));
    return value->as_integer();
  };
  const auto start = bound[1] ? number(bound[0], 0) : 0;
  const auto stop = bound[1] ? number(bound[1], 0) : number(bound[0], 0);
  const auto step = number(bound[2], 1);
  if (step == 0) interpreter.fail("'range' needs a step other than 0");
  const auto result = interpreter.new_list();
  if (step > 0 ? start >= stop : start <= stop) return result;
  const auto distance = static_cast<std::uint64_t>(step > 0 ? stop : start) -
                        static_cast<std::uint64_t>(step > 0 ? start : stop);
  const auto stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const auto count = (distance - 1) / stride + 1;
  if (count > static_cast<std::uint64_t>(kMaxRange))
    throw Exhausted(cat("template: 'range' would have ", static_cast<unsigned long long>(count),
                        " items, the most is ", kMaxRange));
  interpreter.step(count);
  auto& items = result.as_list().items;
  items.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i)
    items.push_back(Value::integer(start + static_cast<std::int64_t>(i) * step));
  return result;
}

void fill_dict(Interpreter& interpreter, std::string_view what, Dict& dict, const Arguments& arguments) {
  if (arguments.positional.size() > 1)
    interpreter.fail(cat("'", what, "' takes one mapping or list of pairs"));
  if (!arguments.positional.empty()) {
    const auto& source = arguments.positional[0];
    if (source.is(Kind::dict)) {
      dict.entries = source.as_dict().entries;
      interpreter.step(dict.entries.size());
    } else {
      for (const auto& pair : interpreter.iterate(source).items) {
        const auto& parts = interpreter.iterate(pair).items;
        if (parts.size() != 2) interpreter.fail(cat("'", what, "' needs pairs of a key and a value"));
        put(dict, parts[0], parts[1], interpreter);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) put(dict, Value::string(name), value, interpreter);
}

Value make_namespace(Interpreter& interpreter, const Value&, Arguments& arguments) {
  auto* dict = interpreter.arena().make<Dict>(interpreter.arena());
  fill_dict(interpreter, "namespace", *dict, arguments);
  return Value::space(dict);
}

Value make_dict(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const auto result = interpreter.new_dict();
  fill_dict(interpreter, "dict", result.as_dict(), arguments);
  return result;
}

Value raise_exception(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const auto bound = bind(interpreter, "raise_exception", arguments, {"message"}, 1);
  interpreter.fail(
      cat("the template refuses this conversation: ", truncate_utf8(interpreter.str(*bound[0]), 2000)));
}

/// One directive of strftime, as the C locale writes it. Python hands all others to the C library too.
void append_time(std::string& out, char flag, char directive, const std::tm& time) {
  const char format[] = {'%', flag == '\0' ? directive : flag, flag == '\0' ? '\0' : directive, '\0'};
  char buffer[128];
  out.append(buffer, std::strftime(buffer, sizeof buffer, format, &time));
}

Value strftime_now(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const auto bound = bind(interpreter, "strftime_now", arguments, {"format"}, 1);
  if (!bound[0]->is(Kind::string)) interpreter.fail("'strftime_now' needs a format, such as '%d %b %Y'");
  const auto format = bound[0]->text();
  const auto& environment = interpreter.environment();
  const auto milliseconds = environment.now.value_or(now_ms());
  const auto seconds = static_cast<std::time_t>(milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0));
  std::tm time{};
  if (environment.now) {
    gmtime_r(&seconds, &time);
  } else {
    localtime_r(&seconds, &time);
  }
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char flag = '\0';
    if (std::string_view("-_0^#").find(format[i + 1]) != std::string_view::npos && i + 2 < format.size())
      flag = format[++i];
    const char directive = format[++i];
    interpreter.step(1);
    if (directive == 'f') {
      const auto micros = cat((milliseconds % 1000 + 1000) % 1000 * 1000);
      out.append(6 - micros.size(), '0');
      out += micros;
    } else if (directive == '%') {
      out += '%';
    } else if (std::string_view("aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ").find(directive) !=
               std::string_view::npos) {
      append_time(out, flag, directive, time);
    } else {
      out += format.substr(i - (flag == '\0' ? 1 : 2), flag == '\0' ? 2 : 3);
    }
  }
  return interpreter.new_string(out);
}

Value joiner_call(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(interpreter, "joiner", arguments);
  auto& state = self.as_list().items;  // [separator, used]
  const auto result = truthy(state[1]) ? state[0] : Value::string({});
  state[1] = Value::boolean(true);
  return result;
}

Value make_joiner(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const auto bound = bind(interpreter, "joiner", arguments, {"sep"});
  const Value state[] = {bound[0].value_or(Value::string(", ")), Value::boolean(false)};
  return interpreter.new_function("joiner", joiner_call, interpreter.new_list(state));
}

constexpr Named<Native> kGlobals[] = {
    {"dict", make_dict},           {"joiner", make_joiner},
    {"namespace", make_namespace}, {"raise_exception", raise_exception},
    {"range", make_range},         {"strftime_now", strftime_now},
};
static_assert(is_sorted_table(kGlobals));

}  // namespace

Native find_global(std::string_view name) noexcept {
  return find_code(kGlobals, name);
}

}  // namespace quintet::jinja
