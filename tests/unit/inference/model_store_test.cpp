#include "inference/model_store.h"

#include <array>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/ids.h"
#include "core/text.h"
#include "small_model_files.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class ModelStoreTest : public testing::Test {
 protected:
  ModelStoreTest() : root(fs::temp_directory_path() / new_id("store")), store(root) {}
  ~ModelStoreTest() override { fs::remove_all(root); }

  void put(const std::string& path, const std::string& content) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << content;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& model : store.list()) all.push_back(model.name);
    return all;
  }

  fs::path root;
  ModelStore store;
};

TEST_F(ModelStoreTest, IsEmptyWithoutItsFolder) {
  EXPECT_THAT(store.list(), testing::IsEmpty());
  try {
    store.find("tiny");
    FAIL();
  } catch (const NotFound& error) {
    EXPECT_THAT(error.what(), HasSubstr("quintet models pull"));
  }
}

TEST_F(ModelStoreTest, ReadsWhatAGgufFileSaysOfItself) {
  put("acme/tiny/tiny-q8_0.gguf", small_gguf());
  put("by-hand.gguf", small_gguf());
  const auto models = store.list();
  ASSERT_EQ(models.size(), 2u);
  const StoredModel& tiny = models[0];
  EXPECT_EQ(tiny.name, "tiny-q8_0");
  EXPECT_EQ(tiny.id, "acme/tiny/tiny-q8_0.gguf");
  EXPECT_EQ(tiny.path, root / "acme/tiny/tiny-q8_0.gguf");
  EXPECT_EQ(tiny.details.architecture, "llama");
  EXPECT_EQ(tiny.details.n_parameters, kSmallModelParameters);
  EXPECT_EQ(tiny.details.quantization, "F32");
  EXPECT_EQ(tiny.size, small_gguf().size());
  EXPECT_TRUE(tiny.is_complete);
  EXPECT_FALSE(tiny.origin);
  EXPECT_EQ(models[1].name, "by-hand");
}

TEST_F(ModelStoreTest, AFolderOfSafetensorsIsOneModel) {
  put("acme/folder/config.json", R"({"model_type":"llama","architectures":["LlamaForCausalLM"]})");
  put("acme/folder/model.safetensors", small_safetensors());
  put("acme/folder/tokenizer.json", "{}");
  const auto models = store.list();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name, "folder");
  EXPECT_EQ(models[0].id, "acme/folder");
  EXPECT_EQ(models[0].format, ModelFormat::safetensors);
  EXPECT_EQ(models[0].details.architecture, "llama");
  EXPECT_EQ(models[0].details.n_parameters, 6u);
  EXPECT_EQ(models[0].details.quantization, "F16");
  EXPECT_EQ(models[0].files.size(), 3u);
  EXPECT_TRUE(models[0].is_complete) << models[0].problem;
}

TEST_F(ModelStoreTest, SaysWhatIsWrongWithDamagedAndPartialModels) {
  put("a/cut.gguf", small_gguf().substr(0, small_gguf().size() / 2));
  put("b/two-00001-of-00002.gguf", small_gguf());
  put("c/config.json", "{}");
  put("c/model.safetensors", small_safetensors().substr(0, 70));
  put("d/config.json", "{}");
  put("d/model-00001-of-00002.safetensors", small_safetensors());
  put("d/model.safetensors.index.json",
      R"({"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}})");
  for (const auto& model : store.list()) {
    EXPECT_FALSE(model.is_complete) << model.id;
    EXPECT_NE(model.problem, "") << model.id;
  }
  EXPECT_EQ(store.find("two").problem, "two-00002-of-00002.gguf is missing");
  EXPECT_THAT(store.find("d").problem, HasSubstr("model-00002-of-00002.safetensors"));
}

