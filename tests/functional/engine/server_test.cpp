// A server that runs model files itself: at its start, and loaded and unloaded over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;

/// A small model with random weights: what it writes makes no sense, but it writes.
class ModelServer : public ::testing::Test {
 protected:
  ScratchFolder folder;
  std::filesystem::path file = folder.path() / "random.gguf";
  std::unique_ptr<RunningServer> running;

  void SetUp() override {
    const auto made =
        run_quintet(folder.path(), {"models", "synthesize", "--shape", "smollm2-135m", "-o", file.string()});
    ASSERT_EQ(made.status, 0) << made.err;
  }

  /// With the file in the folder of downloaded models as well, if `is_in_store`.
  RunningServer& start(std::vector<std::string> arguments, bool is_in_store = false) {
    running = std::make_unique<RunningServer>(std::vector<std::string>{"--set", "model.default=extractive"});
    running->make_kb("shop");
    running->add_entry("shop", "When do parcels arrive?", "Within four days.");
    if (is_in_store) {
      std::filesystem::create_directories(models());
      std::filesystem::copy_file(file, models() / "tiny.gguf");
    }
    for (const char* option : {"model.context=4096", "model.threads=1", "faq.max_output_tokens=2000"})
      arguments.insert(arguments.begin(), {"--set", option});
    running->restart(std::move(arguments));
    return *running;
  }
  std::filesystem::path models() const { return data_folder(running->folder().path()) / "models"; }
  TestClient& client() { return running->client(); }

  JsonObject model(std::string_view id) {
    const JsonObject all = expect_json(client().get("/api/models"));
    for (const auto& one : array_of(all, "models"))
      if (text_of(one.as_object(), "id") == id) return one.as_object();
    throw std::runtime_error(cat(id, " is not listed"));
  }
  bool comes_to(std::string_view id, std::string_view state) {
    return eventually([&] { return text_of(model(id), "state") == state; });
  }
  JsonObject load(std::string_view id, const JsonObject& settings = {}) {
    return expect_json(client().post(cat("/api/models/", id, "/load"), settings), 202);
  }
  JsonObject unload(std::string_view id) {
    return expect_json(client().post(cat("/api/models/", id, "/unload"), {}), 202);
  }
  double metric(std::string_view name) {
    const std::string page = client().get("/metrics").body;
    const auto at = page.find(cat("\n", name, " "));
    if (at == std::string::npos) throw std::runtime_error(cat("no ", name));
    return std::stod(page.substr(at + name.size() + 2));
  }
};

TEST_F(ModelServer, LoadsTheFileThatIsNamedAtTheStartAndAnswersWithIt) {
  start({"--model", file.string(), "--set", "faq.max_output_tokens=24"});
  EXPECT_THAT(running->process().log(), HasSubstr("Loaded random in "));
  EXPECT_THAT(running->process().log(), HasSubstr("model: engine:random"));
  const JsonObject loaded = model("engine:random");
  EXPECT_EQ(text_of(loaded, "state"), "loaded");
  EXPECT_TRUE(bool_of(loaded, "is_default"));
  EXPECT_FALSE(bool_of(loaded, "can_delete"));
  EXPECT_EQ(int_of(object_of(loaded, "engine"), "context"), 4096);
  EXPECT_GT(int_of(object_of(loaded, "engine"), "memory_bytes"), 50'000'000);

  const JsonObject answer = running->ask("shop", "When do parcels arrive?");
  EXPECT_EQ(text_of(answer, "provider"), "engine");
  EXPECT_EQ(text_of(answer, "model"), "random");
  const JsonObject& usage = object_of(answer, "usage");
  EXPECT_GT(int_of(usage, "input_tokens"), 100);
  EXPECT_GT(int_of(usage, "output_tokens"), 0);
  EXPECT_LE(int_of(usage, "output_tokens"), 24);
  ASSERT_TRUE(eventually([&] {
    return int_of(object_of(expect_json(client().get("/api/usage")), "totals"), "output_tokens") ==
           int_of(usage, "output_tokens");
  }));
  EXPECT_GE(int_of(model("engine:random"), "n_generated"), int_of(usage, "output_tokens"));
  EXPECT_GE(metric("quintet_engine_tokens_generated_total"),
            static_cast<double>(int_of(usage, "output_tokens")));
  EXPECT_EQ(metric("quintet_engine_models"), 1.0);
  EXPECT_EQ(metric("quintet_engine_kv_tokens"), 4.0 * 4096.0);
}

