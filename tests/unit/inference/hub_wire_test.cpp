#include "inference/hub_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "inference/hub_choice.h"
#include "inference/model_names.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(HubSource, ReadsEveryPart) {
  const HubSource bare = parse_hub_source(" hf:acme/tiny-llm ");
  EXPECT_EQ(bare.id(), "acme/tiny-llm");
  EXPECT_EQ(bare.file, "");
  EXPECT_EQ(bare.revision, "main");
  const HubSource full = parse_hub_source("HF:Acme/tiny.v2:q4/tiny-q4_k_m.gguf@refs/pr/3");
  EXPECT_EQ(full.file, "q4/tiny-q4_k_m.gguf");
  EXPECT_EQ(full.revision, "refs/pr/3");
  EXPECT_EQ(full.text(), "hf:Acme/tiny.v2:q4/tiny-q4_k_m.gguf@refs/pr/3");
  EXPECT_EQ(parse_hub_source("hf:a/b@v1.0").revision, "v1.0");
}

TEST(HubSource, IsReadAgainAsItWasWritten) {
  const auto odd = hub_source_of_url("https://hub.example/a/b/blob/main/x@y.gguf", "https://hub.example");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->text(), "hf:a/b:x@y.gguf@main");
  EXPECT_EQ(parse_hub_source(odd->text()).file, "x@y.gguf");
  EXPECT_FALSE(hub_source_of_url("https://hub.example/a/b/blob/v@1/x.gguf", "https://hub.example"));
}

TEST(HubSource, RefusesWhatIsNone) {
  for (const char* bad :
       {"", "hf:", "hf:tiny", "hf:a/", "hf:/b", "hf:a/b/c", "a/b", "hf:a/b:", "hf:a/b:../x", "hf:a/b:/etc/x",
        "hf:a/b@", "hf:a/b@../x", "hf:../b", "hf:a/..", "hf:a b/c", "hf:a/b:x\ny"}) {
    EXPECT_THROW(parse_hub_source(bad), InvalidArgument) << bad;
  }
}

TEST(HubSource, IsFoundInTheAddressesThatBrowsersShow) {
  const std::string hub = "https://hub.example";
  EXPECT_EQ(hub_source_of_url("https://hub.example/a/b", hub)->text(), "hf:a/b");
  EXPECT_EQ(hub_source_of_url("https://hub.example/a/b/tree/v2", hub)->text(), "hf:a/b@v2");
  const auto file =
      hub_source_of_url("https://hub.example/a/b/blob/main/q4/t%20x.gguf?download=true", hub + "/");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->file, "q4/t x.gguf");
  EXPECT_EQ(hub_source_of_url("https://hub.example/a/b/resolve/refs%2Fpr%2F1/x.gguf", hub)->revision,
            "refs/pr/1");
  for (const char* other : {"https://hub.example.evil/a/b", "https://hub.example/a", "https://hub.example/",
                            "https://hub.example/a/b/discussions/3", "https://hub.example/a/b/blob/main/..",
                            "https://hub.example/a/b/blob/main/%2e%2e/x", "http://hub.example/a/b"}) {
    EXPECT_FALSE(hub_source_of_url(other, hub)) << other;
  }
}

TEST(HubTree, KeepsFilesAndTheirChecksums) {
  const std::string sha(64, 'a');
  const std::string git(40, 'b');
  const auto files = parse_hub_tree(R"([
    {"type":"directory","oid":"x","size":0,"path":"q4"},
    {"type":"file","oid":")" + git + R"(","size":12,"path":"config.json"},
    {"type":"file","oid":")" + git + R"(","size":99,"path":"q4/m.gguf",
     "lfs":{"oid":")" + sha + R"(","size":5000000000,"pointerSize":135}}])");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, "config.json");
  EXPECT_EQ(files[0].size, 12u);
  EXPECT_EQ(files[0].git_sha1, git);
  EXPECT_EQ(files[0].sha256, "");
  EXPECT_EQ(files[1].size, 5'000'000'000u);
  EXPECT_EQ(files[1].sha256, sha);
  EXPECT_EQ(files[1].git_sha1, "");
}

