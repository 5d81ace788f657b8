#include "core/json.h"

#include <boost/json/stream_parser.hpp>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxDepth = 64;

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += hex_encode(std::string_view(&c, 1));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_checked_string(std::string& out, std::string_view text) {
  if (find_invalid_utf8(text)) {
    append_string(out, sanitize_utf8(text));
  } else {
    append_string(out, text);
  }
}

/// `indent` < 0 writes compact JSON.
class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void write(const Json& value) {
    switch (value.kind()) {
      case boost::json::kind::null: out_ += "null"; break;
      case boost::json::kind::bool_: out_ += value.get_bool() ? "true" : "false"; break;
      case boost::json::kind::int64: out_ += cat(value.get_int64()); break;
      case boost::json::kind::uint64: out_ += cat(value.get_uint64()); break;
      case boost::json::kind::double_: write_double(value.get_double()); break;
      case boost::json::kind::string: append_checked_string(out_, value.get_string()); break;
      case boost::json::kind::array: write_array(value.get_array()); break;
      case boost::json::kind::object: write_object(value.get_object()); break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_double(double number) {
    // JSON has no infinities or NaN (RFC 8259, section 6).
    out_ += number - number == 0.0 ? cat(number) : "null";
  }

  void write_array(const JsonArray& array) {
    out_ += '[';
    ++depth_;
    bool first = true;
    for (const auto& element : array) {
      next(first);
      write(element);
    }
    --depth_;
    if (!first) line();
    out_ += ']';
  }

  void write_object(const JsonObject& object) {
    out_ += '{';
    ++depth_;
    bool first = true;
    for (const auto& member : object) {
      next(first);
      append_checked_string(out_, member.key());
      out_ += pretty_ ? ": " : ":";
      write(member.value());
    }
    --depth_;
    if (!first) line();
    out_ += '}';
  }

  void next(bool& first) {
    if (!first) out_ += ',';
    first = false;
    line();
  }

  void line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  std::string out_;
  std::size_t depth_ = 0;
  bool pretty_;
};

[[noreturn]] void wrong_type(std::string_view key, std::string_view expected) {
  throw InvalidArgument(cat("\"", key, "\" must be ", expected));
}

const Json* find_member(const JsonObject& object, std::string_view key) {
  const Json* member = object.if_contains(key);
  return member == nullptr || member->is_null() ? nullptr : member;
}

}  // namespace

TextPosition position_at(std::string_view text, std::size_t offset) noexcept {
  TextPosition position;
  offset = std::min(offset, text.size());
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++position.column;
    }
  }
  return position;
}

std::optional<Json> try_parse_json(std::string_view text, JsonFault* fault) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code error;
  const std::size_t consumed = parser.write_some(text.data(), text.size(), error);
  if (!error && consumed < text.size()) {
    const auto rest = trim(text.substr(consumed));
    if (!rest.empty()) error = boost::json::error::extra_data;
  }
  if (error) {
    if (fault != nullptr) {
      *fault = {error == boost::json::error::too_deep ? cat("nested more than ", kMaxDepth, " levels deep")
                                                      : error.message(),
                consumed};
    }
    return std::nullopt;
  }
  parser.finish(error);
  if (error) {
    if (fault != nullptr) *fault = {"the text ends before the value does", text.size()};
    return std::nullopt;
  }
  return parser.release();
}

Json parse_json(std::string_view text, std::string_view what) {
  JsonFault fault;
  if (auto value = try_parse_json(text, &fault)) return std::move(*value);
  const TextPosition position = position_at(text, fault.offset);
  throw InvalidArgument(cat(what, ": not valid JSON at line ", position.line, ", column ", position.column,
                            ": ", fault.reason));
}

std::string to_json(const Json& value) {
  Writer writer(false);
  writer.write(value);
  return writer.take();
}

std::string to_pretty_json(const Json& value) {
  Writer writer(true);
  writer.write(value);
  return writer.take();
}

std::string json_quote(std::string_view text) {
  std::string out;
  append_checked_string(out, text);
  return out;
}

std::optional<std::string> get_string(const JsonObject& object, std::string_view key) {
  const Json* member = find_member(object, key);
  if (member == nullptr) return std::nullopt;
  if (!member->is_string()) wrong_type(key, "a string");
  return std::string(member->get_string());
}

std::optional<std::int64_t> get_int(const JsonObject& object, std::string_view key) {
  const Json* member = find_member(object, key);
  if (member == nullptr) return std::nullopt;
  boost::json::error_code error;
  const auto value = member->to_number<std::int64_t>(error);
  if (error) wrong_type(key, "an integer");
  return value;
}

std::optional<double> get_double(const JsonObject& object, std::string_view key) {
  const Json* member = find_member(object, key);
  if (member == nullptr) return std::nullopt;
  if (!member->is_number()) wrong_type(key, "a number");
  return member->to_number<double>();
}

std::optional<bool> get_bool(const JsonObject& object, std::string_view key) {
  const Json* member = find_member(object, key);
  if (member == nullptr) return std::nullopt;
  if (!member->is_bool()) wrong_type(key, "true or false");
  return member->get_bool();
}

std::vector<std::string> get_strings(const JsonObject& object, std::string_view key) {
  std::vector<std::string> strings;
  const JsonArray* array = get_array(object, key);
  if (array == nullptr) return strings;
  for (const auto& element : *array) {
    if (!element.is_string()) wrong_type(key, "an array of strings");
    strings.emplace_back(element.get_string());
  }
  return strings;
}

const JsonObject* get_object(const JsonObject& object, std::string_view key) {
  const Json* member = find_member(object, key);
  if (member == nullptr) return nullptr;
  if (!member->is_object()) wrong_type(key, "an object");
  return &member->get_object();
}

const JsonArray* get_array(const JsonObject& object, std::string_view key) {
  const Json* member = find_member(object, key);
  if (member == nullptr) return nullptr;
  if (!member->is_array()) wrong_type(key, "an array");
  return &member->get_array();
}

std::string require_string(const JsonObject& object, std::string_view key) {
  auto value = get_string(object, key);
  if (!value) throw InvalidArgument(cat("\"", key, "\" is missing"));
  return std::move(*value);
}

const JsonObject& require_object(const Json& value, std::string_view what) {
  if (!value.is_object()) throw InvalidArgument(cat(what, " must be a JSON object"));
  return value.get_object();
}

JsonArray to_json_array(const std::vector<std::string>& strings) {
  JsonArray array;
  for (const auto& text : strings) array.emplace_back(text);
  return array;
}

}  // namespace quintet