TEST_F(ModelServer, AFileThatDoesNotWorkIsAnErrorBeforeItListens) {
  const auto text = folder.write("text.gguf", "this is no model");
  const auto wrong = run_quintet(folder.path(), {"serve", "--port", "0", "--model", text.string()});
  EXPECT_NE(wrong.status, 0);
  EXPECT_THAT(wrong.err, HasSubstr("text.gguf"));
  EXPECT_THAT(wrong.out, ::testing::Not(HasSubstr("Quintet serves")));
  const auto missing = run_quintet(folder.path(), {"serve", "--port", "0", "--model", "missing.gguf"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("missing.gguf"));
}

TEST_F(ModelServer, LoadsUnloadsAndDeletesOverHttp) {
  start({"--set", "model.default=extractive"}, true);
  EXPECT_EQ(text_of(model("engine:tiny"), "state"), "not_loaded");
  EXPECT_EQ(text_of(model("engine:tiny"), "architecture"), "llama");
  load("engine:tiny", {{"context", 512}, {"parallel", 2}});
  ASSERT_TRUE(comes_to("engine:tiny", "loaded"));
  EXPECT_EQ(int_of(object_of(model("engine:tiny"), "engine"), "context"), 512);
  EXPECT_EQ(int_of(object_of(model("engine:tiny"), "engine"), "kv_tokens_total"), 1024);
  load("engine:tiny", {{"context", 512}, {"parallel", 2}});  // again: nothing to do
  EXPECT_THAT(text_of(expect_problem(client().post("/api/models/engine:tiny/load", {{"context", 64}}), 409),
                      "detail"),
              HasSubstr("unload it first"));
  expect_problem(client().remove("/api/models/engine:tiny"), 409);
  EXPECT_EQ(text_of(unload("engine:tiny"), "state"), "not_loaded");
  EXPECT_TRUE(model("engine:tiny").at("engine").is_null());

  // The settings are those of last time, also after a restart.
  running->restart({"--set", "model.default=extractive"});
  expect_json(client().request("POST", "/api/models/engine:tiny/load"), 202);
  ASSERT_TRUE(comes_to("engine:tiny", "loaded"));
  EXPECT_EQ(int_of(object_of(model("engine:tiny"), "engine"), "context"), 512);
  unload("engine:tiny");
  EXPECT_EQ(client().remove("/api/models/engine:tiny").status, 204);
  EXPECT_FALSE(std::filesystem::exists(models() / "tiny.gguf"));
  expect_problem(client().remove("/api/models/engine:tiny"), 404);
}

TEST_F(ModelServer, OnlyAnAdministratorHasAModelLoaded) {
  start({"--set", "model.default=extractive"}, true);
  const auto key_of = [&](const char* scope) {
    const auto made = run_quintet(running->folder().path(), {"keys", "create", scope, "--scope", scope});
    return Fields{{"Authorization", cat("Bearer ", trim(made.out))}};
  };
  const Fields chat = key_of("chat"), admin = key_of("admin");
  running->restart({"--set", "model.default=extractive"});
  const JsonObject question{{"question", "When do parcels arrive?"}, {"model", "engine:tiny"}};
  EXPECT_THAT(text_of(expect_problem(client().post("/api/faq/kbs/shop/ask", question, chat), 403), "detail"),
              HasSubstr("needs the scope admin"));
  EXPECT_EQ(text_of(expect_json(client().post("/api/faq/kbs/shop/ask", question, admin)), "provider"),
            "engine");
  EXPECT_EQ(text_of(expect_json(client().post("/api/faq/kbs/shop/ask", question, chat)), "provider"),
            "engine");
}

TEST_F(ModelServer, AnUnknownModelIs404AndNamesThoseThereAre) {
  start({}, true);
  for (const char* action : {"load", "unload"}) {
    const auto problem = expect_problem(client().post(cat("/api/models/engine:tinny/", action), {}), 404);
    EXPECT_THAT(text_of(problem, "detail"), HasSubstr("tiny"));
  }
  expect_problem(client().put("/api/default-model", {{"model", "engine:none"}}), 404);
  expect_problem(client().post("/api/faq/kbs/shop/ask", {{"question", "x"}, {"model", "engine:none"}}), 404);
}

TEST_F(ModelServer, TheDefaultIsKeptUntilAStartNamesAnother) {
  start({}, true);
  // Pulled models answer when nothing else is said.
  EXPECT_EQ(text_of(expect_json(client().get("/api/models")), "default"), "engine:tiny");
  expect_json(client().put("/api/default-model", {{"model", "extractive"}}));
  EXPECT_EQ(text_of(running->ask("shop", "When do parcels arrive?"), "provider"), "extractive");
  running->restart();
  EXPECT_EQ(text_of(expect_json(client().get("/api/models")), "default"), "extractive");
  expect_json(client().put("/api/default-model", {{"model", "engine:tiny"}}));
  running->restart();
  EXPECT_EQ(text_of(expect_json(client().get("/api/models")), "default"), "engine:tiny");
  EXPECT_TRUE(comes_to("engine:tiny", "loaded")) << "before the first question";
  running->restart({"--set", "model.default=extractive"});
  EXPECT_EQ(text_of(expect_json(client().get("/api/models")), "default"), "extractive");

  expect_json(client().put("/api/default-model", {{"model", "engine:tiny"}}));
  EXPECT_EQ(client().remove("/api/models/engine:tiny").status, 204);
  EXPECT_EQ(text_of(expect_json(client().get("/api/models")), "default"), "extractive");
  EXPECT_EQ(text_of(running->ask("shop", "When do parcels arrive?"), "provider"), "extractive");
}

TEST_F(ModelServer, ABadFileIsListedWithItsProblemAndRefusedWithIt) {
  start({"--set", "model.default=extractive"});
  std::filesystem::create_directories(models());
  running->folder().write("data/models/cut.gguf", std::string("GGUF\3\0\0\0", 8));
  // A good header, and nothing of the weights.
  std::filesystem::copy_file(file, models() / "short.gguf");
  std::filesystem::resize_file(models() / "short.gguf", std::filesystem::file_size(file) / 2);
  running->restart({"--set", "model.default=extractive"});
  for (const char* id : {"engine:cut", "engine:short"}) {
    const JsonObject bad = model(id);
    EXPECT_FALSE(bool_of(bad, "is_complete")) << id;
    EXPECT_FALSE(bool_of(bad, "can_chat")) << id;
    const std::string problem = text_of(bad, "problem");
    EXPECT_FALSE(problem.empty());
    EXPECT_THAT(text_of(expect_problem(client().post(cat("/api/models/", id, "/load"), {}), 409), "detail"),
                HasSubstr(problem));
  }
}

TEST_F(ModelServer, AModelThatCannotBeLoadedSaysWhyUntilItIsTriedAgain) {
  start({"--set", "model.default=extractive"}, true);
  // More positions than this machine has memory for.
  load("engine:tiny", {{"context", 1 << 22}, {"parallel", 256}});
  ASSERT_TRUE(comes_to("engine:tiny", "failed"));
  EXPECT_THAT(text_of(model("engine:tiny"), "error"), HasSubstr("memory"));
  load("engine:tiny", {{"context", 256}});
  ASSERT_TRUE(comes_to("engine:tiny", "loaded"));
  EXPECT_TRUE(model("engine:tiny").at("error").is_null());
}

TEST_F(ModelServer, AnAnswerThatIsBeingWrittenOutlivesTheUnloading) {
  start({"--set", "model.default=extractive"}, true);
  load("engine:tiny");
  ASSERT_TRUE(comes_to("engine:tiny", "loaded"));
  const std::string conversation = running->begin_conversation("shop");
  auto events = running->send_message(conversation, "When do parcels arrive?", "engine:tiny");
  ASSERT_TRUE(eventually([&] { return int_of(model("engine:tiny"), "n_generated") > 0; }));
  EXPECT_EQ(int_of(model("engine:tiny"), "n_answers"), 1);
  EXPECT_EQ(text_of(unload("engine:tiny"), "state"), "unloading");
  // New questions wait until it is gone; so does loading.
  expect_problem(client().post("/api/faq/kbs/shop/ask", {{"question", "When?"}, {"model", "engine:tiny"}}),
                 503);
  expect_problem(client().post("/api/models/engine:tiny/load", {}), 503);
  EXPECT_EQ(text_of(model("engine:tiny"), "state"), "unloading");
  const auto rest = events.rest();
  const JsonObject message = final_message(rest);
  EXPECT_EQ(text_of(message, "status"), "complete");
  EXPECT_EQ(text_of(message, "provider"), "engine");
  ASSERT_TRUE(comes_to("engine:tiny", "not_loaded"));
  // What was written is still counted; the last token may be missed.
  EXPECT_GE(int_of(model("engine:tiny"), "n_generated"),
            int_of(object_of(message, "usage"), "output_tokens") - 1);
  EXPECT_EQ(metric("quintet_engine_models"), 0.0);
  // The next question loads it again.
  auto again = running->send_message(conversation, "When do parcels arrive?", "engine:tiny");
  ASSERT_TRUE(comes_to("engine:tiny", "loaded"));
}

}  // namespace
}  // namespace quintet::functional
