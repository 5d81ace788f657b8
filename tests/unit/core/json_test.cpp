#include "core/json.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace quintet {
namespace {

TEST(JsonParsing, AFaultNamesLineAndColumn) {
  try {
    parse_json("{\n  \"é\": 1,\n  \"b\": oops}", "my-faq.json");
    FAIL() << "malformed JSON was accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("my-faq.json: not valid JSON at line 3, column 8"),
              std::string::npos)
        << error.what();
  }
}

TEST(JsonParsing, RefusesDeepNestingTrailingTextAndBadUtf8) {
  EXPECT_FALSE(try_parse_json(std::string(100, '[') + std::string(100, ']')));
  EXPECT_TRUE(try_parse_json(std::string(50, '[') + std::string(50, ']')));
  EXPECT_FALSE(try_parse_json("1 2"));
  EXPECT_FALSE(try_parse_json("\"\xFF\""));
  EXPECT_FALSE(try_parse_json(""));
  EXPECT_FALSE(try_parse_json("[1,"));
}

TEST(JsonWriting, NumbersAreShortAndStringsAreAlwaysValid) {
  EXPECT_EQ(to_json(JsonObject{{"a", 0.1}, {"b", 1.0}, {"c", "x\xFF\n"}}),
            "{\"a\":0.1,\"b\":1,\"c\":\"x\xEF\xBF\xBD\\n\"}");
  EXPECT_EQ(to_json(Json(1.0 / 0.0)), "null");
}

TEST(JsonReading, WrongTypesAreNamedAndAbsenceIsNot) {
  const Json value = parse_json(R"({"n": 3, "s": "x", "list": ["a"], "nothing": null})");
  const JsonObject& object = value.get_object();
  EXPECT_EQ(get_int(object, "n"), 3);
  EXPECT_EQ(get_string(object, "nothing"), std::nullopt);
  EXPECT_EQ(get_strings(object, "list"), std::vector<std::string>{"a"});
  EXPECT_THROW(get_string(object, "n"), InvalidArgument);
  EXPECT_THROW(require_string(object, "missing"), InvalidArgument);
}

}  // namespace
}  // namespace quintet
