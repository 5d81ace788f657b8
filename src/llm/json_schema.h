#pragma once

#include <optional>
#include <string>

#include "llm/chat_model.h"

namespace quintet {

/// Where and why a value does not fit its schema.
struct SchemaFault {
  std::string path;  // "$.items[2].name"
  std::string reason;
};

/// Checks `value` against the part of JSON Schema that providers accept for tools and structured output: type
/// (also a list), enum, const, properties, required, additionalProperties, items, minItems, maxItems,
/// minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, anyOf, oneOf, allOf, and $ref
/// to #/$defs and
/// #/definitions. Other keywords are not checked. Nothing = it fits.
std::optional<SchemaFault> find_schema_fault(const Json& value, const JsonObject& schema);

/// The JSON of a response that was asked for with JsonObjectFormat or JsonSchemaFormat. Throws CorruptData
/// saying where it breaks the schema, or that the answer is not complete.
Json parse_structured(const ChatRequest& request, const ChatResponse& response);

/// A tool call's arguments, checked. Throws CorruptData with a text that helps the model to do better.
JsonObject parse_tool_arguments(const ToolSpec& tool, const ToolCallPart& call);

}  // namespace quintet
