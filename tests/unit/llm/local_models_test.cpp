#include "llm/local_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/log.h"
#include "llm/model_registry.h"
#include "storage/database.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class LocalModelsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (stories260k().empty()) GTEST_SKIP() << kNoTestData;
    fs::create_directories(root());
  }
  fs::path root() const { return folder.path() / "models"; }
  fs::path put(const std::string& name) {
    fs::create_directories((root() / name).parent_path());
    fs::copy_file(stories260k(), root() / name, fs::copy_options::overwrite_existing);
    return root() / name;
  }
  std::unique_ptr<LocalModels> make(const fs::path& given = {}) {
    LocalModels::Options options{root(), given, {.n_threads = 1, .max_seq_len = 128, .max_sequences = 1}};
    return std::make_unique<LocalModels>(std::move(options), settings, ModelInstruments{});
  }
  static std::vector<std::string> names(const LocalModels& models) {
    std::vector<std::string> all;
    for (const auto& model : models.list()) all.push_back(model.name);
    return all;
  }
  /// Waits, as long as it takes.
  static void wait_for(const LocalModels& models, std::string_view id, EngineState state) {
    while (models.get(id).engine.state != state) std::this_thread::yield();
  }
  static ChatRequest question() {
    ChatRequest request;
    request.messages = {Message::user("Once upon a time")};
    request.max_output_tokens = 20;
    return request;
  }

  ScratchFolder folder;
  Database database{{.path = folder.path() / "test.db"}, ModelSettings::migrations(), null_log()};
  ModelSettings settings{database};
};

