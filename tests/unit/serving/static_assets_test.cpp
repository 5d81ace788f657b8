#include "serving/static_assets.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

const Asset kPage{"/index.html", "text/html", "raw", "br", "gz", "\"tag\"", false};
const Asset kFont{"/assets/f-12345678.woff2", "font/woff2", "raw", "", "", "\"font\"", true};

std::string_view body_for(std::string_view accept_encoding) {
  HttpHeaders headers;
  if (!accept_encoding.empty()) headers.add("Accept-Encoding", std::string(accept_encoding));
  return reply_with(kPage, headers).body;
}

TEST(StaticAssets, ChoosesTheEncodingThatTheClientPrefers) {
  EXPECT_EQ(body_for(""), "raw");
  EXPECT_EQ(body_for("gzip"), "gz");
  EXPECT_EQ(body_for("gzip, deflate, br"), "br");
  EXPECT_EQ(body_for("br;q=0.5, gzip;q=0.8"), "gz");
  EXPECT_EQ(body_for("br;q=0, gzip;q=0.1"), "gz");
  EXPECT_EQ(body_for("br;q=0, gzip;q=0"), "raw");
  EXPECT_EQ(body_for("*"), "br");
  EXPECT_EQ(body_for("*;q=0.1, br;q=0"), "gz");
  EXPECT_EQ(body_for("identity, gzip;q=0.5"), "raw");
  EXPECT_EQ(body_for("deflate"), "raw");
  EXPECT_EQ(body_for("br;q=nonsense"), "raw");
}

TEST(StaticAssets, SaysWhenTheClientHasThisVersion) {
  HttpHeaders headers;
  headers.add("Accept-Encoding", "br");
  const auto first = reply_with(kPage, headers);
  EXPECT_EQ(first.headers.get("ETag"), "\"tag-br\"");
  EXPECT_EQ(first.headers.get("Vary"), "Accept-Encoding");
  EXPECT_EQ(first.headers.get("Cache-Control"), "no-cache");
  headers.add("If-None-Match", "\"other\", W/\"tag-br\"");
  const auto second = reply_with(kPage, headers);
  EXPECT_EQ(second.status, 304);
  EXPECT_TRUE(second.body.empty());
  EXPECT_EQ(second.headers.get("ETag"), "\"tag-br\"");
  HttpHeaders plain;
  plain.add("If-None-Match", "\"tag-br\"");
  EXPECT_EQ(reply_with(kPage, plain).status, 200) << "another encoding is another representation";
}

TEST(StaticAssets, CachesHashedNamesForEver) {
  EXPECT_EQ(reply_with(kFont, {}).headers.get("Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_FALSE(reply_with(kFont, {}).headers.get("Vary"));
}

TEST(StaticAssets, FindsByExactPath) {
  const AssetTable table({kPage, kFont});
  EXPECT_EQ(table.find("/index.html")->etag, "\"tag\"");
  EXPECT_EQ(table.find("/assets/../index.html"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_THROW(AssetTable({kPage, kPage}), InvalidArgument);
}

}  // namespace
}  // namespace quintet
