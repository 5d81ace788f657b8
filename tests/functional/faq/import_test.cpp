#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

struct Sample {
  const char* format;
  const char* file;
  const char* content;
};

// The same two entries in every format.
constexpr Sample kSamples[] = {
    {"json", "a.json",
     R"([{"question": "Where is the key?", "answer": "Under the mat."}, {"question": "Who has the map?", "answer": "The guide."}])"},
    {"jsonl", "a.jsonl",
     "{\"question\": \"Where is the key?\", \"answer\": \"Under the mat.\"}\n"
     "{\"question\": \"Who has the map?\", \"answer\": \"The guide.\"}\n"},
    {"csv", "a.csv", "question,answer\nWhere is the key?,Under the mat.\n\"Who has the map?\",The guide.\n"},
    {"markdown", "a.md",
     "# Travel\n\n## Where is the key?\n\nUnder the mat.\n\n## Who has the map?\n\nThe guide.\n"},
    {"text", "a.txt", "Q: Where is the key?\nA: Under the mat.\n\nQ: Who has the map?\nA: The guide.\n"},
    {"html", "a.html",
     "<html><body><dl><dt>Where is the key?</dt><dd>Under the mat.</dd>"
     "<dt>Who has the map?</dt><dd>The guide.</dd></dl></body></html>"},
};

class Import : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server = std::make_unique<RunningServer>(); }
  static void TearDownTestSuite() { server.reset(); }
  static std::unique_ptr<RunningServer> server;

  static std::map<std::string, std::string> answers(const std::string& kb) {
    std::map<std::string, std::string> found;
    const auto page = expect_json(server->client().get(cat("/api/faq/kbs/", kb, "/entries")));
    for (const auto& entry : array_of(page, "entries"))
      found[text_of(entry.as_object(), "question")] = trim(text_of(entry.as_object(), "answer"));
    return found;
  }
};
std::unique_ptr<RunningServer> Import::server;

const std::map<std::string, std::string> kExpected = {{"Where is the key?", "Under the mat."},
                                                      {"Who has the map?", "The guide."}};

TEST_F(Import, ReadsEveryFormatThroughTheApi) {
  for (const auto& sample : kSamples) {
    SCOPED_TRACE(sample.format);
    const std::string kb = cat("api-", sample.format);
    server->make_kb(kb);
    const std::string target = cat("/api/faq/kbs/", kb, "/import?filename=", sample.file);
    const auto preview = expect_json(server->client().upload(target, sample.content));
    EXPECT_EQ(text_of(preview, "format"), sample.format);
    EXPECT_EQ(int_of(preview, "n_new"), 2);
    EXPECT_FALSE(bool_of(preview, "committed"));
    EXPECT_TRUE(answers(kb).empty()) << "a preview changes nothing";
    const auto report = expect_json(server->client().upload(cat(target, "&mode=merge"), sample.content));
    EXPECT_TRUE(bool_of(report, "committed"));
    EXPECT_EQ(answers(kb), kExpected);
    const auto again = expect_json(server->client().upload(cat(target, "&mode=merge"), sample.content));
    EXPECT_EQ(int_of(again, "n_unchanged"), 2);
    EXPECT_EQ(answers(kb), kExpected) << "a second import adds nothing";
  }
}

TEST_F(Import, ReadsEveryFormatThroughTheCommandLine) {
  for (const auto& sample : kSamples) {
    SCOPED_TRACE(sample.format);
    const std::string kb = cat("cli-", sample.format);
    const auto file = server->folder().write(sample.file, sample.content);
    const auto result = server->command({"faq", "import", file.string(), "--kb", kb, "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(int_of(result.json(), "n_new"), 2);
    EXPECT_EQ(answers(kb), kExpected);
  }
}

TEST_F(Import, ReplaceLeavesExactlyTheFile) {
  server->make_kb("replaced");
  server->add_entry("replaced", "Is this old?", "Yes.");
  const auto report = expect_json(
      server->client().upload("/api/faq/kbs/replaced/import?format=csv&mode=replace", kSamples[2].content));
  EXPECT_EQ(int_of(report, "n_removed"), 1);
  EXPECT_EQ(answers("replaced"), kExpected);
}

TEST_F(Import, AnExportReadsBackUnchanged) {
  server->make_kb("source");
  expect_json(server->client().post(
                  "/api/faq/kbs/source/entries",
                  {{"question", "Comment ça va, “ami”?"},
                   {"answer", "Bien, **merci**.\n\n- un\n- deux, \"trois\"\n\n```\n# no heading\n```\n"},
                   {"alternatives", JsonArray{"ça va?", "how are you, friend"}},
                   {"tags", JsonArray{"salut", "a,b"}},
                   {"language", "fr"},
                   {"url", "https://example.org/?a=1&b=2"}}),
              201);
  server->add_entry("source", "Another one?", "Yes; with a \"quote\", a comma, and a | bar.");
  const auto entries_of = [&](const std::string& kb) {
    const Response response = server->client().get(cat("/api/faq/kbs/", kb, "/export?format=json"));
    return to_json(parse_json(response.body));
  };
  const std::string original = entries_of("source");
  for (const char* format : {"json", "jsonl", "csv", "markdown"}) {
    SCOPED_TRACE(format);
    const Response exported = server->client().get(cat("/api/faq/kbs/source/export?format=", format));
    ASSERT_EQ(exported.status, 200);
    EXPECT_THAT(exported.header("Content-Disposition"),
                ::testing::StartsWith("attachment; filename=\"source."));
    const std::string kb = cat("copy-", format);
    server->make_kb(kb);
    expect_json(server->client().upload(cat("/api/faq/kbs/", kb, "/import?mode=merge&format=", format),
                                        exported.body));
    EXPECT_EQ(entries_of(kb), original);
    const auto by_command = server->command({"faq", "export", "--kb", "source", "--format", format});
    EXPECT_EQ(by_command.out, exported.body);
  }
}

TEST_F(Import, ACommandBesideTheRunningServerIsSeenByIt) {
  server->make_kb("shared");
  server->add_entry("shared", "How do I pay?", "In cash.");
  EXPECT_FALSE(bool_of(server->ask("shared", "How do I pay?"), "refused"));
  const auto file =
      server->folder().write("more.json", R"([{"question": "When do you open?", "answer": "At nine."}])");
  const auto result = server->command({"faq", "import", file.string(), "--kb", "shared"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(eventually([&] {
    const auto answer = server->ask("shared", "When do you open?");
    return text_of(answer, "answer") == "At nine.";
  })) << "the server's matcher does not know what another process imported";
  const auto asked = server->command({"faq", "ask", "--kb", "shared", "when do you open", "--json"});
  EXPECT_EQ(text_of(asked.json(), "answer"), "At nine.");
}

TEST_F(Import, TheDebianFaqIsImportedWithEveryQuestion) {
  const std::filesystem::path debian = "/usr/share/doc/debian/FAQ";
  if (!std::filesystem::exists(debian)) GTEST_SKIP() << "the package debian-faq is not installed";
  const auto result = server->command({"faq", "import", debian.string(), "--kb", "debian", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_GT(int_of(result.json(), "n_new"), 100);
  EXPECT_THAT(text_of(server->ask("debian", "what is debian gnu linux"), "answer"),
              ::testing::HasSubstr("Debian"));
  const auto page = expect_json(server->client().get("/api/faq/kbs/debian/entries?query=package&limit=5"));
  EXPECT_FALSE(array_of(page, "entries").empty());
}

}  // namespace
}  // namespace quintet::functional
