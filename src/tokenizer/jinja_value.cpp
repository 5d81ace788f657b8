#include "tokenizer/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "tokenizer/jinja_text.h"

namespace quintet::jinja {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{32} << 10;

bool numbers_equal(const Value& a, const Value& b) noexcept {
  if (a.is_integral() && b.is_integral()) return a.as_integer() == b.as_integer();
  return a.as_real() == b.as_real();
}

std::string json_key(const Value& key, Budget& budget) {
  std::string text;
  if (key.is(Kind::boolean)) {
    text = key.as_boolean() ? "true" : "false";
  } else if (key.is(Kind::none)) {
    text = "null";
  } else {
    append_str(text, key, budget);
  }
  return text;
}

void append_line(std::string& out, std::string_view indent, int levels) {
  out += '\n';
  for (int i = 0; i < levels; ++i) out += indent;
}

void append_json_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number < 0 ? "-Infinity" : "Infinity";
  } else {
    append_float(out, number);
  }
}

}  // namespace

Arena::~Arena() {
  for (auto* block : blocks_) ::operator delete(block);
}

void* Arena::do_allocate(std::size_t bytes, std::size_t alignment) {
  const auto place = [&]() -> std::byte* {
    void* start = next_;
    auto space = static_cast<std::size_t>(end_ - next_);
    return static_cast<std::byte*>(std::align(alignment, bytes, start, space));
  };
  if (next_ != nullptr) {
    if (auto* start = place()) {
      next_ = start + bytes;
      return start;
    }
  }
  // A large piece gets a block of its own, so that the rest of the current one stays in use.
  const bool alone = bytes > kBlockBytes / 4;
  const auto block_bytes = alone ? bytes : kBlockBytes;
  if (block_bytes > limit_bytes_ - std::min(taken_bytes_, limit_bytes_))
    throw Exhausted(cat("template: rendering needs more than ", limit_bytes_,
                        " bytes of memory (max_memory_bytes); shorten the conversation or raise the limit"));
  blocks_.reserve(blocks_.size() + 1);
  auto* block = static_cast<std::byte*>(::operator new(block_bytes));
  blocks_.push_back(block);
  taken_bytes_ += block_bytes;
  if (alone) return block;
  next_ = block;
  end_ = block + block_bytes;
  auto* start = place();
  next_ = start + bytes;
  return start;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  auto* bytes = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

std::string_view kind_name(Kind kind) noexcept {
  switch (kind) {
    case Kind::undefined: return "an undefined value";
    case Kind::none: return "none";
    case Kind::boolean: return "a boolean";
    case Kind::integer: return "an integer";
    case Kind::real: return "a float";
    case Kind::string: return "a string";
    case Kind::list: return "a list";
    case Kind::tuple: return "a tuple";
    case Kind::dict: return "a mapping";
    case Kind::space: return "a namespace";
    case Kind::loop: return "a loop";
    case Kind::function: return "a function";
  }
  return "a value";
}

bool truthy(const Value& value) noexcept {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none: return false;
    case Kind::boolean: return value.as_boolean();
    case Kind::integer: return value.as_integer() != 0;
    case Kind::real: return value.as_real() != 0;
    case Kind::string: return !value.text().empty();
    case Kind::list:
    case Kind::tuple: return !value.as_list().items.empty();
    case Kind::dict: return !value.as_dict().entries.empty();
    case Kind::space:
    case Kind::loop:
    case Kind::function: return true;
  }
  return true;
}

