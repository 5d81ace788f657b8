#include "serving/router.h"

#include <gtest/gtest.h>

#include "serving/request_target.h"

namespace quintet {
namespace {

Route route(std::string method, std::string pattern) {
  Route result;
  result.method = std::move(method);
  result.pattern = std::move(pattern);
  return result;
}

std::string found(const Router& router, std::string_view method, std::string_view path) {
  const RouteMatch match = router.find(method, path);
  return match.route ? match.route->method + " " + match.route->pattern : "";
}

TEST(Router, PrefersLiteralSegmentsAndFallsBackToParameters) {
  Router router;
  router.add(route("GET", "/"));
  router.add(route("GET", "/a/{x}"));
  router.add(route("GET", "/a/list"));
  router.add(route("POST", "/a/{name}"));
  router.add(route("GET", "/{p}/{q}/c"));
  router.add(route("GET", "/a/list/d"));
  EXPECT_EQ(found(router, "GET", "/"), "GET /");
  EXPECT_EQ(found(router, "GET", "/a/list"), "GET /a/list");
  EXPECT_EQ(found(router, "GET", "/a/1"), "GET /a/{x}");
  EXPECT_EQ(found(router, "POST", "/a/list"), "POST /a/{name}") << "the literal has no POST";
  EXPECT_EQ(found(router, "GET", "/a/list/c"), "GET /{p}/{q}/c") << "the literal branch ends in nothing";
  EXPECT_EQ(found(router, "GET", "/a/"), "");
  EXPECT_EQ(found(router, "GET", "/a"), "");
  EXPECT_EQ(found(router, "GET", "/a/1/2"), "");
  EXPECT_EQ(router.find("GET", "/x/y/c").parameters.at("q"), "y");
}

TEST(Router, TellsAMissingPathFromAMissingMethod) {
  Router router;
  router.add(route("GET", "/a"));
  router.add(route("DELETE", "/a"));
  router.add(route("PUT", "/b"));
  EXPECT_EQ(router.find("POST", "/a").allow, "DELETE, GET, HEAD, OPTIONS");
  EXPECT_EQ(router.find("POST", "/b").allow, "OPTIONS, PUT");
  EXPECT_EQ(router.find("POST", "/c").allow, "");
  EXPECT_EQ(found(router, "HEAD", "/a"), "GET /a");
}

TEST(Router, DecodesSegmentsAfterSeparatingThem) {
  Router router;
  router.add(route("GET", "/kb/{kb}/entries/{id}"));
  const RouteMatch match = router.find("GET", "/k%62/a%2Fb/entries/%C3%A9%20+");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.parameters.at("kb"), "a/b");
  EXPECT_EQ(match.parameters.at("id"), "é +");
}

TEST(Router, RefusesPatternsThatAreMalformedOrTaken) {
  Router router;
  router.add(route("GET", "/a/{x}"));
  EXPECT_THROW(router.add(route("GET", "/a/{y}")), InvalidArgument);
  EXPECT_THROW(router.add(route("GET", "a")), InvalidArgument);
  EXPECT_THROW(router.add(route("GET", "/a/b{x}")), InvalidArgument);
  EXPECT_THROW(router.add(route("GET", "/a/{}")), InvalidArgument);
}

TEST(RequestTarget, SplitsAndDecodes) {
  const auto target = parse_request_target("/a%20b?x=1&y=a+b%26&x=2&flag&=v");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b");
  EXPECT_EQ(target->raw_path, "/a%20b");
  EXPECT_EQ(target->query, (QueryMap{{"x", "2"}, {"y", "a b&"}, {"flag", ""}, {"", "v"}}));
  EXPECT_EQ(parse_request_target("http://h:1/p?q=1")->authority, "h:1");
  EXPECT_EQ(parse_request_target("http://h?q=1")->path, "/");
  EXPECT_TRUE(parse_request_target("*")->is_asterisk);
}

TEST(RequestTarget, RefusesWhatIsNoPath) {
  for (const std::string_view bad : {"", "a", "h:80", "http://", "http://u@h/", "/%", "/%2", "/%zz", "/%ff",
                                     "/%00", "/a?x=%", "/a?x=%ff", "/a#b", "ftp://h/"})
    EXPECT_FALSE(parse_request_target(bad)) << bad;
}

}  // namespace
}  // namespace quintet
