#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 10'000;
constexpr int kMaxPrecision = 100;

/// [[fill]align][sign][#][0][width][,][.precision][type], as both of Python's formatting languages know it.
struct Spec {
  std::string fill = " ";
  char align = '\0';
  char sign = '-';
  bool zero = false;
  bool comma = false;
  std::int64_t width = 0;
  int precision = -1;
  char type = '\0';
};

std::string grouped(std::string_view number) {
  const auto start = number.find_first_of("0123456789");
  auto end = number.find_first_not_of("0123456789", start);
  if (end == std::string_view::npos) end = number.size();
  std::string out(number.substr(0, start));
  for (auto i = start; i < end; ++i) {
    out += number[i];
    if (i + 1 < end && (end - i - 1) % 3 == 0) out += ',';
  }
  out += number.substr(end);
  return out;
}

std::string real_text(double number, char type, int precision) {
  if (!std::isfinite(number)) {
    std::string text;
    append_float(text, number);
    return text;
  }
  std::string text(512, '\0');
  const auto format = type == 'e' || type == 'E'   ? std::chars_format::scientific
                      : type == 'g' || type == 'G' ? std::chars_format::general
                                                   : std::chars_format::fixed;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), number, format,
                                    precision < 0 ? 6 : std::min(precision, kMaxPrecision));
  text.resize(static_cast<std::size_t>(result.ptr - text.data()));
  if (type == 'E' || type == 'G') text = upper(text);
  return text;
}

std::string integer_text(std::int64_t number, char type) {
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  char buffer[72];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, number, base);
  std::string text(buffer, result.ptr);
  return type == 'X' ? upper(text) : text;
}

std::string padded(std::string text, const Spec& spec, char default_align) {
  const auto size = static_cast<std::int64_t>(length(text));
  if (spec.width <= size) return text;
  const auto align = spec.align != '\0' ? spec.align : default_align;
  const auto total = static_cast<std::size_t>(spec.width - size);
  const auto left = align == '<' ? 0 : align == '^' ? total / 2 : total;
  std::string out;
  std::size_t sign_bytes = 0;
  if (align == '=' && !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ')) sign_bytes = 1;
  out += std::string_view(text).substr(0, sign_bytes);
  for (std::size_t i = 0; i < left; ++i) out += spec.fill;
  out += std::string_view(text).substr(sign_bytes);
  for (std::size_t i = left; i < total; ++i) out += spec.fill;
  return out;
}

std::string formatted(Interpreter& interpreter, const Value& value, const Spec& spec) {
  constexpr std::string_view kReals = "eEfFgG%";
  constexpr std::string_view kIntegers = "bdoxXi";
  const auto signed_text = [&](std::string text) {
    if ((spec.sign == '+' || spec.sign == ' ') && text.front() != '-') text.insert(0, 1, spec.sign);
    return text;
  };
  std::string text;
  if (spec.type != '\0' && kReals.find(spec.type) != std::string_view::npos) {
    if (!value.is_number())
      interpreter.fail(cat("format '", spec.type, "' needs a number, got ", kind_name(value.kind())));
    text = spec.type == '%' ? real_text(value.as_real() * 100, 'f', spec.precision) + '%'
                            : real_text(value.as_real(), spec.type, spec.precision);
  } else if (spec.type != '\0' && kIntegers.find(spec.type) != std::string_view::npos) {
    if (!value.is_number())
      interpreter.fail(cat("format '", spec.type, "' needs an integer, got ", kind_name(value.kind())));
    const auto number = value.as_real();
    if (value.is(Kind::real) && !(std::abs(number) < 9.2e18))
      interpreter.fail(cat("format '", spec.type, "' needs a number of at most 64 bits"));
    text = integer_text(value.is(Kind::real) ? static_cast<std::int64_t>(number) : value.as_integer(),
                        spec.type);
  } else {
    text = interpreter.str(value);
    if (spec.precision >= 0 && value.is(Kind::real)) {
      text = real_text(value.as_real(), 'g', std::max(spec.precision, 1));
    } else if (spec.precision >= 0) {
      text.resize(byte_offset(text, static_cast<std::size_t>(spec.precision)));
    }
    if (!value.is_number() || value.is(Kind::boolean)) return padded(std::move(text), spec, '<');
  }
  if (spec.comma) text = grouped(text);
  text = signed_text(std::move(text));
  auto filled = spec;
  if (spec.zero && spec.align == '\0') {
    filled.fill = "0";
    filled.align = '=';
  }
  return padded(std::move(text), filled, '>');
}

/// Digits at `pos`, moving past them; at most `most`.
std::optional<std::int64_t> digits(Interpreter& interpreter, std::string_view text, std::size_t& pos,
                                   std::int64_t most) {
  const auto start = pos;
  std::int64_t number = 0;
  for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos) {
    number = number * 10 + (text[pos] - '0');
    if (number > most) interpreter.fail(cat("a number above ", most, " in a format"));
  }
  if (pos == start) return std::nullopt;
  return number;
}