bool equal(const Value& a, const Value& b, Budget& budget, int depth) {
  if (depth > kMaxValueDepth) budget.too_deep();
  budget.step(1);
  if (a.is_number() && b.is_number()) return numbers_equal(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
    case Kind::none: return true;
    case Kind::string:
      if (a.text().size() != b.text().size()) return false;
      budget.step(a.text().size() / 256);
      return a.text() == b.text();
    case Kind::list:
    case Kind::tuple: {
      const auto& x = a.as_list().items;
      const auto& y = b.as_list().items;
      if (&x == &y) return true;
      if (x.size() != y.size()) return false;
      for (std::size_t i = 0; i < x.size(); ++i)
        if (!equal(x[i], y[i], budget, depth + 1)) return false;
      return true;
    }
    case Kind::dict: {
      auto& x = a.as_dict();
      auto& y = b.as_dict();
      if (&x == &y) return true;
      if (x.entries.size() != y.entries.size()) return false;
      for (const auto& [key, value] : x.entries) {
        const auto* other = find(y, key, budget);
        if (other == nullptr || !equal(value, *other, budget, depth + 1)) return false;
      }
      return true;
    }
    case Kind::space: return &a.as_dict() == &b.as_dict();
    case Kind::loop: return &a.as_loop() == &b.as_loop();
    case Kind::function: return &a.as_function() == &b.as_function();
    case Kind::boolean:
    case Kind::integer:
    case Kind::real: break;  // numbers, compared above
  }
  return false;
}

void append_str(std::string& out, const Value& value, Budget& budget) {
  if (value.is(Kind::string)) {
    out += value.text();
  } else {
    append_repr(out, value, budget);
  }
}

void append_repr(std::string& out, const Value& value, Budget& budget, int depth) {
  if (depth > kMaxValueDepth) budget.too_deep();
  budget.step(1);
  switch (value.kind()) {
    case Kind::undefined:
      if (depth > 0) out += "Undefined";
      return;
    case Kind::none: out += "None"; return;
    case Kind::boolean: out += value.as_boolean() ? "True" : "False"; return;
    case Kind::integer: out += cat(value.as_integer()); return;
    case Kind::real: append_float(out, value.as_real()); return;
    case Kind::string:
      budget.step(value.text().size() / 4);
      append_string_repr(out, value.text());
      return;
    case Kind::list:
    case Kind::tuple: {
      const bool tuple = value.is(Kind::tuple);
      const auto& items = value.as_list().items;
      out += tuple ? '(' : '[';
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += ", ";
        append_repr(out, items[i], budget, depth + 1);
      }
      if (tuple && items.size() == 1) out += ',';
      out += tuple ? ')' : ']';
      return;
    }
    case Kind::dict:
    case Kind::space: {
      out += value.is(Kind::space) ? "<Namespace {" : "{";
      const auto& entries = value.as_dict().entries;
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i > 0) out += ", ";
        append_repr(out, entries[i].first, budget, depth + 1);
        out += ": ";
        append_repr(out, entries[i].second, budget, depth + 1);
      }
      out += value.is(Kind::space) ? "}>" : "}";
      return;
    }
    case Kind::loop: out += "<LoopContext>"; return;
    case Kind::function: out += "<function>"; return;
  }
}

bool append_json(std::string& out, const Value& value, const JsonStyle& style, Budget& budget, Kind& culprit,
                 int depth) {
  if (depth > kMaxValueDepth) budget.too_deep();
  budget.step(1);
  switch (value.kind()) {
    case Kind::undefined:  // Python refuses it; @huggingface/jinja writes null, which a reader can use
    case Kind::none: out += "null"; return true;
    case Kind::boolean: out += value.as_boolean() ? "true" : "false"; return true;
    case Kind::integer: out += cat(value.as_integer()); return true;
    case Kind::real: append_json_number(out, value.as_real()); return true;
    case Kind::string:
      budget.step(value.text().size() / 4);
      append_json_string(out, value.text(), style.ascii);
      return true;
    case Kind::list:
    case Kind::tuple:
    case Kind::dict:
    case Kind::space: break;
    case Kind::loop:
    case Kind::function: culprit = value.kind(); return false;
  }
  const bool is_list = value.is_list();
  const auto size = is_list ? value.as_list().items.size() : value.as_dict().entries.size();
  if (size == 0) {
    out += is_list ? "[]" : "{}";
    return true;
  }
  const auto item_separator = style.item_separator.value_or(style.indent ? "," : ", ");
  const auto key_separator = style.key_separator.value_or(": ");
  std::vector<std::size_t> order;
  if (!is_list && style.sort_keys) {
    const auto& entries = value.as_dict().entries;
    order.resize(size);
    for (std::size_t i = 0; i < size; ++i) order[i] = i;
    budget.step(size * 4);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return json_key(entries[a].first, budget) < json_key(entries[b].first, budget);
    });
  }
  out += is_list ? '[' : '{';
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0) out += item_separator;
    if (style.indent) {
      budget.step(1 + style.indent->size() * static_cast<std::size_t>(depth) / 16);
      append_line(out, *style.indent, depth + 1);
    }
    const Value* item = nullptr;
    if (is_list) {
      item = &value.as_list().items[i];
    } else {
      const auto& entry = value.as_dict().entries[order.empty() ? i : order[i]];
      if (entry.first.is_list() || entry.first.kind() > Kind::string) {
        culprit = entry.first.kind();
        return false;
      }
      append_json_string(out, json_key(entry.first, budget), style.ascii);
      out += key_separator;
      item = &entry.second;
    }
    if (!append_json(out, *item, style, budget, culprit, depth + 1)) return false;
  }
  if (style.indent) append_line(out, *style.indent, depth);
  out += is_list ? ']' : '}';
  return true;
}

