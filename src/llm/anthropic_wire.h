#pragma once

#include <map>
#include <string_view>

#include "llm/provider_call.h"

namespace quintet {

/// The API requires a limit; this one is within what every model accepts.
inline constexpr int kDefaultAnthropicMaxTokens = 4096;

/// The tool that the model is made to call when the request asks for JSON: its arguments are the answer.
inline constexpr std::string_view kAnswerTool = "structured_answer";

/// The body of POST …/messages. `model` is used when the request names none.
JsonObject encode_anthropic_request(const ChatRequest& request, std::string_view model,
                                    int default_max_tokens);

/// Messages API events. Arguments of kAnswerTool arrive as text.
class AnthropicStreamDecoder final : public StreamDecoder {
 public:
  void take_event(const SseEvent& event, ResponseBuilder& builder) override;
  void take_body(const JsonObject& body, ResponseBuilder& builder) override;

 private:
  /// What a content block of the stream becomes.
  struct Block {
    enum class Kind { text, reasoning, tool_call, answer } kind = Kind::text;
    std::size_t call_index = 0;  // with tool_call
    bool has_arguments = false;
  };

  void begin_block(std::int64_t index, const JsonObject& content, ResponseBuilder& builder);
  void take_delta(std::int64_t index, const JsonObject& delta, ResponseBuilder& builder);
  void end_block(std::int64_t index, ResponseBuilder& builder);
  void add_arguments(Block& block, std::string_view text, ResponseBuilder& builder);
  void take_usage(const JsonObject& usage);
  void take_stop_reason(std::string_view reason, const ResponseBuilder& builder);

  std::map<std::int64_t, Block> blocks_;  // open ones, by their index in the stream
  std::size_t n_calls_ = 0;
  std::int64_t uncached_tokens_ = 0;
  std::int64_t cache_written_tokens_ = 0;
};

}  // namespace quintet
