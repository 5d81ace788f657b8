#include "llm/json_schema.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

// Schemas may refer to themselves without consuming any of the value.
constexpr int kMaxDepth = 128;

std::string_view kind_name(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64: return "integer";
    case boost::json::kind::double_: return "number";
    case boost::json::kind::string: return "string";
    case boost::json::kind::array: return "array";
    case boost::json::kind::object: return "object";
  }
  return "null";
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "number") return value.is_number();
  // 2.0 is an integer (JSON Schema 2020-12, section 4.2.3).
  if (type == "integer")
    return value.is_number() && (!value.is_double() || std::trunc(value.get_double()) == value.get_double());
  return kind_name(value) == type;
}

/// Equality of JSON values, in which 1 and 1.0 are one number.
bool same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

std::string shortened(const Json& value) {
  const std::string text = to_json(value);
  constexpr std::size_t kMaxShown = 80;
  return text.size() <= kMaxShown ? text : cat(truncate_utf8(text, kMaxShown), "…");
}

class Validator {
 public:
  explicit Validator(const JsonObject& root) : root_(root) {}

  std::optional<SchemaFault> check(const Json& value, const Json& schema, const std::string& path,
                                   int depth) const {
    if (depth > kMaxDepth) return SchemaFault{path, "the schema refers to itself without end"};
    if (schema.is_bool()) {
      if (schema.get_bool()) return std::nullopt;
      return SchemaFault{path, "nothing is allowed here"};
    }
    if (!schema.is_object()) return std::nullopt;
    return check(value, schema.get_object(), path, depth);
  }

  std::optional<SchemaFault> check(const Json& value, const JsonObject& schema, const std::string& path,
                                   int depth) const {
    if (const Json* ref = schema.if_contains("$ref"); ref != nullptr && ref->is_string()) {
      const Json* target = resolve(ref->get_string());
      if (target == nullptr)
        return SchemaFault{path,
                           cat("the schema refers to the unknown ", std::string_view(ref->get_string()))};
      if (auto fault = check(value, *target, path, depth + 1)) return fault;
    }
    if (auto fault = check_type(value, schema, path)) return fault;
    if (auto fault = check_values(value, schema, path)) return fault;
    if (value.is_number()) {
      if (auto fault = check_number(value.to_number<double>(), schema, path)) return fault;
    }
    if (value.is_string()) {
      if (auto fault = check_length(count_code_points(value.get_string()), schema, "minLength", "maxLength",
                                    "characters", path)) {
        return fault;
      }
    }
    if (value.is_array()) {
      if (auto fault = check_array(value.get_array(), schema, path, depth)) return fault;
    }
    if (value.is_object()) {
      if (auto fault = check_object(value.get_object(), schema, path, depth)) return fault;
    }
    return check_combinations(value, schema, path, depth);
  }

 private:
  const Json* resolve(std::string_view reference) const {
    if (!reference.starts_with("#")) return nullptr;
    boost::json::error_code error;
    // Json::find_pointer wants a value; the root is an object, so the first step is taken by hand.
    reference.remove_prefix(1);
    if (!reference.starts_with("/")) return nullptr;
    reference.remove_prefix(1);
    const auto slash = reference.find('/');
    const Json* first = root_.if_contains(reference.substr(0, slash));
    if (first == nullptr || slash == std::string_view::npos) return first;
    return first->find_pointer(reference.substr(slash), error);
  }

  static std::optional<SchemaFault> check_type(const Json& value, const JsonObject& schema,
                                               const std::string& path) {
    const Json* type = schema.if_contains("type");
    if (type == nullptr) return std::nullopt;
    std::string expected;
    if (type->is_string()) {
      if (has_type(value, type->get_string())) return std::nullopt;
      expected = type->get_string();
    } else if (type->is_array()) {
      for (const Json& option : type->get_array()) {
        if (!option.is_string()) continue;
        if (has_type(value, option.get_string())) return std::nullopt;
        expected += cat(expected.empty() ? "" : " or ", std::string_view(option.get_string()));
      }
    }
    return SchemaFault{path, cat("expected ", expected, ", got ", kind_name(value))};
  }

  static std::optional<SchemaFault> check_values(const Json& value, const JsonObject& schema,
                                                 const std::string& path) {
    if (const Json* expected = schema.if_contains("const"); expected != nullptr && !same(value, *expected)) {
      return SchemaFault{path, cat("must be ", shortened(*expected), ", got ", shortened(value))};
    }
    const Json* options = schema.if_contains("enum");
    if (options == nullptr || !options->is_array()) return std::nullopt;
    const JsonArray& list = options->get_array();
    if (std::any_of(list.begin(), list.end(), [&](const Json& option) { return same(value, option); })) {
      return std::nullopt;
    }
    return SchemaFault{path, cat("must be one of ", shortened(*options), ", got ", shortened(value))};
  }

  static std::optional<double> number_at(const JsonObject& schema, std::string_view key) {
    const Json* member = schema.if_contains(key);
    if (member == nullptr || !member->is_number()) return std::nullopt;
    return member->to_number<double>();
  }

  static std::optional<SchemaFault> check_number(double number, const JsonObject& schema,
                                                 const std::string& path) {
    const auto fault = [&](std::string_view relation, double bound) {
      return SchemaFault{path, cat("must be ", relation, " ", bound, ", got ", number)};
    };
    if (const auto bound = number_at(schema, "minimum"); bound && number < *bound)
      return fault("at least", *bound);
    if (const auto bound = number_at(schema, "maximum"); bound && number > *bound)
      return fault("at most", *bound);
    if (const auto bound = number_at(schema, "exclusiveMinimum"); bound && number <= *bound) {
      return fault("above", *bound);
    }
    if (const auto bound = number_at(schema, "exclusiveMaximum"); bound && number >= *bound) {
      return fault("below", *bound);
    }
    return std::nullopt;
  }

