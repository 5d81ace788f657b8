#include <thread>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"
#include "core/time.h"
#include "llm/extractive_model.h"
#include "llm/scripted_model.h"

namespace quintet {
namespace {

using namespace std::chrono_literals;

/// Sink that keeps each event as text.
struct Recorder {
  std::vector<std::string> events;
  ChatSink sink() {
    return [this](const ChatEvent& event) {
      if (const auto* text = std::get_if<TextDelta>(&event)) events.push_back(cat("text:", text->text));
      if (const auto* reasoning = std::get_if<ReasoningDelta>(&event)) {
        events.push_back(cat("think:", reasoning->text));
      }
      if (const auto* call = std::get_if<ToolCallDelta>(&event)) {
        events.push_back(cat("call:", call->index, ":", call->id, ":", call->name, ":", call->arguments));
      }
    };
  }
};

using Strings = std::vector<std::string>;

ChatRequest ask(std::string question) {
  ChatRequest request;
  request.messages = {Message::user(std::move(question))};
  return request;
}

Source source(std::string id, std::string text, double confidence) {
  return {.id = std::move(id), .title = "", .text = std::move(text), .confidence = confidence};
}

TEST(ExtractiveModel, QuotesTheBestSourceWordForWordAndCitesIt) {
  ChatRequest request = ask("How long?");
  request.sources = {source("b", "No.", 0.2), source("a", "Two weeks.\n\nThen *money* back.", 0.9)};
  Recorder recorder;
  const auto response = ExtractiveModel().chat(request, recorder.sink(), {});
  EXPECT_EQ(recorder.events, (Strings{"text:Two weeks.\n\n", "text:Then *money* back."}));
  EXPECT_EQ(response.message.text(), "Two weeks.\n\nThen *money* back.");
  EXPECT_EQ(response.cited_sources, Strings{"a"});
  EXPECT_EQ(response.stop_reason, StopReason::end);
  EXPECT_EQ(response.confidence, 0.9);
  EXPECT_EQ(response.cost_usd, 0.0);
  EXPECT_EQ(response.usage.output_tokens, 0);
}

TEST(ExtractiveModel, RefusesBelowTheThresholdAndSaysHowSureItWas) {
  ChatRequest request = ask("Why?");
  request.sources = {source("a", "Two weeks.", 0.49)};
  Recorder recorder;
  auto response = ExtractiveModel().chat(request, recorder.sink(), {});
  EXPECT_EQ(response.stop_reason, StopReason::refused);
  EXPECT_TRUE(recorder.events.empty());
  EXPECT_TRUE(response.cited_sources.empty());
  EXPECT_EQ(response.confidence, 0.49);
  request.sources.clear();
  response = ExtractiveModel("I do not know.").chat(request, {}, {});
  EXPECT_EQ(response.stop_reason, StopReason::refused);
  EXPECT_EQ(response.message.text(), "I do not know.");
}

TEST(ExtractiveModel, ObeysAStop) {
  ChatRequest request = ask("x");
  request.sources = {source("a", "text", 1)};
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(ExtractiveModel().chat(request, {}, stop.get_token()).stop_reason, StopReason::cancelled);
}

TEST(ScriptedModel, ReplaysItsTurnsInOrderAndTheLastForEver) {
  ScriptedModel model({ScriptedTurn().say("Grüße", 2), ScriptedTurn().say("two")});
  Recorder recorder;
  const auto first = model.chat(ask("1"), recorder.sink(), {});
  EXPECT_EQ(recorder.events, (Strings{"text:Gr", "text:üß", "text:e"}));
  EXPECT_EQ(first.message.text(), "Grüße");
  EXPECT_EQ(model.chat(ask("2"), {}, {}).message.text(), "two");
  EXPECT_EQ(model.chat(ask("3"), {}, {}).message.text(), "two");
  EXPECT_EQ(model.requests().size(), 3u);
  EXPECT_EQ(model.requests()[2].messages[0].text(), "3");
}

TEST(ScriptedModel, ATurnWithAConditionAnswersWheneverItFits) {
  ScriptedModel model({ScriptedTurn().say("hello"), ScriptedTurn().when("Price").say("5 euro")});
  EXPECT_EQ(model.chat(ask("what PRICE is it"), {}, {}).message.text(), "5 euro");
  EXPECT_EQ(model.chat(ask("hi"), {}, {}).message.text(), "hello");
}

TEST(ScriptedModel, CallsToolsThinksAndStopsForThem) {
  ScriptedModel model({ScriptedTurn().think("hm").call_tool("search", R"({"q":"x"})")});
  Recorder recorder;
  const auto response = model.chat(ask("x"), recorder.sink(), {});
  EXPECT_EQ(recorder.events, (Strings{"think:hm", "call:0:call_1:search:", "call:0:::{\"q\":\"x\"}"}));
  EXPECT_EQ(response.stop_reason, StopReason::tool_calls);
  EXPECT_EQ(response.message.tool_calls().at(0).arguments, R"({"q":"x"})");
}

TEST(ScriptedModel, AFailureBeforeTheFirstEventIsThrownAndAfterItIsAValue) {
  ScriptedModel model({ScriptedTurn().fail(ErrorCode::exhausted, "slow down"),
                       ScriptedTurn().say("half").fail(ErrorCode::unavailable, "gone")});
  try {
    model.chat(ask("x"), {}, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::exhausted);
  }
  const auto response = model.chat(ask("x"), {}, {});
  EXPECT_EQ(response.stop_reason, StopReason::interrupted);
  EXPECT_EQ(response.interruption, "gone");
  EXPECT_EQ(response.message.text(), "half");
}

TEST(ScriptedModel, AStallEndsWhenItIsStopped) {
  ScriptedModel model({ScriptedTurn().say("half").stall()});
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  const Stopwatch watch;
  const auto response = model.chat(ask("x"), {}, stop.get_token());
  EXPECT_EQ(response.stop_reason, StopReason::cancelled);
  EXPECT_EQ(response.message.text(), "half");
  EXPECT_LT(watch.seconds(), 10.0);
}

TEST(ScriptedModel, ReadsItsScriptFromJson) {
  ScriptedModel model(ScriptedModel::parse_script(R"({"turns": ["plain",
    {"steps": [{"think": "t"}, {"say": "abc", "delta_characters": 1}, {"wait_ms": 1},
               {"call": {"name": "f", "arguments": {"a": 1}}}], "usage": {"input_tokens": 5, "output_tokens": 7}},
    {"when": "bad", "steps": [{"fail": {"code": "unauthorized", "message": "no"}}]},
    {"say": "short", "stop_reason": "max_tokens"}]})"));
  EXPECT_EQ(model.chat(ask("x"), {}, {}).message.text(), "plain");
  const auto second = model.chat(ask("x"), {}, {});
  EXPECT_EQ(second.message.text(), "abc");
  EXPECT_EQ(second.usage.output_tokens, 7);
  EXPECT_EQ(second.message.tool_calls().at(0).arguments, R"({"a":1})");
  EXPECT_THROW(model.chat(ask("bad"), {}, {}), Error);
  EXPECT_EQ(model.chat(ask("x"), {}, {}).stop_reason, StopReason::max_tokens);
}

TEST(ScriptedModel, NamesTheTurnItDoesNotUnderstand) {
  try {
    ScriptedModel::parse_script(R"({"turns": ["a", {"steps": [{"sing": "la"}]}]})");
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(std::string_view(error.what()),
              "script: turn 2: expected one of say, think, wait_ms, stall, call, fail");
  }
}

}  // namespace
}  // namespace quintet