void append_checked(Interpreter& interpreter, std::string& out, std::string_view text) {
  out += text;
  interpreter.step(1 + text.size() / 64);
  if (out.size() > interpreter.environment().limits.max_memory_bytes)
    throw Exhausted(cat("template: formatting makes more than ",
                        interpreter.environment().limits.max_memory_bytes, " bytes (max_memory_bytes)"));
}

Spec parse_spec(Interpreter& interpreter, std::string_view text) {
  Spec spec;
  std::size_t pos = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  const auto first = byte_offset(text, 1);
  if (first < text.size() && is_align(text[first])) {
    spec.fill = std::string(text.substr(0, first));
    spec.align = text[first];
    pos = first + 1;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    pos = 1;
  }
  if (pos < text.size() && (text[pos] == '+' || text[pos] == '-' || text[pos] == ' '))
    spec.sign = text[pos++];
  if (pos < text.size() && text[pos] == '#') ++pos;
  if (pos < text.size() && text[pos] == '0') {
    spec.zero = true;
    ++pos;
  }
  spec.width = digits(interpreter, text, pos, kMaxWidth).value_or(0);
  if (pos < text.size() && text[pos] == ',') {
    spec.comma = true;
    ++pos;
  }
  if (pos < text.size() && text[pos] == '.') {
    ++pos;
    spec.precision = static_cast<int>(digits(interpreter, text, pos, kMaxWidth).value_or(0));
  }
  if (pos < text.size()) spec.type = text[pos++];
  if (pos != text.size() ||
      (spec.type != '\0' && std::string_view("sbdoxXeEfFgG%").find(spec.type) == std::string_view::npos))
    interpreter.fail(
        cat("format: '", truncate_utf8(text, 40), "' is not understood; '>8', '.2f' or 'd' would be"));
  return spec;
}

}  // namespace

