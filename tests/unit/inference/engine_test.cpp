#include "inference/engine.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "formats/gguf.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (stories260k().empty()) GTEST_SKIP() << kNoTestData;
  }
  static EngineOptions options() {
    EngineOptions options;
    options.n_threads = 2;
    options.max_seq_len = 256;
    options.max_sequences = 3;
    return options;
  }
  static GenerationRequest request(const Engine& engine, std::string_view prompt, std::size_t max_tokens) {
    GenerationRequest request;
    request.prompt = engine.loaded().tokenizer.encode(prompt);
    request.max_tokens = max_tokens;
    request.sampling.temperature = 0.0f;
    return request;
  }
};

TEST_F(EngineTest, TellsAStoryAndShowsItsTextPieceByPiece) {
  Engine engine(stories260k(), options());
  std::string shown;
  const auto result = engine.generate(request(engine, "Once upon a time", 60),
                                      [&](const TokenEvent& event) { shown += event.text; });
  EXPECT_EQ(result.reason, FinishReason::max_tokens);
  EXPECT_EQ(result.tokens.size(), 60u);
  EXPECT_EQ(shown, result.text);
  EXPECT_NE(result.text.find("there was a"), std::string::npos) << result.text;
}

TEST_F(EngineTest, KeepsTheBlankBetweenThePromptAndItsContinuation) {
  Engine engine(stories260k(), options());
  const auto result = engine.generate(request(engine, "Once upon a time, there was", 8));
  EXPECT_TRUE(result.text.starts_with(" a ")) << result.text;
}

TEST_F(EngineTest, SaysThatDamagedWeightsGiveNoNumbersAndGoesOn) {
  const GgufFile original = GgufFile::open(stories260k());
  const auto norm = original.tensor("output_norm.weight").bytes();
  std::string bytes = read_file(stories260k());
  const std::size_t at =
      bytes.find(std::string_view(reinterpret_cast<const char*>(norm.data()), norm.size()));
  ASSERT_NE(at, std::string::npos);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), norm.size(), '\xFF');  // NaN
  const ScratchFolder folder;
  const auto damaged = folder.path() / "damaged.gguf";
  write_file_atomically(damaged, bytes);
  Engine engine(damaged, options());
  EXPECT_THROW(engine.generate(request(engine, "Once upon a time", 5)), CorruptData);
  EXPECT_THROW(engine.generate(request(engine, "Once upon a time", 5)), CorruptData) << "the engine lives on";
}

TEST_F(EngineTest, GivesEachOfManyConcurrentRequestsWhatItWouldGetAlone) {
  const std::vector<std::string> prompts{"Once upon a time",
                                         "Lily and Tom",
                                         "The dog",
                                         "One day, a little girl",
                                         "It was a sunny day",
                                         "Tom had a big red ball and he",
                                         "Mom said"};
  Engine engine(stories260k(), options());
  std::vector<std::vector<TokenId>> alone;
  for (const auto& prompt : prompts) {
    Engine fresh(stories260k(), options());
    alone.push_back(fresh.generate(request(fresh, prompt, 40)).tokens);
  }
  std::vector<std::vector<TokenId>> together(prompts.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < prompts.size(); ++i)
      threads.emplace_back([&, i] { together[i] = engine.generate(request(engine, prompts[i], 40)).tokens; });
  }
  EXPECT_EQ(together, alone);
}

TEST_F(EngineTest, UsesWhatAnEarlierPromptLeftInTheCacheWithoutChangingTheAnswer) {
  Engine engine(stories260k(), options());
  const std::string story = "Once upon a time, there was a little girl named Lily. She loved to play outside";
  const auto first = engine.generate(request(engine, story, 30));
  EXPECT_EQ(first.n_cached, 0u);
  const auto again = engine.generate(request(engine, story, 30));
  EXPECT_EQ(again.n_cached, again.n_prompt - 1);
  EXPECT_EQ(again.tokens, first.tokens);
  const auto longer = engine.generate(request(engine, story + " in the park", 30));
  EXPECT_GT(longer.n_cached, 10u);
  Engine fresh(stories260k(), options());
  EXPECT_EQ(longer.tokens, fresh.generate(request(fresh, story + " in the park", 30)).tokens);
}

TEST_F(EngineTest, GivesTheSameTextForTheSameSeedWhateverTheThreads) {
  std::vector<TokenId> expected;
  for (const std::size_t n_threads : {1u, 2u, 3u}) {
    auto o = options();
    o.n_threads = n_threads;
    Engine engine(stories260k(), o);
    auto r = request(engine, "Once upon a time", 50);
    r.sampling.temperature = 1.0f;
    r.sampling.top_p = 0.9f;
    r.sampling.seed = 1234;
    const auto result = engine.generate(r);
    if (expected.empty()) expected = result.tokens;
    EXPECT_EQ(result.tokens, expected);
    r.sampling.seed = 99;
    EXPECT_NE(engine.generate(r).tokens, expected);
  }
}