TEST_F(LocalModelsTest, ListsTheStoreAndTheGivenFileAndKeepsTheirNamesApart) {
  put("a/tiny.gguf");
  const fs::path given = folder.path() / "tiny.gguf";
  fs::copy_file(stories260k(), given);
  const auto models = make(given);
  EXPECT_THAT(names(*models), ElementsAre("a/tiny.gguf", "tiny"));
  EXPECT_FALSE(models->get("engine:tiny").is_in_store);
  EXPECT_TRUE(models->get("a/tiny.gguf").is_in_store);
  EXPECT_EQ(models->get("tiny").stored.details.n_parameters, 292'800u);
  EXPECT_EQ(models->preferred()->info().id, "engine:tiny");
  EXPECT_THROW(models->get("engine:other"), NotFound);
  EXPECT_THROW(models->remove("tiny"), Conflict);
  EXPECT_TRUE(fs::exists(given));
}

TEST_F(LocalModelsTest, TheGivenFileMayLieInTheStore) {
  const auto models = make(put("tiny.gguf"));
  EXPECT_THAT(names(*models), ElementsAre("tiny"));
  EXPECT_TRUE(models->get("tiny").is_in_store);
}

TEST_F(LocalModelsTest, SeesWhatComesAndGoesAndANameStays) {
  const auto models = make();
  EXPECT_TRUE(models->list().empty());
  EXPECT_EQ(models->preferred(), nullptr);
  put("a/tiny.gguf");
  models->refresh();
  EXPECT_THAT(names(*models), ElementsAre("tiny"));
  put("b/tiny.gguf");
  models->refresh();
  EXPECT_THAT(names(*models), ElementsAre("b/tiny.gguf", "tiny"));
  const auto held = models->find("engine:tiny");
  fs::remove(root() / "a/tiny.gguf");
  models->refresh();
  EXPECT_THAT(names(*models), ElementsAre("b/tiny.gguf"));
  EXPECT_THROW(held->chat(question(), {}, {}), NotFound) << "it is gone, and says so";
}

TEST_F(LocalModelsTest, LoadsWithSettingsThatAreRemembered) {
  put("tiny.gguf");
  {
    const auto models = make();
    models->begin_load("tiny", EngineChoice{.context = 64, .threads = 0, .parallel = 2});
    wait_for(*models, "tiny", EngineState::loaded);
    const EngineReport report = models->get("tiny").engine;
    EXPECT_EQ(report.max_seq_len, 64u);
    EXPECT_EQ(report.options.max_sequences, 2u);
    EXPECT_EQ(report.n_threads, 1u);
    EXPECT_GT(report.memory_bytes, 1'000'000u);
    EXPECT_THROW(models->begin_load("tiny", EngineChoice{.context = 32}), Conflict);
    EXPECT_THROW(models->remove("tiny"), Conflict);
    models->unload("tiny");
    EXPECT_EQ(models->get("tiny").engine.state, EngineState::not_loaded);
  }
  const auto models = make();
  EXPECT_EQ(models->get("tiny").engine.options.max_seq_len, 64u);
  settings.set_default_model("engine:tiny");
  models->remove("tiny");
  EXPECT_TRUE(models->list().empty());
  EXPECT_FALSE(settings.engine_choice("tiny"));
  EXPECT_EQ(settings.default_model(), "");
}

TEST_F(LocalModelsTest, UnloadingWaitsForTheAnswerThatIsBeingWritten) {
  put("tiny.gguf");
  const auto models = make();
  const auto model = models->find("tiny");
  bool is_first = true;
  const auto response = model->chat(question(),
                                    [&](const ChatEvent&) {
                                      if (!std::exchange(is_first, false)) return;
                                      models->unload("tiny");
                                      EXPECT_EQ(models->get("tiny").engine.state, EngineState::unloading);
                                      EXPECT_EQ(models->get("tiny").engine.n_answers, 1u);
                                      EXPECT_THROW(model->chat(question(), {}, {}), Unavailable);
                                      EXPECT_THROW(models->begin_load("tiny"), Unavailable);
                                    },
                                    {});
  EXPECT_EQ(response.usage.output_tokens, 20);
  EXPECT_EQ(models->get("tiny").engine.state, EngineState::not_loaded);
  EXPECT_EQ(models->totals().n_loaded, 0u);
  EXPECT_GE(models->totals().n_generated, 19u);
  EXPECT_EQ(model->chat(question(), {}, {}).usage.output_tokens, 20) << "the next question loads it again";
  EXPECT_EQ(models->totals().n_loaded, 1u);
}

TEST_F(LocalModelsTest, ALoadThatIsNoLongerWantedIsDropped) {
  put("tiny.gguf");
  const auto models = make();
  for (int i = 0; i < 20; ++i) {
    models->begin_load("tiny");
    models->unload("tiny");
    wait_for(*models, "tiny", EngineState::not_loaded);
  }
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(models->find("tiny")->chat(question(), {}, stopped.get_token()).stop_reason,
            StopReason::cancelled);
}

TEST_F(LocalModelsTest, AFileThatCannotBeUsedIsListedWithItsProblem) {
  folder.write("models/bad.gguf", "no model");
  const auto models = make();
  const LocalModel bad = models->get("bad");
  EXPECT_FALSE(bad.can_chat);
  EXPECT_TRUE(models->infos().empty());
  try {
    models->begin_load("bad");
    FAIL();
  } catch (const Conflict& error) {
    EXPECT_THAT(error.what(), HasSubstr(bad.stored.problem));
  }
}

TEST_F(LocalModelsTest, AFailedLoadSaysWhyAndIsTriedAgain) {
  const fs::path file = put("tiny.gguf");
  const auto models = make();
  const auto model = models->find("tiny");
  fs::resize_file(file, fs::file_size(file) / 2);
  EXPECT_THROW(model->chat(question(), {}, {}), CorruptData);
  EXPECT_EQ(models->get("tiny").engine.state, EngineState::failed);
  EXPECT_THAT(models->get("tiny").engine.problem, HasSubstr("tiny.gguf"));
  EXPECT_EQ(models->get("tiny").engine.problem_code, ErrorCode::corrupt_data);
  put("tiny.gguf");
  models->refresh();
  models->begin_load("tiny");
  wait_for(*models, "tiny", EngineState::loaded);
  EXPECT_EQ(models->get("tiny").engine.problem, "");
}

TEST_F(LocalModelsTest, TheRegistryOffersThemBeforeProvidersAndFallsBackWhenOneIsGone) {
  HttpClient client;
  const std::vector<ProviderConfig> providers{
      {.kind = ProviderKind::scripted, .script = R"({"turns":["hi"]})"}};
  put("tiny.gguf");
  const auto models = make();
  ModelRegistry registry(providers, client, {}, {}, models.get());
  EXPECT_EQ(registry.default_id(), "engine:tiny");
  EXPECT_EQ(registry.infos().size(), 3u);
  EXPECT_EQ(registry.find("tiny")->info().id, "engine:tiny");
  registry.set_default("extractive");
  EXPECT_EQ(registry.default_id(), "extractive");
  EXPECT_THROW(registry.set_default("engine:none"), NotFound);
  registry.set_default("engine:tiny");
  models->remove("tiny");
  EXPECT_EQ(registry.default_id(), "scripted");
}

}  // namespace
}  // namespace quintet