TEST_F(ModelStoreTest, KnowsAnInterruptedDownloadFromTheManifest) {
  ManifestFile file;
  file.path = "q4/tiny-q4_k_m.gguf";
  file.source = "hf:acme/tiny";
  file.size = 1000;
  store.record(root / "acme/tiny", {file});
  put("acme/tiny/q4/tiny-q4_k_m.gguf.part", std::string(400, 'x'));
  const auto model = store.find("tiny-q4_k_m");
  EXPECT_FALSE(model.is_complete);
  EXPECT_EQ(model.size, 400u);
  EXPECT_EQ(model.problem, "the download is not complete: tiny-q4_k_m.gguf missing, 400 bytes there");
  EXPECT_EQ(model.details.quantization, "Q4_K_M");
  ASSERT_TRUE(model.origin);
  EXPECT_EQ(model.origin->source, "hf:acme/tiny");
  store.remove(model);
  EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(ModelStoreTest, FindsByWhateverPeopleCallAModel) {
  put("acme/tiny/tiny-q8_0.gguf", small_gguf());
  put("acme/tiny/tiny-q4_k_m.gguf", small_gguf());
  put("acme/other/other-00001-of-00001.gguf", small_gguf());
  const std::vector<std::string> q8_names{"tiny-q8_0",
                                          "TINY-Q8_0",
                                          "tiny-q8_0.gguf",
                                          "acme/tiny/tiny-q8_0",
                                          "tiny/tiny-q8_0.gguf",
                                          "hf:acme/tiny:q8_0",
                                          "hf:acme/tiny:tiny-q8_0.gguf@main",
                                          "acme/tiny:Q8_0",
                                          (root / "acme/tiny/tiny-q8_0.gguf").string()};
  for (const auto& name : q8_names) {
    EXPECT_EQ(store.find(name).id, "acme/tiny/tiny-q8_0.gguf") << name;
  }
  for (const char* name : {"other", "acme/other", "hf:acme/other", "other-00001-of-00001"})
    EXPECT_EQ(store.find(name).id, "acme/other/other-00001-of-00001.gguf") << name;
  try {
    store.find("acme/tiny");
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("tiny-q4_k_m, tiny-q8_0"));
  }
  try {
    store.find("tiny-q8");
    FAIL();
  } catch (const NotFound& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean tiny-q8_0"));
  }
  for (const char* none : {"", "/", "..", ".gguf", "hf:"}) EXPECT_THROW(store.find(none), Error) << none;
}

TEST_F(ModelStoreTest, GivesModelsOfOneNameLongerOnes) {
  put("a/x/tiny.gguf", small_gguf());
  put("b/x/tiny.gguf", small_gguf());
  EXPECT_THAT(names(), ElementsAre("a/x/tiny.gguf", "b/x/tiny.gguf"));
  EXPECT_EQ(store.find("b/x/tiny.gguf").path, root / "b/x/tiny.gguf");
  EXPECT_THROW(store.find("tiny"), InvalidArgument);
}

TEST_F(ModelStoreTest, RemovesAModelAndNothingElse) {
  put("acme/tiny/tiny-q8_0.gguf", small_gguf());
  put("acme/tiny/tiny-q4_k_m.gguf", small_gguf());
  put("acme/tiny/notes.md", "mine");
  ManifestFile file;
  file.path = "tiny-q8_0.gguf";
  ManifestFile other;
  other.path = "tiny-q4_k_m.gguf";
  store.record(root / "acme/tiny", {file, other});
  store.remove(store.find("tiny-q8_0"));
  EXPECT_THAT(names(), ElementsAre("tiny-q4_k_m"));
  const auto left = ModelStore::read_manifest(root / "acme/tiny");
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].path, "tiny-q4_k_m.gguf");
  store.remove(store.find("tiny-q4_k_m"));
  EXPECT_TRUE(fs::exists(root / "acme/tiny/notes.md"));
  EXPECT_FALSE(fs::exists(root / "acme/tiny/quintet.json"));
}

TEST_F(ModelStoreTest, RemovingALinkLeavesWhatItLeadsTo) {
  const fs::path elsewhere = fs::temp_directory_path() / new_id("elsewhere");
  std::ofstream(elsewhere, std::ios::binary) << small_gguf();
  fs::create_directories(root / "a");
  fs::create_symlink(elsewhere, root / "a/linked.gguf");
  store.remove(store.find("linked"));
  EXPECT_TRUE(fs::exists(elsewhere));
  EXPECT_TRUE(fs::is_empty(root));
  fs::remove(elsewhere);
}

TEST_F(ModelStoreTest, AFolderThatLinksToItselfIsWalkedOnce) {
  put("a/tiny.gguf", small_gguf());
  fs::create_directory_symlink(root, root / "a/again");
  EXPECT_THAT(names(), ElementsAre("tiny"));
}

TEST_F(ModelStoreTest, AManifestCannotPointOutside) {
  put("a/b/quintet.json", R"({"files":{"../../../evil.gguf":{"source":"x"}}})");
  EXPECT_THROW(ModelStore::read_manifest(root / "a/b"), CorruptData);
  put("a/b/tiny.gguf", small_gguf());
  EXPECT_THAT(names(), ElementsAre("tiny")) << "a damaged manifest does not hide what is there";
}

}  // namespace
}  // namespace quintet
