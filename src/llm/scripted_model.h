#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.h"
#include "llm/chat_model.h"

namespace quintet {

/// One answer of a ScriptedModel: what happens, step by step. The functions return the turn itself, so that a
/// test can write ScriptedTurn().say("Hel").wait(5ms).say("lo").
class ScriptedTurn {
 public:
  struct Say {
    std::string text;
    bool is_reasoning = false;
    std::size_t delta_characters = 0;    // 0 = all at once
    std::chrono::milliseconds delay{0};  // before each delta
  };
  struct Wait {
    std::chrono::milliseconds time{0};
  };
  struct Stall {};  // says nothing until it is stopped
  struct Fail {     // thrown when nothing was shown yet, else the answer is `interrupted` with this message
    ErrorCode code = ErrorCode::unavailable;
    std::string message;
  };
  using Step = std::variant<Say, Wait, Stall, Fail, ToolCallPart, RetryNotice>;

  ScriptedTurn& say(std::string text, std::size_t delta_characters = 0, std::chrono::milliseconds delay = {});
  ScriptedTurn& think(std::string text);
  ScriptedTurn& wait(std::chrono::milliseconds time);
  ScriptedTurn& stall();
  ScriptedTurn& fail(ErrorCode code, std::string message);
  ScriptedTurn& call_tool(std::string name, std::string arguments, std::string id = "");
  ScriptedTurn& notice_retry(RetryNotice notice);
  ScriptedTurn& use(Usage usage);
  ScriptedTurn& stop_with(StopReason reason);
  /// Only for requests whose last user message contains `text`, case ignored.
  ScriptedTurn& when(std::string text);

  std::vector<Step> steps;
  std::string condition;
  std::optional<Usage> usage;  // else an estimate
  std::optional<StopReason> stop_reason;
};

/// Replays what it was told, for tests and demonstrations without a network. Turns without a condition are
/// used up in order, the last one for ever; a turn with a condition answers whenever it fits and is never
/// used up. chat() may run concurrently.
class ScriptedModel final : public ChatModel {
 public:
  explicit ScriptedModel(std::vector<ScriptedTurn> turns, std::string id = "scripted");

  /// {"turns": [{"when": "price", "steps": [{"say": "Hello", "delta_characters": 2, "delay_ms": 5},
  ///   {"think": "…"}, {"wait_ms": 10}, {"stall": true}, {"call": {"name": "search", "arguments": {"q":
  ///   "x"}}},
  ///   {"fail": {"code": "unavailable", "message": "…"}}], "stop_reason": "max_tokens",
  ///   "usage": {"input_tokens": 1, "cached_tokens": 0, "output_tokens": 2}}]}
  /// A turn may be just a string. Throws InvalidArgument naming the turn and step that it does not
  /// understand.
  static std::vector<ScriptedTurn> parse_script(std::string_view json);

  ChatModelInfo info() const override;
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override;

  /// Every request so far, in order of arrival.
  std::vector<ChatRequest> requests() const;

 private:
  ScriptedTurn next_turn(const ChatRequest& request);

  std::string id_;
  const std::vector<ScriptedTurn> turns_;
  mutable std::mutex mutex_;
  std::size_t next_ = 0;               // guarded by mutex_
  std::vector<ChatRequest> requests_;  // guarded by mutex_
};

}  // namespace quintet
