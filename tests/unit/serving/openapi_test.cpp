#include "serving/openapi.h"

#include <gtest/gtest.h>

#include "core/json.h"

namespace quintet {
namespace {

TEST(OpenApi, IsBuiltInWhole) {
  const Json document = parse_json(openapi_document(), "openapi.json");
  EXPECT_EQ(require_string(document.as_object(), "openapi"), "3.1.0");
  const JsonObject* paths = get_object(document.as_object(), "paths");
  ASSERT_NE(paths, nullptr);
  EXPECT_TRUE(paths->contains("/api/faq/kbs/{kb}/ask"));
}

}  // namespace
}  // namespace quintet
