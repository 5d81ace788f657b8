#pragma once

#include <string>

#include "llm/chat_model.h"

namespace quintet {

/// The answerer that needs no download: quotes the best of request.sources word for word, or refuses when
/// none is as sure as request.answer_threshold. Writes nothing of its own, costs nothing. Stateless; chat()
/// may run concurrently.
class ExtractiveModel final : public ChatModel {
 public:
  /// `refusal_text` is the whole answer of a refusal; empty leaves the words to the application.
  explicit ExtractiveModel(std::string refusal_text = "") : refusal_text_(std::move(refusal_text)) {}

  ChatModelInfo info() const override;
  /// Streams a paragraph at a time. cited_sources holds the id of the source, confidence its calibrated
  /// probability (also of a refusal: how sure the best one was).
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override;

 private:
  std::string refusal_text_;
};

}  // namespace quintet
