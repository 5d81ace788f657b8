// Files and requests that are wrong, each answered with what is wrong and where, and nothing lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Bodies : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<RunningServer>();
    server->make_kb("shop");
    server->add_entry("shop", "How do I return goods?", "By post.");
  }
  static void TearDownTestSuite() { server.reset(); }
  void TearDown() override {
    EXPECT_TRUE(server->process().is_running()) << server->process().log();
    EXPECT_EQ(text_of(server->ask("shop", "return goods"), "answer"), "By post.")
        << "what was there is still there";
  }
  static std::unique_ptr<RunningServer> server;

  static Response import(std::string_view content, std::string_view format, std::string_view more = "") {
    return server->client().upload(cat("/api/faq/kbs/shop/import?mode=merge&format=", format, more), content);
  }
  /// The first error of a refused import, as "line:column message".
  static std::string first_error(const Response& response) {
    const auto report = object_of(expect_problem(response, 422), "report");
    for (const auto& problem : array_of(report, "problems")) {
      const JsonObject& one = problem.as_object();
      if (text_of(one, "severity") == "error")
        return cat(int_of(one, "line"), ":", int_of(one, "column"), " ", text_of(one, "message"));
    }
    return "no error";
  }
  static std::int64_t n_entries() {
    return int_of(expect_json(server->client().get("/api/faq/kbs/shop")), "n_entries");
  }
};
std::unique_ptr<RunningServer> Bodies::server;

TEST_F(Bodies, MalformedJsonIsNamedWithLineAndColumn) {
  const auto before = n_entries();
  const Response refused =
      import("[\n  {\"question\": \"A?\", \"answer\": \"a\"},\n  {\"question\": \"B?\" \"answer\": \"b\"}\n]",
             "json");
  EXPECT_THAT(first_error(refused), ::testing::StartsWith("3:21 ")) << refused.body;
  EXPECT_EQ(n_entries(), before) << "nothing is imported unless it is wanted";
  const auto report = object_of(refused.json(), "report");
  EXPECT_EQ(int_of(report, "n_read"), 1) << "the valid rest is offered";
  EXPECT_THAT(text_of(refused.json(), "detail"), HasSubstr("skip_bad"));
  EXPECT_EQ(
      int_of(expect_json(import("[\n  {\"question\": \"A?\", \"answer\": \"a\"},\n  {\"question\": \"B?\" ",
                                "json", "&skip_bad=true")),
             "n_new"),
      1);
}

TEST_F(Bodies, MalformedCsvIsNamedWithItsLine) {
  EXPECT_THAT(first_error(import("question,answer\nIs it,fine\n\"never closed,oh\nand more\n", "csv")),
              ::testing::StartsWith("3:"));
  EXPECT_THAT(first_error(import("colour,size,weight\nred,3,4\n", "csv")), ::testing::StartsWith("1:"));
}

