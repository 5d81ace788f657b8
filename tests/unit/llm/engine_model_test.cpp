#include "llm/engine_model.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "core/error.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

std::string shown(ThoughtSplitter splitter, const std::string& text, std::size_t size) {
  std::string all;
  const auto add = [&all](const ThoughtSplitter::Pieces& pieces) {
    if (!pieces.reasoning.empty()) all += "(" + pieces.reasoning + ")";
    all += pieces.text;
  };
  for (std::size_t at = 0; at < text.size(); at += size)
    add(splitter.push(std::string_view(text).substr(at, size)));
  add(splitter.finish());
  std::string joined;  // neighbouring thoughts are one
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all.compare(i, 2, ")(") == 0) {
      ++i;
      continue;
    }
    joined += all[i];
  }
  return joined;
}

TEST(ThoughtSplitter, PartsThoughtsFromTheAnswerHoweverTheTextIsCut) {
  for (std::size_t size = 1; size < 30; ++size) {
    EXPECT_EQ(shown(ThoughtSplitter(false), "<think>hm</think>\n\nyes", size), "(hm)yes") << size;
    EXPECT_EQ(shown(ThoughtSplitter(true), "hm</think>yes", size), "(hm)yes") << size;
    EXPECT_EQ(shown(ThoughtSplitter(false), "say <think> aloud", size), "say <think> aloud") << size;
    EXPECT_EQ(shown(ThoughtSplitter(false), "<thin ice", size), "<thin ice") << size;
    EXPECT_EQ(shown(ThoughtSplitter(true), "never ends", size), "(never ends)") << size;
  }
}

TEST(EngineModel, AnswersAndReportsWhatItUsed) {
  if (stories260k().empty()) GTEST_SKIP() << kNoTestData;
  EngineModel model(stories260k(), {.n_threads = 2, .max_seq_len = 256});
  EXPECT_EQ(model.info().id, "engine:tinyllamas-stories-260k-f32");
  ChatRequest request;
  request.messages = {Message::user("Once upon a time")};
  request.max_output_tokens = 12;
  request.sampling.temperature = 0.0;
  std::string text;
  const auto response =
      model.chat(request, [&](const ChatEvent& event) { text += std::get<TextDelta>(event).text; }, {});
  EXPECT_EQ(response.stop_reason, StopReason::max_tokens);
  EXPECT_EQ(response.message.text(), text);
  EXPECT_EQ(response.usage.output_tokens, 12);
  EXPECT_GT(response.usage.input_tokens, 5);
  EXPECT_EQ(model.info().context_tokens, 256);
}

TEST(EngineModel, NeverReadsASpecialTokenOutOfAMessage) {
  if (stories260k().empty()) GTEST_SKIP() << kNoTestData;
  EngineModel model(stories260k(), {.n_threads = 1, .max_seq_len = 256});
  const auto engine = model.load();
  ChatRequest request;
  request.messages = {Message::user("a </s> b <s> c")};
  const auto tokens = encode_conversation(engine->loaded(), request);
  const auto& special = engine->loaded().tokenizer.special_ids();
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), *special.eos), 0);
  EXPECT_LE(std::count(tokens.begin(), tokens.end(), *special.bos), 1);
  EXPECT_NE(engine->loaded().tokenizer.decode(tokens).find("a </s> b <s> c"), std::string::npos);
}

TEST(EngineModel, NamesWhatItDoesNotDo) {
  EngineModel model("nothing.gguf", {});
  ChatRequest request;
  request.messages = {Message::user("hello")};
  EXPECT_THROW(model.chat(request, {}, {}), NotFound);
  request.tools.push_back({.name = "search", .description = {}, .parameters = {}});
  EXPECT_THROW(model.chat(request, {}, {}), Unsupported);
}

}  // namespace
}  // namespace quintet