Value format_percent(Interpreter& interpreter, std::string_view format, const Arguments& values) {
  std::string out;
  std::size_t next = 0;
  bool by_name = false;
  for (std::size_t pos = 0; pos < format.size();) {
    const auto mark = std::min(format.find('%', pos), format.size());
    append_checked(interpreter, out, format.substr(pos, mark - pos));
    pos = mark + 1;
    if (mark == format.size()) break;
    Spec spec;
    const Value* value = nullptr;
    if (pos < format.size() && format[pos] == '(') {
      const auto end = format.find(')', pos);
      if (end == std::string_view::npos) interpreter.fail("format: '%(' has no ')'");
      const auto name = format.substr(pos + 1, end - pos - 1);
      value = values.find_named(name);
      if (value == nullptr && values.positional.size() == 1 && values.positional[0].is(Kind::dict))
        value = find(values.positional[0].as_dict(), name, interpreter);
      if (value == nullptr)
        interpreter.fail(cat("format: there is no value '", truncate_utf8(name, 40), "'"));
      pos = end + 1;
      by_name = true;
    }
    for (; pos < format.size() && std::string_view("-+ 0#").find(format[pos]) != std::string_view::npos;
         ++pos) {
      if (format[pos] == '-') spec.align = '<';
      if (format[pos] == '+' || format[pos] == ' ') spec.sign = format[pos];
      if (format[pos] == '0') spec.zero = true;
    }
    spec.width = digits(interpreter, format, pos, kMaxWidth).value_or(0);
    if (pos < format.size() && format[pos] == '.') {
      ++pos;
      spec.precision = static_cast<int>(digits(interpreter, format, pos, kMaxWidth).value_or(0));
    }
    if (pos >= format.size()) interpreter.fail("format: the text ends inside a '%'");
    spec.type = format[pos++];
    if (spec.type == '%') {
      out += '%';
      continue;
    }
    if (std::string_view("sradiuoxXeEfFgGc").find(spec.type) == std::string_view::npos)
      interpreter.fail(cat("format: '%", characters(format.substr(pos - 1, 4)).front(),
                           "' is not known; %s, %d and %f are"));
    if (value == nullptr) {
      if (next >= values.positional.size()) interpreter.fail("format: there are more '%' than values");
      value = &values.positional[next++];
    }
    if (spec.align == '\0' && (spec.type == 's' || spec.type == 'r' || spec.type == 'a' || spec.type == 'c'))
      spec.align = '>';
    if (spec.type == 'r' || spec.type == 'a') {
      std::string text;
      append_repr(text, *value, interpreter, 1);
      append_checked(interpreter, out, padded(std::move(text), spec, '>'));
      continue;
    }
    if (spec.type == 's' || spec.type == 'c') {
      auto text = interpreter.str(*value);
      if (spec.precision >= 0 && spec.type == 's')
        text.resize(byte_offset(text, static_cast<std::size_t>(spec.precision)));
      append_checked(interpreter, out, padded(std::move(text), spec, '>'));
      continue;
    }
    if (spec.type == 'i' || spec.type == 'u') spec.type = 'd';
    append_checked(interpreter, out, formatted(interpreter, *value, spec));
  }
  if (!by_name && next < values.positional.size())
    interpreter.fail(cat("format: ", values.positional.size(), " values were given, ", next, " are used"));
  return interpreter.new_string(out);
}

Value format_braces(Interpreter& interpreter, std::string_view format, const Arguments& values) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t pos = 0; pos < format.size();) {
    const auto mark = std::min(format.find_first_of("{}", pos), format.size());
    append_checked(interpreter, out, format.substr(pos, mark - pos));
    pos = mark + 1;
    if (mark == format.size()) break;
    if (pos < format.size() && format[pos] == format[mark]) {
      out += format[pos++];
      continue;
    }
    const auto end = format[mark] == '{' ? format.find('}', pos) : std::string_view::npos;
    if (end == std::string_view::npos)
      interpreter.fail("format: a brace has no partner; write {{ or }} for a brace");
    auto field = format.substr(pos, end - pos);
    pos = end + 1;
    std::string_view spec_text;
    if (const auto colon = field.find(':'); colon != std::string_view::npos) {
      spec_text = field.substr(colon + 1);
      field = field.substr(0, colon);
    }
    char conversion = '\0';
    if (field.size() >= 2 && field[field.size() - 2] == '!') {
      conversion = field.back();
      field.remove_suffix(2);
    }
    const auto name_end = std::min(field.find_first_of(".["), field.size());
    const auto name = field.substr(0, name_end);
    if (name_end != field.size())
      interpreter.fail("format: attributes inside braces are not read; pass the value itself");
    Value value;
    if (const auto index =
            name.empty() ? std::optional<std::int64_t>(static_cast<std::int64_t>(next++)) : parse_int(name)) {
      if (*index < 0 || static_cast<std::size_t>(*index) >= values.positional.size())
        interpreter.fail(cat("format: there is no value ", *index));
      value = values.positional[static_cast<std::size_t>(*index)];
    } else if (const auto* named = values.find_named(name)) {
      value = *named;
    } else {
      interpreter.fail(cat("format: there is no value '", truncate_utf8(name, 40), "'"));
    }
    if (conversion == 'r') {
      std::string text;
      append_repr(text, value, interpreter, 1);
      value = interpreter.new_string(text);
    } else if (conversion == 's') {
      value = interpreter.new_string(interpreter.str(value));
    }
    append_checked(interpreter, out, formatted(interpreter, value, parse_spec(interpreter, spec_text)));
  }
  return interpreter.new_string(out);
}

}  // namespace quintet::jinja
