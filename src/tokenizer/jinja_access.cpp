#include <algorithm>

#include "core/text.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_text.h"

// What templates read from values: items, attributes, members.

namespace quintet::jinja {
namespace {

constexpr std::string_view kTestFirst = "; test it with 'is defined' first";

std::string named(const Value& undefined) {
  return undefined.text().empty() ? std::string("an undefined value")
                                  : cat("'", truncate_utf8(undefined.text(), 60), "', which is undefined");
}

Value loop_cycle(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  if (arguments.positional.empty()) interpreter.fail("loop.cycle needs at least one value");
  return arguments.positional[self.as_loop().index % arguments.positional.size()];
}

Value loop_changed(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  auto& loop = self.as_loop();
  const auto now = interpreter.new_list(arguments.positional);
  const bool changed = loop.changed == nullptr || !equal(Value::list(loop.changed), now, interpreter);
  if (changed) loop.changed = &now.as_list();
  return Value::boolean(changed);
}

}  // namespace

Value Interpreter::loop_attribute(Loop& loop, std::string_view name) {
  const auto& items = loop.items->items;
  const auto number = [](std::size_t n) { return Value::integer(static_cast<std::int64_t>(n)); };
  const auto self = Value::loop(&loop);
  if (name == "index") return number(loop.index + 1);
  if (name == "index0") return number(loop.index);
  if (name == "first") return Value::boolean(loop.index == 0);
  if (name == "last") return Value::boolean(loop.index + 1 >= items.size());
  if (name == "length") return number(items.size());
  if (name == "revindex") return Value::integer(static_cast<std::int64_t>(items.size() - loop.index));
  if (name == "revindex0") return Value::integer(static_cast<std::int64_t>(items.size() - loop.index) - 1);
  if (name == "depth") return number(loop.depth + 1);
  if (name == "depth0") return number(loop.depth);
  if (name == "previtem") return loop.index > 0 ? items[loop.index - 1] : Value::undefined("loop.previtem");
  if (name == "nextitem")
    return loop.index + 1 < items.size() ? items[loop.index + 1] : Value::undefined("loop.nextitem");
  if (name == "cycle") return new_function("cycle", loop_cycle, self);
  if (name == "changed") return new_function("changed", loop_changed, self);
  return Value::undefined(name);
}

Value Interpreter::new_list(std::span<const Value> items) {
  auto* list = arena_.make<List>(arena_);
  list->items.assign(items.begin(), items.end());
  step(items.size() / 4);
  return Value::list(list);
}

Value Interpreter::new_tuple(std::initializer_list<Value> items) {
  auto* list = arena_.make<List>(arena_);
  list->items.assign(items);
  return Value::tuple(list);
}

Value Interpreter::new_list_of_strings(std::span<const std::string_view> parts) {
  auto* list = arena_.make<List>(arena_);
  list->items.reserve(parts.size());
  for (const auto part : parts) list->items.push_back(Value::string(part));
  step(parts.size());
  return Value::list(list);
}

Value Interpreter::new_function(std::string_view name, Native code, const Value& self) {
  auto* function = arena_.make<Function>();
  function->name = name;
  function->native = code;
  function->self = self;
  return Value::function(function);
}

std::string Interpreter::str(const Value& value) {
  std::string text;
  append_str(text, value, *this);
  step(text.size() / 64);
  return text;
}

List& Interpreter::iterate(const Value& value) {
  switch (value.kind()) {
    case Kind::list:
    case Kind::tuple: return value.as_list();
    case Kind::undefined: return *arena_.make<List>(arena_);
    case Kind::string: return new_list_of_strings(characters(value.text())).as_list();
    case Kind::dict: {
      auto* keys = arena_.make<List>(arena_);
      for (const auto& entry : value.as_dict().entries) keys->items.push_back(entry.first);
      step(keys->items.size());
      return *keys;
    }
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::space:
    case Kind::loop:
    case Kind::function: break;
  }
  fail(cat("cannot iterate over ", kind_name(value.kind()), "; a list, a mapping or a string would work"));
}

Value Interpreter::attribute(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Kind::undefined:
      fail(cat("cannot read '.", truncate_utf8(name, 60), "' of ", named(object), kTestFirst));
    case Kind::space:
      if (const auto* value = find(object.as_dict(), name, *this)) return *value;
      return Value::undefined(name);
    case Kind::loop: return loop_attribute(object.as_loop(), name);
    case Kind::function:
      if (name == "name") return Value::string(object.as_function().name);
      return Value::undefined(name);
    case Kind::dict:
      if (const auto method = find_method(Kind::dict, name)) return new_function(name, method, object);
      if (const auto* value = find(object.as_dict(), name, *this)) return *value;
      return Value::undefined(name);
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::string:
    case Kind::list:
    case Kind::tuple: break;
  }
  if (const auto method = find_method(object.kind(), name)) return new_function(name, method, object);
  return Value::undefined(name);
}

