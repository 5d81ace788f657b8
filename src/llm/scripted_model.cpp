#include "llm/scripted_model.h"

#include <array>

#include "core/text.h"
#include "llm/response_builder.h"
#include "llm/retry.h"
#include "llm/token_estimate.h"

namespace quintet {

namespace {

using std::chrono::milliseconds;

constexpr std::array kErrorCodes{ErrorCode::invalid_argument, ErrorCode::not_found,    ErrorCode::conflict,
                                 ErrorCode::unsupported,      ErrorCode::corrupt_data, ErrorCode::exhausted,
                                 ErrorCode::unauthorized,     ErrorCode::forbidden,    ErrorCode::cancelled,
                                 ErrorCode::unavailable,      ErrorCode::internal};
constexpr std::array kStopReasons{StopReason::end,        StopReason::max_tokens, StopReason::stop_sequence,
                                  StopReason::tool_calls, StopReason::refused,    StopReason::cancelled,
                                  StopReason::interrupted};

/// The member of `values` that `name_of` calls `name`.
template <typename T, std::size_t N, typename NameOf>
T named(const std::array<T, N>& values, NameOf name_of, std::string_view name) {
  for (const T value : values) {
    if (name_of(value) == name) return value;
  }
  throw InvalidArgument(cat("\"", name, "\" is not a known name"));
}

milliseconds milliseconds_at(const JsonObject& object, std::string_view key) {
  return milliseconds(get_int(object, key).value_or(0));
}

void parse_step(ScriptedTurn& turn, const JsonObject& step) {
  if (const auto text = get_string(step, "say")) {
    turn.say(*text, static_cast<std::size_t>(get_int(step, "delta_characters").value_or(0)),
             milliseconds_at(step, "delay_ms"));
  } else if (const auto thought = get_string(step, "think")) {
    turn.think(*thought);
  } else if (const auto time = get_int(step, "wait_ms")) {
    turn.wait(milliseconds(*time));
  } else if (get_bool(step, "stall").value_or(false)) {
    turn.stall();
  } else if (const JsonObject* call = get_object(step, "call")) {
    const Json* arguments = call->if_contains("arguments");
    std::string text = "{}";
    if (arguments != nullptr) {
      text = arguments->is_string() ? std::string(arguments->get_string()) : to_json(*arguments);
    }
    turn.call_tool(require_string(*call, "name"), std::move(text), get_string(*call, "id").value_or(""));
  } else if (const JsonObject* fail = get_object(step, "fail")) {
    turn.fail(named(kErrorCodes, error_code_name, get_string(*fail, "code").value_or("unavailable")),
              get_string(*fail, "message").value_or("scripted failure"));
  } else {
    throw InvalidArgument("expected one of say, think, wait_ms, stall, call, fail");
  }
}

ScriptedTurn parse_turn(const Json& value) {
  ScriptedTurn turn;
  if (value.is_string()) return turn.say(std::string(value.get_string()));
  const JsonObject& object = require_object(value, "a turn");
  turn.condition = get_string(object, "when").value_or("");
  if (const auto text = get_string(object, "say")) turn.say(*text);
  if (const JsonArray* steps = get_array(object, "steps")) {
    for (const Json& step : *steps) parse_step(turn, require_object(step, "a step"));
  }
  if (const auto reason = get_string(object, "stop_reason")) {
    turn.stop_reason = named(kStopReasons, stop_reason_name, *reason);
  }
  if (const JsonObject* usage = get_object(object, "usage")) {
    turn.usage =
        Usage{get_int(*usage, "input_tokens").value_or(0), get_int(*usage, "cached_tokens").value_or(0),
              get_int(*usage, "output_tokens").value_or(0)};
  }
  return turn;
}

std::string last_user_text(const ChatRequest& request) {
  for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message) {
    if (message->role == Role::user) return message->text();
  }
  return {};
}

std::string_view first_characters(std::string_view text, std::size_t n) noexcept {
  std::size_t end = 0;
  for (std::size_t i = 0; i < n && end < text.size(); ++i) next_code_point(text, end);
  return text.substr(0, end);
}

/// Plays the steps of one turn.
class Player {
 public:
  Player(const ChatSink& sink, std::stop_token stop) : sink_(sink), builder_(sink), stop_(std::move(stop)) {}

  void play(const ScriptedTurn& turn) {
    for (const auto& step : turn.steps) {
      if (is_over_ || was_stopped()) return;
      std::visit([this](const auto& known) { take(known); }, step);
    }
  }

  ChatResponse finish() {
    if (builder_.has_tool_calls() && response_.stop_reason == StopReason::end) {
      response_.stop_reason = StopReason::tool_calls;
    }
    response_.message = builder_.take_message();
    return std::move(response_);
  }
  bool is_over() const noexcept { return is_over_; }

 private:
  bool was_stopped() {
    if (!stop_.stop_requested()) return false;
    response_.stop_reason = StopReason::cancelled;
    is_over_ = true;
    return true;
  }

