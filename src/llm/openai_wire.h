#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llm/provider_call.h"

namespace quintet {

/// Where servers that speak Chat Completions differ.
struct OpenAiDialect {
  bool uses_max_completion_tokens = false;  // OpenAI's newer models refuse max_tokens
  bool sends_stream_options = true;         // asks for usage; some servers refuse what they do not know
  bool sends_sampling_extensions =
      true;  // top_k, min_p, repeat_penalty: local servers know them, OpenAI refuses
};

/// The body of POST …/chat/completions. `model` is used when the request names none.
JsonObject encode_openai_request(const ChatRequest& request, std::string_view model,
                                 const OpenAiDialect& dialect);

/// Chat Completions chunks, tolerant of what compatible servers leave out or add.
class OpenAiStreamDecoder final : public StreamDecoder {
 public:
  void take_event(const SseEvent& event, ResponseBuilder& builder) override;
  void take_body(const JsonObject& body, ResponseBuilder& builder) override;

 private:
  void take_chunk(const JsonObject& chunk, std::string_view part, ResponseBuilder& builder);
  void take_delta(const JsonObject& delta, ResponseBuilder& builder);
  void take_tool_call(const JsonObject& call, std::size_t position, ResponseBuilder& builder);
  void take_usage(const JsonObject& usage);
  void finish(std::string_view reason, const ResponseBuilder& builder);

  std::vector<std::string> call_ids_;  // by index, to tell calls apart where a server sends no index
  bool was_refused_ = false;
  bool is_done_ = false;
};

}  // namespace quintet