Value Interpreter::item(const Value& object, const Value& key) {
  if (object.is(Kind::dict)) {
    if (const auto* value = find(object.as_dict(), key, *this)) return *value;
  } else if ((object.is_list() || object.is(Kind::string)) && key.is_integral()) {
    auto index = key.as_integer();
    const auto size =
        static_cast<std::int64_t>(object.is_list() ? object.as_list().items.size() : length(object.text()));
    step(object.is_list() ? 0 : object.text().size() / 32);
    if (index < 0) index += size;
    if (index < 0 || index >= size) return Value::undefined(arena_.copy(cat("item ", key.as_integer())));
    if (object.is_list()) return object.as_list().items[static_cast<std::size_t>(index)];
    const auto rest = object.text().substr(byte_offset(object.text(), static_cast<std::size_t>(index)));
    return Value::string(rest.substr(0, byte_offset(rest, 1)));
  } else if (object.is(Kind::undefined)) {
    fail(cat("cannot take an item of ", named(object), kTestFirst));
  }
  if (key.is(Kind::string)) {
    if (object.is(Kind::dict)) {
      if (const auto method = find_method(Kind::dict, key.text()))
        return new_function(key.text(), method, object);
      return Value::undefined(key.text());
    }
    return attribute(object, key.text());
  }
  return Value::undefined({});
}

Value Interpreter::path(const Value& object, const Value& path, const std::optional<Value>& otherwise) {
  const auto or_else = [&](const Value& value) {
    return value.is(Kind::undefined) && otherwise ? *otherwise : value;
  };
  if (!path.is(Kind::string)) return or_else(item(object, path));
  step(path.text().size() / 8);
  auto value = object;
  for (const auto part : split(path.text(), '.')) {
    const auto index = part.starts_with('-') ? std::nullopt : parse_int(part);
    value = or_else(item(value, index ? Value::integer(*index) : Value::string(part)));
  }
  return value;
}

bool Interpreter::contains(const Value& container, const Value& member) {
  switch (container.kind()) {
    case Kind::undefined: return false;
    case Kind::string:
      if (!member.is(Kind::string))
        fail(cat("cannot look for ", kind_name(member.kind()), " in a string; convert it with |string"));
      step(1 + container.text().size() / 64 + container.text().size() / 1024 * member.text().size());
      return container.text().find(member.text()) != std::string_view::npos;
    case Kind::dict: return find(container.as_dict(), member, *this) != nullptr;
    case Kind::list:
    case Kind::tuple: {
      const auto& items = container.as_list().items;
      return std::any_of(items.begin(), items.end(),
                         [&](const Value& item) { return equal(item, member, *this); });
    }
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::space:
    case Kind::loop:
    case Kind::function: break;
  }
  fail(cat("'in' needs a list, a mapping or a string on its right, got ", kind_name(container.kind())));
}

}  // namespace quintet::jinja