TEST_F(EngineTest, StopsAtAStringThatCrossesTokensAndShowsNoneOfIt) {
  Engine engine(stories260k(), options());
  const auto whole = engine.generate(request(engine, "Once upon a time", 60)).text;
  const std::string stop = whole.substr(40, 9);
  auto r = request(engine, "Once upon a time", 60);
  r.stop = {stop, "never in the text"};
  std::string shown;
  const auto result = engine.generate(r, [&](const TokenEvent& event) { shown += event.text; });
  EXPECT_EQ(result.reason, FinishReason::stop_string);
  EXPECT_EQ(result.text, whole.substr(0, whole.find(stop)));
  EXPECT_EQ(shown, result.text);
}

TEST_F(EngineTest, SaysThatTheContextIsFullOrSlidesWhenAsked) {
  auto o = options();
  o.max_seq_len = 40;
  Engine engine(stories260k(), o);
  auto r = request(engine, "Once upon a time", 0);
  r.ignore_end = true;
  const auto full = engine.generate(r);
  EXPECT_EQ(full.reason, FinishReason::context_full);
  EXPECT_EQ(full.n_prompt + full.tokens.size(), 41u);  // the last token was not read back
  r.slide = true;
  r.max_tokens = 150;
  const auto slid = engine.generate(r);
  EXPECT_EQ(slid.reason, FinishReason::max_tokens);
  EXPECT_EQ(slid.tokens.size(), 150u);
}

TEST_F(EngineTest, EndsWithinAStepWhenItIsCancelledAndThenServesOthers) {
  Engine engine(stories260k(), options());
  auto r = request(engine, "Once upon a time", 0);
  r.ignore_end = true;
  r.slide = true;
  std::stop_source stop;
  std::atomic<int> n_events = 0;
  const auto result = engine.generate(
      r,
      [&](const TokenEvent&) {
        if (++n_events == 5) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(result.reason, FinishReason::cancelled);
  EXPECT_GE(result.tokens.size(), 5u);
  EXPECT_EQ(engine.generate(request(engine, "The dog", 5)).tokens.size(), 5u);
}

TEST_F(EngineTest, LetsASlowReaderDelayOnlyItself) {
  Engine engine(stories260k(), options());
  auto endless = request(engine, "Once upon a time", 0);
  endless.ignore_end = true;
  endless.slide = true;
  std::stop_source stop;
  std::atomic<bool> may_go_on = false;
  std::jthread slow(
      [&] { engine.generate(endless, [&](const TokenEvent&) { may_go_on.wait(false); }, stop.get_token()); });
  EXPECT_EQ(engine.generate(request(engine, "The dog", 100)).tokens.size(), 100u);
  EXPECT_EQ(engine.generate(request(engine, "The cat", 100)).tokens.size(), 100u);
  stop.request_stop();
  may_go_on = true;
  may_go_on.notify_all();
}

TEST_F(EngineTest, ReportsLogProbabilitiesOfTokensAndAlternatives) {
  Engine engine(stories260k(), options());
  auto r = request(engine, "Once upon a time", 10);
  r.n_logprobs = 3;
  engine.generate(r, [&](const TokenEvent& event) {
    ASSERT_EQ(event.alternatives.size(), 3u);
    EXPECT_EQ(event.alternatives[0].token, event.token);  // greedy
    EXPECT_FLOAT_EQ(event.alternatives[0].logprob, event.logprob);
    EXPECT_LE(event.logprob, 0.0f);
    EXPECT_GE(event.alternatives[0].logprob, event.alternatives[1].logprob);
  });
}

TEST_F(EngineTest, RefusesWhatItCannotDoAndSaysWhy) {
  Engine engine(stories260k(), options());
  EXPECT_THROW(engine.generate({}), InvalidArgument);
  GenerationRequest r;
  r.prompt = {99'999};
  EXPECT_THROW(engine.generate(r), InvalidArgument);
  r.prompt.assign(300, 5);
  EXPECT_THROW(engine.generate(r), InvalidArgument);
  r.prompt = {1};
  r.sampling.top_p = 2.0f;
  EXPECT_THROW(engine.generate(r), InvalidArgument);
  EXPECT_THROW(Engine(stories260k().parent_path() / "nothing.gguf", options()), NotFound);
}

TEST_F(EngineTest, PassesOnWhatASinkThrows) {
  Engine engine(stories260k(), options());
  EXPECT_THROW(
      engine.generate(request(engine, "The dog", 50), [](const TokenEvent&) { throw Unavailable("gone"); }),
      Unavailable);
  EXPECT_EQ(engine.generate(request(engine, "The dog", 5)).tokens.size(), 5u);
}

}  // namespace
}  // namespace quintet