TEST(HubTree, LeavesOutPathsThatLeadOutOfTheFolder) {
  const auto files = parse_hub_tree(R"([
    {"type":"file","size":1,"path":"../evil"}, {"type":"file","size":1,"path":"/etc/passwd"},
    {"type":"file","size":1,"path":"a/../../b"}, {"type":"file","size":1,"path":"a\\b"},
    {"type":"file","size":1,"path":"a\nb"}, {"type":"file","size":1,"path":""},
    {"type":"file","size":1,"path":"good"}])");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].path, "good");
}

TEST(HubTree, SaysWhatIsWrongWithOtherAnswers) {
  for (const char* bad :
       {"", "{}", "[1]", R"([{"type":"file","size":1}])", R"([{"type":"file","path":"a"}])",
        R"([{"type":"file","path":"a","size":-1}])", R"([{"type":"file","path":"a","size":"1"}])",
        R"([{"type":"file","path":"a","size":1,"lfs":{"oid":"short","size":1}}])",
        R"([{"type":"file","path":"a","size":1,"lfs":{"size":1}}])", "<html>"}) {
    EXPECT_THROW(parse_hub_tree(bad), CorruptData) << bad;
  }
}

TEST(NextPageLink, FindsTheNextPageAmongOtherLinks) {
  EXPECT_EQ(next_page_link(R"(<https://h/x?cursor=a,b>; rel="next")"), "https://h/x?cursor=a,b");
  EXPECT_EQ(next_page_link(R"(<a>; rel="prev", <b>; title="x, rel=next"; REL=next)"), "b");
  EXPECT_EQ(next_page_link(R"(<a>; rel="last next")"), "a");
  EXPECT_EQ(next_page_link(R"(<a>;rel=prev;rel=next, <b>)"), std::nullopt) << "only the first rel counts";
  for (const char* none : {"", "<", "<a", "<a>", R"(<a>; rel="nex)", "a; rel=next"}) {
    EXPECT_FALSE(next_page_link(none)) << none;
  }
}

TEST(EncodePath, KeepsSlashesOnly) {
  EXPECT_EQ(encode_path("q4 km/a#b?c%_x-1.gguf"), "q4%20km/a%23b%3Fc%25_x-1.gguf");
}

HubFile file(std::string path, std::uint64_t size = 1'000'000) {
  HubFile made;
  made.path = std::move(path);
  made.size = size;
  return made;
}

std::vector<std::string> chosen(std::string_view source, const std::vector<HubFile>& files) {
  std::vector<std::string> paths;
  for (const auto& f : choose_hub_files(parse_hub_source(source), files)) paths.push_back(f.path);
  return paths;
}