  void take(const ScriptedTurn::Say& say) {
    std::string_view text = say.text;
    while (!text.empty()) {
      if (say.delay.count() > 0) wait_unless_stopped(say.delay, stop_);
      if (was_stopped()) return;
      const std::string_view piece =
          say.delta_characters == 0 ? text : first_characters(text, say.delta_characters);
      if (say.is_reasoning) {
        builder_.add_reasoning(piece);
      } else {
        builder_.add_text(piece);
      }
      text.remove_prefix(piece.size());
    }
  }
  void take(const ScriptedTurn::Wait& wait) {
    wait_unless_stopped(wait.time, stop_);
    was_stopped();
  }
  void take(const ScriptedTurn::Stall&) {
    while (wait_unless_stopped(std::chrono::hours(1), stop_)) {
    }
    was_stopped();
  }
  void take(const ScriptedTurn::Fail& fail) {
    if (!builder_.has_shown()) throw Error(fail.code, fail.message);
    response_.stop_reason = StopReason::interrupted;
    response_.interruption = fail.message;
    is_over_ = true;
  }
  void take(const ToolCallPart& call) {
    const std::size_t index = n_calls_++;
    builder_.add_tool_call(index, call.id.empty() ? cat("call_", index + 1) : call.id, call.name, "");
    builder_.add_tool_call(index, "", "", call.arguments);
  }
  void take(const RetryNotice& notice) {
    if (sink_) sink_(notice);
  }

  const ChatSink& sink_;
  ResponseBuilder builder_;
  std::stop_token stop_;
  ChatResponse response_;
  std::size_t n_calls_ = 0;
  bool is_over_ = false;
};

}  // namespace

ScriptedTurn& ScriptedTurn::say(std::string text, std::size_t delta_characters, milliseconds delay) {
  steps.emplace_back(Say{std::move(text), false, delta_characters, delay});
  return *this;
}
ScriptedTurn& ScriptedTurn::think(std::string text) {
  steps.emplace_back(Say{std::move(text), true, 0, milliseconds(0)});
  return *this;
}
ScriptedTurn& ScriptedTurn::wait(milliseconds time) {
  steps.emplace_back(Wait{time});
  return *this;
}
ScriptedTurn& ScriptedTurn::stall() {
  steps.emplace_back(Stall{});
  return *this;
}
ScriptedTurn& ScriptedTurn::fail(ErrorCode code, std::string message) {
  steps.emplace_back(Fail{code, std::move(message)});
  return *this;
}
ScriptedTurn& ScriptedTurn::call_tool(std::string name, std::string arguments, std::string id) {
  steps.emplace_back(ToolCallPart{std::move(id), std::move(name), std::move(arguments)});
  return *this;
}
ScriptedTurn& ScriptedTurn::notice_retry(RetryNotice notice) {
  steps.emplace_back(std::move(notice));
  return *this;
}
ScriptedTurn& ScriptedTurn::use(Usage tokens) {
  usage = tokens;
  return *this;
}
ScriptedTurn& ScriptedTurn::stop_with(StopReason reason) {
  stop_reason = reason;
  return *this;
}
ScriptedTurn& ScriptedTurn::when(std::string text) {
  condition = std::move(text);
  return *this;
}

ScriptedModel::ScriptedModel(std::vector<ScriptedTurn> turns, std::string id)
    : id_(std::move(id)), turns_(std::move(turns)) {}

std::vector<ScriptedTurn> ScriptedModel::parse_script(std::string_view json) {
  const Json script = parse_json(json, "script");
  const JsonArray* list = get_array(require_object(script, "script"), "turns");
  if (list == nullptr) throw InvalidArgument("script: \"turns\" is missing");
  std::vector<ScriptedTurn> turns;
  for (const Json& value : *list) {
    try {
      turns.push_back(parse_turn(value));
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(cat("script: turn ", turns.size() + 1, ": ", error.what()));
    }
  }
  return turns;
}

ChatModelInfo ScriptedModel::info() const {
  return {.id = id_, .provider = "scripted", .model = id_};
}

ScriptedTurn ScriptedModel::next_turn(const ChatRequest& request) {
  const std::string text = ascii_lower(last_user_text(request));
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  for (const ScriptedTurn& turn : turns_) {
    if (!turn.condition.empty() && text.find(ascii_lower(turn.condition)) != std::string::npos) return turn;
  }
  const ScriptedTurn* last = nullptr;
  std::size_t position = 0;
  for (const ScriptedTurn& turn : turns_) {
    if (!turn.condition.empty()) continue;
    last = &turn;
    if (position++ == next_) break;
  }
  if (last == nullptr) throw InvalidArgument("scripted model: no turn fits the request");
  ++next_;
  return *last;
}

ChatResponse ScriptedModel::chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) {
  const ScriptedTurn turn = next_turn(request);
  Player player(sink, std::move(stop));
  player.play(turn);
  const bool is_over = player.is_over();
  ChatResponse response = player.finish();
  if (!is_over && turn.stop_reason) response.stop_reason = *turn.stop_reason;
  response.provider = "scripted";
  response.model = id_;
  response.usage =
      turn.usage.value_or(Usage{estimate_input_tokens(request), 0, estimate_tokens(response.message.text())});
  return response;
}

std::vector<ChatRequest> ScriptedModel::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace quintet
