#include "llm/json_schema.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"
#include "llm/token_estimate.h"

namespace quintet {
namespace {

/// "" when it fits, else "path reason".
std::string fault(std::string_view value, std::string_view schema) {
  const auto found = find_schema_fault(parse_json(value), parse_json(schema).as_object());
  return found ? cat(found->path, " ", found->reason) : "";
}

TEST(JsonSchema, ChecksTypes) {
  EXPECT_EQ(fault("1", R"({"type":"integer"})"), "");
  EXPECT_EQ(fault("1.0", R"({"type":"integer"})"), "");
  EXPECT_EQ(fault("1.5", R"({"type":"integer"})"), "$ expected integer, got number");
  EXPECT_EQ(fault("1", R"({"type":"number"})"), "");
  EXPECT_EQ(fault("null", R"({"type":["string","null"]})"), "");
  EXPECT_EQ(fault("true", R"({"type":["string","null"]})"), "$ expected string or null, got boolean");
}

TEST(JsonSchema, NamesThePathOfTheFirstFault) {
  const std::string_view schema = R"({"type":"object","required":["items"],"additionalProperties":false,
    "properties":{"items":{"type":"array","minItems":1,"maxItems":2,
      "items":{"type":"object","properties":{"name":{"type":"string","minLength":2}},"required":["name"]}}}})";
  EXPECT_EQ(fault(R"({"items":[{"name":"ab"}]})", schema), "");
  EXPECT_EQ(fault(R"({})", schema), "$ \"items\" is missing");
  EXPECT_EQ(fault(R"({"items":[]})", schema), "$.items needs at least 1 items, has 0");
  EXPECT_EQ(fault(R"({"items":[{"name":"ab"},{"name":"é"}]})", schema),
            "$.items[1].name needs at least 2 characters, has 1");
  EXPECT_EQ(fault(R"({"items":[{"name":"ab"}],"more":1})", schema), "$.more is not a known property");
}

TEST(JsonSchema, ChecksValuesAndRanges) {
  EXPECT_EQ(fault("\"b\"", R"({"enum":["a","b"]})"), "");
  EXPECT_EQ(fault("\"c\"", R"({"enum":["a","b"]})"), "$ must be one of [\"a\",\"b\"], got \"c\"");
  EXPECT_EQ(fault("2.0", R"({"const":2})"), "");
  EXPECT_EQ(fault("3", R"({"minimum":3,"maximum":3})"), "");
  EXPECT_EQ(fault("2", R"({"minimum":3})"), "$ must be at least 3, got 2");
  EXPECT_EQ(fault("3", R"({"exclusiveMaximum":3})"), "$ must be below 3, got 3");
  EXPECT_EQ(fault("\"abc\"", R"({"maxLength":2})"), "$ may have at most 2 characters, has 3");
}

TEST(JsonSchema, FollowsReferencesAndCombinations) {
  const std::string_view tree = R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object",
    "properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]},"n":{"type":"integer"}}}}})";
  EXPECT_EQ(fault(R"({"n":1,"next":{"n":2,"next":null}})", tree), "");
  EXPECT_EQ(fault(R"({"n":1,"next":{"n":"x"}})", tree), "$.next.n expected integer, got string");
  EXPECT_EQ(fault("1", R"({"oneOf":[{"type":"integer"},{"type":"number"}]})"),
            "$ fits more than one alternative");
  EXPECT_EQ(fault("1", R"({"allOf":[{"minimum":0},{"maximum":0}]})"), "$ must be at most 0, got 1");
  EXPECT_EQ(fault("1", R"({"$ref":"#/$defs/none"})"), "$ the schema refers to the unknown #/$defs/none");
  EXPECT_EQ(fault("1", R"({"$defs":{"a":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})"),
            "$ the schema refers to itself without end");
}

TEST(JsonSchema, ToolArgumentsAreCheckedAndMayBeEmpty) {
  const ToolSpec tool{
      .name = "search",
      .description = "",
      .parameters = parse_json(R"({"type":"object","properties":{"q":{"type":"string"}}})").as_object()};
  EXPECT_TRUE(parse_tool_arguments(tool, {"", "search", "  "}).empty());
  EXPECT_EQ(parse_tool_arguments(tool, {"", "search", R"({"q":"x"})"}).at("q"), "x");
  const auto message = [&](std::string arguments) -> std::string {
    try {
      parse_tool_arguments(tool, {"", "search", std::move(arguments)});
    } catch (const CorruptData& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(R"({"q":1})"), "arguments of tool \"search\": $.q expected string, got integer");
  EXPECT_EQ(message("[]"), "arguments of tool \"search\": expected an object, got array");
  EXPECT_NE(message("{q:1}").find("not JSON at byte 1"), std::string::npos);
}

TEST(TokenEstimate, CountsUnspacedScriptsByCharacterAndTheRestByBytes) {
  EXPECT_EQ(estimate_tokens(""), 0);
  EXPECT_EQ(estimate_tokens("Hello, how are you?"), 5);
  EXPECT_EQ(estimate_tokens("你好世界"), 4);
  EXPECT_EQ(estimate_tokens("你好 world"), 4);
}

}  // namespace
}  // namespace quintet