TEST_F(Bodies, TheCommandLineNamesFileLineAndColumn) {
  const auto file = server->folder().write("broken.json", "[\n  {\"question\": \"A?\" \"answer\": \"a\"}\n]");
  const auto result = server->command({"faq", "import", file.string(), "--kb", "shop"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("broken.json:2:21: error"));
  const auto absent = server->command({"faq", "import", "no-such-file.json", "--kb", "shop"});
  EXPECT_EQ(absent.status, 2);
  EXPECT_THAT(absent.err, HasSubstr("no-such-file.json"));
}

TEST_F(Bodies, RepeatedQuestionsAreReported) {
  const auto report = expect_json(
      import("question,answer\nTwice?,first\nTWICE?,second\nTwice?,first\n", "csv", "&skip_bad=true"));
  EXPECT_EQ(int_of(report, "n_read"), 1);
  EXPECT_EQ(int_of(report, "n_duplicates"), 2);
  EXPECT_EQ(text_of(server->ask("shop", "Twice?"), "answer"), "first") << "the first is kept";
  expect_problem(
      server->client().post("/api/faq/kbs/shop/entries", {{"question", "twice?"}, {"answer", "third"}}), 409);
}

TEST_F(Bodies, EmptyFilesHoldNothing) {
  for (const char* format : {"json", "jsonl", "csv", "markdown", "text", "html"})
    for (const char* content : {"", " \n\n"}) {
      const auto problem = expect_problem(import(content, format), 422);
      EXPECT_THAT(text_of(problem, "detail"), HasSubstr("nothing was imported")) << format;
    }
  EXPECT_EQ(import("[]", "json").status, 422);
  EXPECT_EQ(import("x", "docx").status, 400);
}

TEST_F(Bodies, AnUploadBeyondTheLimitIsRefusedBeforeItArrives) {
  const std::size_t n_bytes = 200'000'000;
  RawConnection connection(server->port());
  connection.send(
      cat("POST /api/faq/kbs/shop/import?mode=merge HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ", n_bytes,
          "\r\n\r\n"));
  connection.try_send("[");  // and not a byte more: the answer does not wait for them
  const auto problem = expect_problem(read_response(connection), 413);
  EXPECT_THAT(text_of(problem, "detail"), HasSubstr("64"));
  // The same with a client that says nothing of the length and just sends.
  RawConnection chunked(server->port());
  chunked.send(
      "POST /api/faq/kbs/shop/import?mode=merge HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: "
      "chunked\r\n\r\n");
  const std::string piece = cat("100000\r\n", std::string(0x100000, 'x'), "\r\n");
  for (std::size_t sent = 0; sent < n_bytes && chunked.try_send(piece); sent += 0x100000) {
  }
  EXPECT_EQ(read_response(chunked).status, 413);
}

TEST_F(Bodies, InvalidUtf8IsReportedOrRefusedNeverStored) {
  const auto report =
      expect_json(import("question,answer\nCaf\xff\xfe?,open\nNext?,yes\n", "csv", "&skip_bad=true"));
  EXPECT_FALSE(array_of(report, "problems").empty());
  for (const auto& [name, body] :
       {std::pair{"question", "{\"question\": \"caf\xff\"}"}, std::pair{"key", "{\"caf\xff\": \"a\"}"}}) {
    const Response response =
        server->client().request("POST", "/api/faq/kbs/shop/ask", body, "application/json");
    EXPECT_THAT(text_of(expect_problem(response, 400), "detail"), HasSubstr("column")) << name;
  }
  EXPECT_EQ(server->client().get("/api/faq/kbs/%ff").status, 400);
  EXPECT_EQ(server->client().get("/api/faq/kbs/shop/entries?query=%c3%28").status, 400);
  EXPECT_EQ(find_invalid_utf8(server->client().get("/api/faq/kbs/shop/export?format=json").body),
            std::nullopt);
}

TEST_F(Bodies, NulIsRefused) {
  expect_problem(server->client().post("/api/faq/kbs/shop/entries",
                                       {{"question", std::string("a\0b", 3)}, {"answer", "c"}}),
                 400);
  EXPECT_EQ(server->client().get("/api/faq/kbs/shop/entries?query=%00").status, 400);
  const std::string content("question,answer\nWhat\0is,this\nNul free?,yes\n", 43);
  const auto report = expect_json(import(content, "csv", "&skip_bad=true"));
  EXPECT_FALSE(array_of(report, "problems").empty());
  const auto answer =
      server->client().post("/api/faq/kbs/shop/ask", {{"question", std::string("return\0goods", 12)}});
  EXPECT_TRUE(answer.status == 200 || answer.status == 400) << answer.body;
  const auto conversation = server->begin_conversation("shop");
  const auto sent = server->client().events("POST", cat("/api/conversations/", conversation, "/messages"),
                                            to_json(JsonObject{{"text", std::string("return\0goods", 12)}}));
  EXPECT_TRUE(sent.head().status == 200 || sent.head().status == 400);
  EXPECT_EQ(server->client().get(cat("/api/conversations/", conversation)).status, 200);
}

TEST_F(Bodies, AHugeQuestionIsRefusedAndNotStored) {
  const std::string question(1'000'000, 'q');
  const auto problem =
      expect_problem(server->client().post("/api/faq/kbs/shop/ask", {{"question", question}}), 400);
  EXPECT_THAT(text_of(problem, "detail"), HasSubstr("16384"));
  const auto conversation = server->begin_conversation("shop");
  const auto sent = server->client().events("POST", cat("/api/conversations/", conversation, "/messages"),
                                            to_json(JsonObject{{"text", question}}));
  EXPECT_EQ(sent.head().status, 400) << "refused before the stream begins";
  EXPECT_TRUE(
      array_of(expect_json(server->client().get(cat("/api/conversations/", conversation))), "messages")
          .empty());
  const auto by_command = server->command({"faq", "ask", "--kb", "shop", std::string(100'000, 'q')});
  EXPECT_EQ(by_command.status, 2);
}

TEST_F(Bodies, ScriptStaysText) {
  const std::string script = "<script>alert(1)</script><img src=x onerror=alert(2)>";
  server->add_entry("shop", cat("What is ", script, "?"), cat("It is ", script, " [x](javascript:alert(3))"));
  const auto answer =
      server->client().post("/api/faq/kbs/shop/ask", {{"question", cat("What is ", script, "?")}});
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(text_of(answer.json(), "answer"), HasSubstr(script))
      << "literal in JSON; the page renders it inert";
  for (const char* format : {"json", "jsonl", "csv", "markdown"}) {
    const auto exported = server->client().get(cat("/api/faq/kbs/shop/export?format=", format));
    EXPECT_THAT(exported.header("Content-Disposition"), HasSubstr("attachment"));
    EXPECT_THAT(exported.header("Content-Type"), Not(HasSubstr("html")));
  }
  const auto name = server->client().get("/api/faq/kbs/%3Cscript%3Ealert(1)%3C%2Fscript%3E");
  EXPECT_EQ(expect_problem(name, 404).contains("detail"), true);
  expect_problem(
      server->client().post("/api/faq/kbs/shop/entries",
                            {{"question", "Evil link?"}, {"answer", "x"}, {"url", "javascript:alert(1)"}}),
      400);
}

TEST_F(Bodies, JsonOfTheWrongShapeIsNamed) {
  auto& client = server->client();
  const auto post = [&](std::string_view body) {
    return expect_problem(client.request("POST", "/api/faq/kbs/shop/ask", body, "application/json"), 400);
  };
  EXPECT_THAT(text_of(post("{\"question\": 7}"), "detail"), HasSubstr("question"));
  EXPECT_THAT(text_of(post("{}"), "detail"), HasSubstr("question"));
  EXPECT_THAT(text_of(post("[]"), "detail"), HasSubstr("object"));
  EXPECT_THAT(text_of(post("{\"question\": \"a\","), "detail"), HasSubstr("column"));
  EXPECT_THAT(text_of(post("{\n\"question\" 1}"), "detail"), HasSubstr("line 2"));
  post("");
  post("null");
  post(cat(std::string(5'000, '['), std::string(5'000, ']')));
  post("{\"question\": \"a\", \"history\": \"b\"}");
  post("{\"question\": \"a\", \"history\": [1]}");
  post("{\"question\": \"\\ud800\"}");
}

TEST_F(Bodies, EntriesBeyondTheirLimitsAreRefused) {
  auto& client = server->client();
  const auto add = [&](JsonObject entry) { return client.post("/api/faq/kbs/shop/entries", entry).status; };
  EXPECT_EQ(add({{"question", std::string(20'000, 'q')}, {"answer", "a"}}), 400);
  EXPECT_EQ(add({{"question", "Long?"}, {"answer", std::string(1'500'000, 'a')}}), 400);
  EXPECT_EQ(add({{"question", "Kinds?"}, {"answer", "a"}, {"tags", JsonArray{1, 2}}}), 400);
  EXPECT_EQ(add({{"question", "Kinds?"}, {"answer", "a"}, {"alternatives", JsonArray{""}}}), 400);
  EXPECT_EQ(add({{"question", "   "}, {"answer", "a"}}), 400);
  for (const char* name : {"", "UPPER", "with space", "../etc", "a/b", "é"})
    EXPECT_EQ(client.post("/api/faq/kbs", {{"name", name}}).status, 400) << name;
  EXPECT_EQ(client.post("/api/faq/kbs", {{"name", std::string(65, 'a')}}).status, 400);
}

}  // namespace
}  // namespace quintet::functional