std::string refusal(std::string_view source, const std::vector<HubFile>& files, ErrorCode code) {
  try {
    choose_hub_files(parse_hub_source(source), files);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "files were chosen";
  return {};
}

TEST(ChooseHubFiles, PrefersQ4KMThenQ80ThenTheOnlyOne) {
  std::vector<HubFile> files{file("README.md"), file("t-Q2_K.gguf"), file("t-Q8_0.gguf"),
                             file("t-q4_k_m.gguf")};
  EXPECT_THAT(chosen("hf:a/t", files), ElementsAre("t-q4_k_m.gguf"));
  files.pop_back();
  EXPECT_THAT(chosen("hf:a/t", files), ElementsAre("t-Q8_0.gguf"));
  EXPECT_THAT(chosen("hf:a/t", {file("t.gguf"), file("mmproj-t-f16.gguf"), file("config.json")}),
              ElementsAre("t.gguf"));
}

TEST(ChooseHubFiles, ListsTheChoicesWhenItCannotTell) {
  const std::string message = refusal(
      "hf:a/t@v2", {file("t-Q2_K.gguf"), file("t-Q5_K_M.gguf", 2'500'000'000)}, ErrorCode::invalid_argument);
  EXPECT_THAT(message, HasSubstr("hf:a/t:t-Q5_K_M.gguf@v2  (2.5 GB)"));
  EXPECT_THAT(message, HasSubstr("hf:a/t:t-Q2_K.gguf@v2"));
}

TEST(ChooseHubFiles, TakesAllPartsOfASplitModel) {
  const std::vector<HubFile> files{file("Q4_K_M/t-Q4_K_M-00002-of-00002.gguf"),
                                   file("Q4_K_M/t-Q4_K_M-00001-of-00002.gguf"), file("t-Q6_K.gguf")};
  const auto both = ElementsAre("Q4_K_M/t-Q4_K_M-00001-of-00002.gguf", "Q4_K_M/t-Q4_K_M-00002-of-00002.gguf");
  EXPECT_THAT(chosen("hf:a/t", files), both);
  EXPECT_THAT(chosen("hf:a/t:Q4_K_M/t-Q4_K_M-00002-of-00002.gguf", files), both);
  EXPECT_THAT(refusal("hf:a/t", {files[0]}, ErrorCode::not_found), HasSubstr("1 of the 2 files"));
}

TEST(ChooseHubFiles, FindsByTypeAndByNameWhateverTheCase) {
  const std::vector<HubFile> files{file("sub/t-Q2_K.gguf"), file("t-Q5_K_M.gguf")};
  EXPECT_THAT(chosen("hf:a/t:q5_k_m", files), ElementsAre("t-Q5_K_M.gguf"));
  EXPECT_THAT(chosen("hf:a/t:T-q2_k.gguf", files), ElementsAre("sub/t-Q2_K.gguf"));
  EXPECT_THAT(chosen("hf:a/t:t-q2_k", files), ElementsAre("sub/t-Q2_K.gguf"));
}

TEST(ChooseHubFiles, NamesTheNearestFiles) {
  const std::string message =
      refusal("hf:a/t:tiny-Q4_K_N.gguf", {file("tiny-Q4_K_M.gguf"), file("zzz.bin")}, ErrorCode::not_found);
  EXPECT_THAT(message, HasSubstr("nearest are tiny-Q4_K_M.gguf"));
  EXPECT_THAT(message, testing::Not(HasSubstr("zzz")));
}

TEST(ChooseHubFiles, TakesWhatAModelOfSafetensorsNeedsWeightsLast) {
  EXPECT_THAT(
      chosen("hf:a/t", {file("model-00001-of-00002.safetensors"), file("model-00002-of-00002.safetensors"),
                        file("model.safetensors.index.json"), file("consolidated.safetensors"),
                        file("config.json"), file("tokenizer.json"), file("pytorch_model.bin"),
                        file("onnx/model.onnx"), file("original/consolidated.00.pth"), file("README.md")}),
      ElementsAre("model.safetensors.index.json", "config.json", "tokenizer.json",
                  "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
  EXPECT_THAT(chosen("hf:a/t", {file("model.fp16.safetensors"), file("model.safetensors"),
                                file("config.json"), file("1_Pooling/config.json"), file("modules.json")}),
              ElementsAre("config.json", "1_Pooling/config.json", "modules.json", "model.safetensors"));
}

TEST(ChooseHubFiles, SaysThatThereIsNoModel) {
  EXPECT_THAT(refusal("hf:a/t", {file("pytorch_model.bin"), file("config.json")}, ErrorCode::unsupported),
              HasSubstr("pytorch_model.bin"));
  EXPECT_THAT(refusal("hf:a/t", {file("model.safetensors")}, ErrorCode::unsupported),
              HasSubstr("config.json"));
  refusal("hf:a/t", {}, ErrorCode::unsupported);
}

TEST(ModelNames, ReadTypesStemsAndParts) {
  EXPECT_EQ(quantization_in_name("x/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf"), "Q4_K_M");
  EXPECT_EQ(quantization_in_name("tiny.iq4_xs.gguf"), "IQ4_XS");
  EXPECT_EQ(quantization_in_name("tiny-f16-00001-of-00002.gguf"), "F16");
  EXPECT_EQ(quantization_in_name("tiny-BF16.gguf"), "BF16");
  for (const char* none : {"tiny.gguf", "q4-report.gguf", "iraq4_0.gguf", "f1600.gguf"})
    EXPECT_EQ(quantization_in_name(none), "") << none;
  EXPECT_EQ(model_stem("a/b-00001-of-00002.gguf"), "b");
  EXPECT_EQ(model_stem("a/B.GGUF"), "B");
  EXPECT_EQ(split_name("a/b", 2, 12), "a/b-00002-of-00012.gguf");
  EXPECT_EQ(parse_split_name("a/b-00002-of-00012.gguf")->index, 2u);
  for (const char* whole : {"b.gguf", "b-00003-of-00002.gguf", "b-00000-of-00002.gguf",
                            "-00001-of-00002.gguf", "b-0001-of-0002.gguf", "b-00001-of-00002.bin"})
    EXPECT_FALSE(parse_split_name(whole)) << whole;
}

}  // namespace
}  // namespace quintet
