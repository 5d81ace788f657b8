#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace quintet {

/// JSON is Boost.JSON's value type, the one third-party type that crosses headers: schemas and tool arguments
/// are JSON by nature. Everything else becomes a struct where it enters.
using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

/// Where a byte offset lies in a text, both from 1; columns count characters, not bytes.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;
};
TextPosition position_at(std::string_view text, std::size_t offset) noexcept;

/// Why and where a text is not JSON.
struct JsonFault {
  std::string reason;
  std::size_t offset = 0;  // bytes
};

/// At most 64 levels deep; invalid UTF-8 is refused. Throws InvalidArgument naming `what`, line and column.
Json parse_json(std::string_view text, std::string_view what = "JSON");
/// As parse_json, but a fault is a value.
std::optional<Json> try_parse_json(std::string_view text, JsonFault* fault = nullptr);

/// Compact; numbers in their shortest exact form; strings with ill-formed UTF-8 are sanitised first.
std::string to_json(const Json& value);
/// Two spaces of indentation, for people.
std::string to_pretty_json(const Json& value);
/// `text` quoted and escaped.
std::string json_quote(std::string_view text);

/// Typed reads of an object's members for input from outside. `get_*` give nothing when the member is absent
/// or null and throw InvalidArgument naming the member when it has another type; `require_*` throw when
/// absent too.
std::optional<std::string> get_string(const JsonObject& object, std::string_view key);
std::optional<std::int64_t> get_int(const JsonObject& object, std::string_view key);
std::optional<double> get_double(const JsonObject& object, std::string_view key);
std::optional<bool> get_bool(const JsonObject& object, std::string_view key);
std::vector<std::string> get_strings(const JsonObject& object, std::string_view key);  // absent = empty
const JsonObject* get_object(const JsonObject& object, std::string_view key);
const JsonArray* get_array(const JsonObject& object, std::string_view key);
std::string require_string(const JsonObject& object, std::string_view key);
/// `value` as an object; throws InvalidArgument naming `what`.
const JsonObject& require_object(const Json& value, std::string_view what);

JsonArray to_json_array(const std::vector<std::string>& strings);

}  // namespace quintet