  static std::optional<SchemaFault> check_length(std::size_t length, const JsonObject& schema,
                                                 std::string_view min_key, std::string_view max_key,
                                                 std::string_view unit, const std::string& path) {
    const auto n = static_cast<double>(length);
    if (const auto bound = number_at(schema, min_key); bound && n < *bound) {
      return SchemaFault{path, cat("needs at least ", *bound, " ", unit, ", has ", length)};
    }
    if (const auto bound = number_at(schema, max_key); bound && n > *bound) {
      return SchemaFault{path, cat("may have at most ", *bound, " ", unit, ", has ", length)};
    }
    return std::nullopt;
  }

  std::optional<SchemaFault> check_array(const JsonArray& array, const JsonObject& schema,
                                         const std::string& path, int depth) const {
    if (auto fault = check_length(array.size(), schema, "minItems", "maxItems", "items", path)) return fault;
    const Json* items = schema.if_contains("items");
    if (items == nullptr) return std::nullopt;
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (auto fault = check(array[i], *items, cat(path, "[", i, "]"), depth + 1)) return fault;
    }
    return std::nullopt;
  }

  std::optional<SchemaFault> check_object(const JsonObject& object, const JsonObject& schema,
                                          const std::string& path, int depth) const {
    if (const Json* required = schema.if_contains("required"); required != nullptr && required->is_array()) {
      for (const Json& name : required->get_array()) {
        if (name.is_string() && !object.contains(name.get_string())) {
          return SchemaFault{path, cat("\"", std::string_view(name.get_string()), "\" is missing")};
        }
      }
    }
    const Json* properties = schema.if_contains("properties");
    const Json* others = schema.if_contains("additionalProperties");
    for (const auto& member : object) {
      const std::string_view name = member.key();
      const std::string member_path = cat(path, ".", name);
      const Json* property = properties != nullptr && properties->is_object()
                                 ? properties->get_object().if_contains(name)
                                 : nullptr;
      if (property != nullptr) {
        if (auto fault = check(member.value(), *property, member_path, depth + 1)) return fault;
      } else if (others != nullptr) {
        if (others->is_bool() && !others->get_bool())
          return SchemaFault{member_path, "is not a known property"};
        if (auto fault = check(member.value(), *others, member_path, depth + 1)) return fault;
      }
    }
    return std::nullopt;
  }

  std::optional<SchemaFault> check_combinations(const Json& value, const JsonObject& schema,
                                                const std::string& path, int depth) const {
    if (const Json* all = schema.if_contains("allOf"); all != nullptr && all->is_array()) {
      for (const Json& part : all->get_array()) {
        if (auto fault = check(value, part, path, depth + 1)) return fault;
      }
    }
    for (const std::string_view key : {"anyOf", "oneOf"}) {
      const Json* options = schema.if_contains(key);
      if (options == nullptr || !options->is_array()) continue;
      std::size_t n_fitting = 0;
      std::optional<SchemaFault> deepest;  // the option that fits furthest says most about the mistake
      for (const Json& option : options->get_array()) {
        auto fault = check(value, option, path, depth + 1);
        if (!fault) {
          ++n_fitting;
        } else if (!deepest || fault->path.size() > deepest->path.size()) {
          deepest = std::move(fault);
        }
      }
      if (n_fitting == 0 && deepest) return deepest;
      if (key == "oneOf" && n_fitting > 1) return SchemaFault{path, "fits more than one alternative"};
    }
    return std::nullopt;
  }

  const JsonObject& root_;
};

}  // namespace

std::optional<SchemaFault> find_schema_fault(const Json& value, const JsonObject& schema) {
  return Validator(schema).check(value, schema, "$", 0);
}

Json parse_structured(const ChatRequest& request, const ChatResponse& response) {
  if (response.stop_reason != StopReason::end && response.stop_reason != StopReason::stop_sequence) {
    throw CorruptData(cat("structured answer: not complete, the model stopped with ",
                          stop_reason_name(response.stop_reason)));
  }
  JsonFault json_fault;
  auto value = try_parse_json(response.message.text(), &json_fault);
  if (!value) {
    throw CorruptData(
        cat("structured answer: not JSON at byte ", json_fault.offset, ": ", json_fault.reason));
  }
  if (const auto* format = std::get_if<JsonSchemaFormat>(&request.response_format)) {
    if (const auto fault = find_schema_fault(*value, format->schema)) {
      throw CorruptData(cat("structured answer \"", format->name, "\": ", fault->path, " ", fault->reason));
    }
  } else if (std::holds_alternative<JsonObjectFormat>(request.response_format) && !value->is_object()) {
    throw CorruptData(cat("structured answer: expected an object, got ", kind_name(*value)));
  }
  return std::move(*value);
}

JsonObject parse_tool_arguments(const ToolSpec& tool, const ToolCallPart& call) {
  // Models write nothing at all for a tool without parameters.
  const std::string_view text = trim(call.arguments).empty() ? std::string_view("{}") : call.arguments;
  JsonFault json_fault;
  auto value = try_parse_json(text, &json_fault);
  if (!value) {
    throw CorruptData(cat("arguments of tool \"", tool.name, "\": not JSON at byte ", json_fault.offset, ": ",
                          json_fault.reason));
  }
  if (!value->is_object()) {
    throw CorruptData(
        cat("arguments of tool \"", tool.name, "\": expected an object, got ", kind_name(*value)));
  }
  if (const auto fault = find_schema_fault(*value, tool.parameters)) {
    throw CorruptData(cat("arguments of tool \"", tool.name, "\": ", fault->path, " ", fault->reason));
  }
  return std::move(value->get_object());
}

}  // namespace quintet
