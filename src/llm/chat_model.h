#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "core/json.h"
#include "llm/message.h"
#include "telemetry/trace.h"
#include "telemetry/usage.h"

namespace quintet {

struct ToolSpec {
  std::string name;
  std::string description;
  JsonObject parameters;  // JSON Schema of the arguments
  bool strict = false;
};

enum class ToolChoiceMode : std::uint8_t { automatic, none, required, named };
struct ToolChoice {
  ToolChoiceMode mode = ToolChoiceMode::automatic;
  std::string name;  // with `named`
};

struct TextFormat {};
struct JsonObjectFormat {};
struct JsonSchemaFormat {
  std::string name;
  JsonObject schema;
  bool strict = true;
};
using ResponseFormat = std::variant<TextFormat, JsonObjectFormat, JsonSchemaFormat>;

/// Absent means the provider's own default.
struct Sampling {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<int> top_k;
  std::optional<double> frequency_penalty;
  std::optional<double> presence_penalty;
  std::optional<double> repeat_penalty;
  std::optional<std::uint64_t> seed;
};

/// A passage that the application retrieved for this request, best first. Generative models read it from the
/// prompt; the extractive model answers with it.
struct Source {
  std::string id;
  std::string title;      // an FAQ entry's question, a document's name and page
  std::string text;       // what may be quoted
  double confidence = 0;  // calibrated probability that it answers the question, in [0, 1]
};

/// What every application sends to a model, whoever provides it.
struct ChatRequest {
  std::string model;  // the provider's name for it; empty = the provider's default
  std::vector<Message> messages;
  std::vector<ToolSpec> tools;
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;
  ResponseFormat response_format;
  Sampling sampling;
  std::vector<std::string> stop;
  std::optional<int> max_output_tokens;
  std::vector<Source> sources;
  double answer_threshold = 0.5;  // the extractive model refuses when no source is at least this sure
  std::string app;                // for the ledger: "faq", "docs" …
  std::string key_id;             // for the ledger
  std::string prompt_version;     // "faq_answer@3"
  std::map<std::string, std::string> metadata;
  TraceContext trace;
};

enum class StopReason : std::uint8_t {
  end,  // the model finished
  max_tokens,
  stop_sequence,
  tool_calls,  // the model waits for tool results
  refused,     // by the provider's filter, or below the extractive threshold
  cancelled,   // stop was requested; the message holds what had arrived
  interrupted  // the stream broke; the message holds what had arrived, `interruption` says why
};
std::string_view stop_reason_name(StopReason reason) noexcept;

struct TextDelta {
  std::string text;  // always whole characters
};
struct ReasoningDelta {
  std::string text;
};
/// A tool call grows: the first delta of an `index` has id and name.
struct ToolCallDelta {
  std::size_t index = 0;
  std::string id;
  std::string name;
  std::string arguments;
};
/// A retry is about to happen; nothing has been shown yet.
struct RetryNotice {
  int attempt = 0;  // the attempt that failed, from 1
  double delay_seconds = 0;
  std::string reason;
};
using ChatEvent = std::variant<TextDelta, ReasoningDelta, ToolCallDelta, RetryNotice>;

/// Called on the thread that called chat(), in order. What it throws ends the call and leaves chat().
using ChatSink = std::function<void(const ChatEvent&)>;

struct ChatResponse {
  Message message;
  StopReason stop_reason = StopReason::end;
  std::string interruption;                // with `interrupted`
  std::vector<std::string> cited_sources;  // ids, where the provider itself says which (extractive)
  double confidence = 0;                   // of the extractive answer
  Usage usage;
  std::string provider;
  std::string model;  // as the provider reported it
  std::optional<double> cost_usd;
  double latency_ms = 0;
  std::optional<double> first_token_ms;
  int n_attempts = 1;
  std::string trace_id;
};

struct ChatModelInfo {
  std::string id;        // what a person picks: "openai:gpt-4.1-mini", "extractive"
  std::string provider;  // "openai", "anthropic", "extractive", "scripted", "engine"
  std::string model;
  bool is_generative = true;        // false: quotes only, does not write
  std::int64_t context_tokens = 0;  // 0 = not known
  bool is_ready = true;             // false: its first answer loads it into memory
};

/// A model that talks, local or remote. chat() blocks the calling thread, may be called from many threads at
/// once, and obeys `stop` within 100 ms.
///
/// Throws Unavailable (unreachable, overloaded, timed out), Unauthorized (key refused), Exhausted (rate or
/// quota, after the retries), InvalidArgument (the provider refused the request), CorruptData (the answer
/// makes no sense), all before the first event; after it a failure is a value (`interrupted`), because what
/// was shown must be kept.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  virtual ChatModelInfo info() const = 0;
  virtual ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) = 0;
};

}  // namespace quintet
