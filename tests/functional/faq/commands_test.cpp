// The command line as a person or a script uses it.
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Commands : public ::testing::Test {
 protected:
  ScratchFolder folder;
  CommandResult run(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
    return run_quintet(
        {.folder = folder.path(), .arguments = std::move(arguments), .environment = std::move(environment)});
  }
  void import_pets() {
    const auto file = folder.write("pets.json", R"([
      {"id": "cat", "question": "How do I feed the cat?", "answer": "Twice a day.", "alternatives": ["cat food"]},
      {"id": "dog", "question": "Where does the dog sleep?", "answer": "In the basket."}])");
    const auto result = run({"faq", "import", file.string(), "--kb", "pets"});
    ASSERT_EQ(result.status, 0) << result.err;
  }
};

TEST_F(Commands, VersionIsOneLine) {
  for (const char* flag : {"--version", "-V"}) {
    const auto result = run({flag});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, ::testing::MatchesRegex("quintet [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  }
  EXPECT_FALSE(std::filesystem::exists(data_folder(folder.path())))
      << "asking for the version makes no database";
}

TEST_F(Commands, EachCommandExplainsItself) {
  const std::vector<std::vector<std::string>> commands = {{},
                                                          {"serve"},
                                                          {"config"},
                                                          {"completion"},
                                                          {"faq"},
                                                          {"faq", "import"},
                                                          {"faq", "ask"},
                                                          {"faq", "eval"},
                                                          {"faq", "list"},
                                                          {"faq", "export"},
                                                          {"faq", "delete"},
                                                          {"keys"},
                                                          {"keys", "create"},
                                                          {"keys", "list"},
                                                          {"keys", "revoke"}};
  for (auto command : commands) {
    SCOPED_TRACE(join(command, " "));
    command.push_back("--help");
    const auto result = run(command);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("Usage:"));
    EXPECT_THAT(result.out, HasSubstr("--help"));
  }
}

TEST_F(Commands, WrongArgumentsAreNamedAndStatusIs2) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"fax"},
                                             {"faq", "import"},
                                             {"faq", "ask", "hello"},
                                             {"serve", "--prot", "1"},
                                             {"--set", "serve.prot=1", "config"},
                                             {"--set", "serve.port=many", "config"},
                                             {"--config", "none.toml", "config"},
                                             {"faq", "ask", "--kb", "none", "hello"},
                                             {"faq", "delete", "--kb", "none", "--yes"},
                                             {"completion", "tcsh"}}) {
    SCOPED_TRACE(join(arguments, " "));
    const auto result = run(arguments);
    EXPECT_EQ(result.status, 2) << result.err;
    EXPECT_FALSE(result.err.empty());
    EXPECT_THAT(result.err, Not(HasSubstr("internal")));
  }
  EXPECT_THAT(run({"--set", "serve.prot=1", "config"}).err, HasSubstr("serve.port"))
      << "the nearest name is offered";
}

TEST_F(Commands, CompletionScriptsAreSound) {
  const auto bash = run({"completion", "bash"});
  ASSERT_EQ(bash.status, 0) << bash.err;
  const auto file = folder.write("completion.bash", bash.out);
  EXPECT_EQ(std::system(cat("bash -n ", file.string()).c_str()), 0);
  const std::string ask =
      cat("bash -c 'source ", file.string(),
          "; COMP_WORDS=(quintet faq im); COMP_CWORD=2; _quintet; test \"${COMPREPLY[*]}\" = import'");
  EXPECT_EQ(std::system(ask.c_str()), 0) << "\"quintet faq im\" is completed";
  EXPECT_EQ(run({"completion", "zsh"}).status, 0);
  const auto fish = run({"completion", "fish"});
  EXPECT_THAT(fish.out, HasSubstr("complete -c quintet"));
}

TEST_F(Commands, ConfigShowsOriginsAndMasksSecrets) {
  folder.write("quintet.toml", "[serve]\nport = 9001\n");
  const std::map<std::string, std::string> environment = {{"OPENAI_API_KEY", "sk-very-secret-value-1234"},
                                                          {"QUINTET_SERVE_HOST", "127.0.0.2"}};
  for (const bool as_json : {false, true}) {
    auto arguments = std::vector<std::string>{"config", "--set", "log.level=debug"};
    if (as_json) arguments.push_back("--json");
    const auto result = run(arguments, environment);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, Not(HasSubstr("very-secret")));
    EXPECT_THAT(result.out, HasSubstr("quintet.toml"));
    EXPECT_THAT(result.out, HasSubstr("9001"));
    EXPECT_THAT(result.out, HasSubstr("QUINTET_SERVE_HOST"));
    EXPECT_THAT(result.out, HasSubstr("command line"));
  }
  folder.write("quintet.toml", "[serve]\nprot = 9001\n");
  const auto wrong = run({"config"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("quintet.toml"));
  EXPECT_THAT(wrong.err, HasSubstr("prot"));
}

