// The commands that run a model, on a small real one.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"
#include "testing/test_data.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class EngineCommands : public ::testing::Test {
 protected:
  ScratchFolder folder;
  std::filesystem::path model = stories260k();

  void SetUp() override {
    if (model.empty()) GTEST_SKIP() << kNoTestData;
  }
  CommandResult run(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
    return run_quintet(
        {.folder = folder.path(), .arguments = std::move(arguments), .environment = std::move(environment)});
  }
  /// Output of the program with `input` on its standard input.
  std::string run_with_input(const std::string& input, const std::string& arguments) {
    const auto file = folder.write("input", input);
    const std::string command = cat(QN_PROGRAM, " ", arguments, " < '", file.string(), "'");
    FILE* pipe = ::popen(command.c_str(), "r");
    std::string output;
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
    EXPECT_EQ(::pclose(pipe), 0) << command;
    return output;
  }
};

TEST_F(EngineCommands, GenerateTellsTheSameStoryOnEveryInstructionSet) {
  std::string expected;
  for (const char* isa : {"ref", "avx2", "avx512"}) {
    const auto result =
        run({"generate", "-m", model.string(), "-p", "Once upon a time", "-n", "50", "--temp", "0", "--json"},
            {{"QUINTET_ISA", isa}});
    if (result.status == 2 && result.err.find("not supported by this processor") != std::string::npos)
      continue;
    ASSERT_EQ(result.status, 0) << result.err;
    const std::string text(result.json().at("text").as_string());
    EXPECT_THAT(text, HasSubstr("there was a"));
    EXPECT_EQ(result.json().at("finish_reason").as_string(), "max_tokens");
    if (expected.empty()) expected = text;
    EXPECT_EQ(text, expected) << isa;
  }
}

TEST_F(EngineCommands, AnUnknownInstructionSetIsRefusedWithTheOnesThereAre) {
  const auto result = run({"generate", "-m", model.string(), "-p", "x"}, {{"QUINTET_ISA", "mmx"}});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("ref"));
}

TEST_F(EngineCommands, InspectShowsWhatIsInTheFile) {
  const auto json = run({"inspect", model.string(), "--json"}).json();
  EXPECT_EQ(json.at("architecture").as_string(), "llama");
  EXPECT_EQ(json.at("metadata").as_object().at("llama.block_count").to_number<int>(), 5);
  EXPECT_EQ(json.at("tensors").as_array().size(), 48u);
  EXPECT_THAT(run({"inspect", model.string(), "--tensors"}).out, HasSubstr("blk.4.ffn_down.weight"));
}

TEST_F(EngineCommands, BenchMeasuresEachBatchSize) {
  const auto json =
      run({"bench", "-m", model.string(), "-p", "32", "-n", "8", "-b", "1,3", "-r", "1", "--json"}).json();
  EXPECT_GT(json.at("prefill_tokens_per_s").as_double(), 0.0);
  EXPECT_GT(json.at("decode_tokens_per_s").as_double(), 0.0);
  ASSERT_EQ(json.at("decode").as_array().size(), 2u);
  EXPECT_EQ(json.at("decode").as_array()[1].as_object().at("batch").to_number<int>(), 3);
  EXPECT_GT(json.at("peak_memory_bytes").to_number<std::uint64_t>(), 0u);
}

TEST_F(EngineCommands, TokenizeGivesIdsAndTheTextBack) {
  const std::string text = "Once upon a time, naïve 日本";
  const std::string ids = run_with_input(text, cat("tokenize -m '", model.string(), "'"));
  EXPECT_THAT(ids, StartsWith("1 "));
  EXPECT_EQ(run_with_input(ids, cat("tokenize -m '", model.string(), "' --decode --no-special")), text);
}

TEST_F(EngineCommands, PerplexityOfAStoryIsFarBelowThatOfNoise) {
  const auto story = run({"generate", "-m", model.string(), "-p", "Once upon a time", "-n", "220", "--temp",
                          "0", "--ignore-end", "--json"})
                         .json();
  const auto good = folder.write("story.txt", std::string(story.at("text").as_string()));
  std::string noise;
  for (int i = 0; i < 900; ++i) noise += static_cast<char>('!' + (i * 37 + i * i) % 90);
  const auto bad = folder.write("noise.txt", noise);
  const auto measure = [&](const std::filesystem::path& file) {
    return run({"perplexity", "-m", model.string(), file.string(), "--window", "128", "--json"})
        .json()
        .at("perplexity")
        .as_double();
  };
  EXPECT_LT(measure(good) * 20.0, measure(bad));
}

TEST_F(EngineCommands, QuantizeWritesAFileThatStillTellsAStory) {
  const auto small = folder.path() / "small.gguf";
  const auto result = run({"quantize", model.string(), small.string(), "--type", "q8_0"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("bits per weight"));
  EXPECT_LT(std::filesystem::file_size(small), std::filesystem::file_size(model));
  EXPECT_THAT(
      run({"generate", "-m", small.string(), "-p", "Once upon a time", "-n", "30", "--temp", "0"}).out,
      HasSubstr("there was a"));
}

TEST_F(EngineCommands, ChatAnswersFromAPipe) {
  const std::string out =
      run_with_input("Tell me a story\n/stats\n/nonsense\n/bye\n",
                     cat("chat -n 10 -m '", model.string(), "' --home '", folder.path().string(), "' 2>&1"));
  EXPECT_THAT(out, HasSubstr("10 written"));
  EXPECT_THAT(out, HasSubstr("/help lists them"));
}

TEST_F(EngineCommands, BadFilesAreNamedWithWhatWouldWork) {
  const auto missing = run({"generate", "-m", "nothing.gguf", "-p", "x"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("nothing.gguf"));
  const auto text = folder.write("text.gguf", "this is no model");
  const auto wrong = run({"generate", "-m", text.string(), "-p", "x"});
  EXPECT_NE(wrong.status, 0);
  EXPECT_THAT(wrong.err, HasSubstr("text.gguf"));
  std::ifstream whole(model, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(whole)), {});
  const auto cut = folder.write("cut.gguf", bytes.substr(0, bytes.size() / 2));
  const auto truncated = run({"generate", "-m", cut.string(), "-p", "x"});
  EXPECT_NE(truncated.status, 0);
  EXPECT_THAT(truncated.err, HasSubstr("cut.gguf"));
  EXPECT_EQ(run({"models", "synthesize", "--shape", "none", "-o", "x.gguf"}).status, 2);
}

}  // namespace
}  // namespace quintet::functional
