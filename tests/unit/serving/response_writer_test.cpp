#include "serving/response_writer.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

TEST(ResponseWriter, LeavesOutFieldsThatWouldEndTheirLine) {
  HttpHeaders headers;
  headers.add("X-Good", "1");
  headers.add("X-Bad", "1\r\nSet-Cookie: a=b");
  headers.add("X-Bad\nName", "1");
  headers.add("", "1");
  std::string out;
  append_response_head(out, 200, headers, {BodyFraming::Kind::length, 5}, true);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nX-Good: 1\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseWriter, WritesEventsThatAParserReadsBack) {
  std::string out;
  append_event(out, {"delta", "one\ntwo\r\nthree\r"}, "s1", 7);
  EXPECT_EQ(out, "id: s1:7\nevent: delta\ndata: one\ndata: two\ndata: three\ndata: \n\n");
  out.clear();
  append_event(out, {"", ""}, "s1", 0);
  EXPECT_EQ(out, "id: s1:0\ndata: \n\n");
}

TEST(ResponseWriter, ReadsItsOwnEventIds) {
  EXPECT_EQ(parse_last_event_id("s1:7", "s1"), 8U);
  EXPECT_EQ(parse_last_event_id("a:b:0", "a:b"), 1U);
  for (const std::string_view bad : {"", "s1", "s1:", "s1:x", "s1:-1", "s2:7", "s1:99999999999999999999"})
    EXPECT_FALSE(parse_last_event_id(bad, "s1")) << bad;
}

TEST(HttpResponse, ProblemsFollowRfc9457) {
  const auto response = HttpResponse::problem(404, "not_found", "no such thing", {{"extra", 1}});
  EXPECT_EQ(response.headers.get("content-type"), "application/problem+json");
  const Json body = parse_json(std::get<std::string>(response.body));
  EXPECT_EQ(body.at("type"), "about:blank");
  EXPECT_EQ(body.at("title"), "Not Found");
  EXPECT_EQ(body.at("status"), 404);
  EXPECT_EQ(body.at("code"), "not_found");
  EXPECT_EQ(body.at("extra"), 1);
}

TEST(HttpRequest, ReadsItsBodyAsAJsonObject) {
  HttpRequest request;
  request.body = R"({"a": 1})";
  EXPECT_THROW(request.json_object(), Unsupported);
  request.headers.add("content-type", "application/json; charset=utf-8");
  EXPECT_EQ(request.json_object().at("a"), 1);
  request.body = "[1]";
  EXPECT_THROW(request.json_object(), InvalidArgument);
  request.body = "{\"a\": }";
  EXPECT_THROW(request.json_object(), InvalidArgument);
  request.query["n"] = "12";
  EXPECT_EQ(request.query_int("n", 1, 0, 20), 12);
  EXPECT_EQ(request.query_int("m", 1, 0, 20), 1);
  EXPECT_THROW(request.query_int("n", 1, 0, 10), InvalidArgument);
}

}  // namespace
}  // namespace quintet