TEST_F(Commands, TheConfigurationReferenceIsUpToDate) {
  const std::filesystem::path file = std::filesystem::path(QN_SOURCE_DIR) / "docs/configuration.md";
  ASSERT_TRUE(std::filesystem::exists(file));
  std::ifstream in(file, std::ios::binary);
  const std::string written{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(run({"config", "--markdown"}).out, written)
      << "run: quintet config --markdown > docs/configuration.md";
}

TEST_F(Commands, ImportListAskExportDelete) {
  import_pets();
  EXPECT_THAT(run({"faq", "list"}).out, HasSubstr("pets\t2 entries"));
  const auto entries = parse_json(run({"faq", "list", "--kb", "pets", "--query", "basket", "--json"}).out);
  ASSERT_EQ(entries.as_array().size(), 1U);
  EXPECT_EQ(text_of(entries.as_array()[0].as_object(), "id"), "dog");
  const auto answer = run({"faq", "ask", "--kb", "pets", "--json", "cat food"}).json();
  EXPECT_EQ(text_of(answer, "answer"), "Twice a day.");
  EXPECT_EQ(text_of(answer, "provider"), "extractive");
  const auto file = folder.path() / "out.csv";
  EXPECT_EQ(run({"faq", "export", "--kb", "pets", "--format", "csv", "--output", file.string()}).status, 0);
  EXPECT_EQ(run({"faq", "import", file.string(), "--kb", "copy"}).status, 0);
  EXPECT_EQ(run({"faq", "export", "--kb", "copy"}).out, run({"faq", "export", "--kb", "pets"}).out);
  EXPECT_EQ(run({"faq", "delete", "--kb", "pets", "dog"}).status, 0);
  EXPECT_EQ(parse_json(run({"faq", "list", "--kb", "pets", "--json"}).out).as_array().size(), 1U);
  const auto unconfirmed = run({"faq", "delete", "--kb", "pets"});
  EXPECT_EQ(unconfirmed.status, 2);
  EXPECT_THAT(unconfirmed.err, HasSubstr("--yes"));
  EXPECT_EQ(run({"faq", "delete", "--kb", "pets", "--yes"}).status, 0);
  EXPECT_THAT(run({"faq", "list"}).out, Not(HasSubstr("pets")));
}

TEST_F(Commands, ADryRunChangesNothing) {
  import_pets();
  const auto file = folder.write("more.csv", "question,answer\nIs there a bird?,No.\n");
  const auto dry = run({"faq", "import", file.string(), "--kb", "pets", "--dry-run"});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("1 new"));
  EXPECT_EQ(parse_json(run({"faq", "list", "--kb", "pets", "--json"}).out).as_array().size(), 2U);
  const auto elsewhere = run({"faq", "import", file.string(), "--kb", "unborn", "--dry-run"});
  EXPECT_EQ(elsewhere.status, 0) << elsewhere.err;
  EXPECT_THAT(run({"faq", "list"}).out, Not(HasSubstr("unborn"))) << "not even the knowledge base is made";
}

TEST_F(Commands, EvalMeasures) {
  import_pets();
  const auto file =
      folder.write("questions.csv",
                   "question,entry\nfeeding my cat,cat\nthe dog sleeps where,dog\nwho is the president,\n");
  const auto result = run({"faq", "eval", file.string(), "--kb", "pets"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("BM25"));
  EXPECT_EQ(run({"faq", "eval", file.string(), "--kb", "pets", "--json"}).status, 0);
}

TEST_F(Commands, KeysAreShownOnceAndListedWithoutSecrets) {
  const auto made = run({"keys", "create", "for the shop", "--scope", "faq", "--expires", "90d"});
  ASSERT_EQ(made.status, 0) << made.err;
  const std::string secret(trim(made.out));
  EXPECT_THAT(secret, StartsWith("qn_"));
  const auto listed = run({"keys", "list"});
  EXPECT_THAT(listed.out, HasSubstr("for the shop"));
  EXPECT_THAT(listed.out, Not(HasSubstr(secret)));
  EXPECT_EQ(run({"keys", "revoke", secret}).status, 0);
  EXPECT_THAT(run({"keys", "list"}).out, HasSubstr("revoked"));
  EXPECT_EQ(run({"keys", "revoke", "k_none"}).status, 2);
  EXPECT_EQ(run({"keys", "create", "x", "--scope", "root"}).status, 2);
  EXPECT_EQ(run({"keys", "create", "x", "--expires", "soon"}).status, 2);
  std::ifstream in(database_file(folder.path()), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(bytes.find(secret), std::string::npos) << "only a hash is stored";
}

TEST_F(Commands, ServeImportsTheGivenFileAndShowsItFirst) {
  folder.write("My Pets.json", R"([{"question": "How do I feed the cat?", "answer": "Twice a day."}])");
  ServerProcess server(folder.path(), {"--kb", "My Pets.json"});
  TestClient client(server.port());
  EXPECT_EQ(text_of(expect_json(client.get("/api/info")), "default_kb"), "my-pets");
  const auto answer = expect_json(client.post("/api/faq/kbs/my-pets/ask", {{"question", "feed the cat"}}));
  EXPECT_EQ(text_of(answer, "answer"), "Twice a day.");
  EXPECT_EQ(server.stop(), 0);
}

TEST_F(Commands, AnEmptyHomeIsServedWithASample) {
  ServerProcess server(folder.path());
  TestClient client(server.port());
  const auto info = expect_json(client.get("/api/info"));
  const std::string kb = text_of(info, "default_kb");
  const auto base = expect_json(client.get(cat("/api/faq/kbs/", kb)));
  EXPECT_GT(int_of(base, "n_entries"), 0);
  ASSERT_FALSE(array_of(base, "suggested").empty());
  const std::string question(array_of(base, "suggested")[0].as_string());
  const auto answer = expect_json(client.post(cat("/api/faq/kbs/", kb, "/ask"), {{"question", question}}));
  EXPECT_FALSE(bool_of(answer, "refused")) << question;
}

}  // namespace
}  // namespace quintet::functional