Value from_json(const Json& json, Arena& arena, Budget& budget, int depth) {
  if (depth > kMaxValueDepth) budget.too_deep();
  budget.step(1);
  const auto text_of = [&](std::string_view text) {
    budget.step(text.size() / 64);
    return Value::string(arena.copy(find_invalid_utf8(text) ? sanitize_utf8(text) : text));
  };
  switch (json.kind()) {
    case boost::json::kind::null: return Value::none();
    case boost::json::kind::bool_: return Value::boolean(json.get_bool());
    case boost::json::kind::int64: return Value::integer(json.get_int64());
    case boost::json::kind::uint64: {
      const auto number = json.get_uint64();
      if (number > static_cast<std::uint64_t>(INT64_MAX)) return Value::real(static_cast<double>(number));
      return Value::integer(static_cast<std::int64_t>(number));
    }
    case boost::json::kind::double_: return Value::real(json.get_double());
    case boost::json::kind::string: return text_of(json.get_string());
    case boost::json::kind::array: {
      auto* list = arena.make<List>(arena);
      list->items.reserve(json.get_array().size());
      for (const auto& item : json.get_array())
        list->items.push_back(from_json(item, arena, budget, depth + 1));
      return Value::list(list);
    }
    case boost::json::kind::object: {
      auto* dict = arena.make<Dict>(arena);
      dict->entries.reserve(json.get_object().size());
      for (const auto& member : json.get_object())
        dict->entries.emplace_back(text_of(member.key()),
                                   from_json(member.value(), arena, budget, depth + 1));
      return Value::dict(dict);
    }
  }
  return Value::none();
}

std::string python_json(const Json& json) {
  class Unlimited final : public Budget {
   public:
    void step(std::size_t) override {}
    void too_deep() override {
      throw Exhausted(cat("template: a value is nested more than ", kMaxValueDepth, " deep"));
    }
  } budget;
  Arena arena(SIZE_MAX);  // as large as what the caller holds already
  std::string text;
  auto culprit = Kind::undefined;
  append_json(text, from_json(json, arena, budget), {}, budget, culprit);
  return text;
}

Value* find(Dict& dict, const Value& key, Budget& budget) {
  if (key.is(Kind::string)) return find(dict, key.text(), budget);
  for (auto& [name, value] : dict.entries)
    if (equal(name, key, budget)) return &value;
  return nullptr;
}

Value* find(Dict& dict, std::string_view key, Budget& budget) {
  budget.step(1 + dict.entries.size() / 8);
  for (auto& [name, value] : dict.entries) {
    if (!name.is(Kind::string) || name.text().size() != key.size()) continue;
    budget.step(key.size() / 256);
    if (name.text() == key) return &value;
  }
  return nullptr;
}

void put(Dict& dict, const Value& key, const Value& value, Budget& budget) {
  if (auto* present = find(dict, key, budget)) {
    *present = value;
  } else {
    dict.entries.emplace_back(key, value);
  }
}

}  // namespace quintet::jinja
