#include "llm/extractive_model.h"

#include <algorithm>

#include "llm/response_builder.h"

namespace quintet {

namespace {

constexpr std::string_view kName = "extractive";

/// `text` up to and including the next empty line.
std::string_view next_paragraph(std::string_view text) noexcept {
  const auto end = text.find("\n\n");
  return end == std::string_view::npos ? text : text.substr(0, end + 2);
}

}  // namespace

ChatModelInfo ExtractiveModel::info() const {
  return {.id = std::string(kName),
          .provider = std::string(kName),
          .model = std::string(kName),
          .is_generative = false};
}

ChatResponse ExtractiveModel::chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) {
  ChatResponse response;
  response.provider = kName;
  response.model = kName;
  response.cost_usd = 0.0;
  ResponseBuilder builder(sink);

  const auto best =
      std::max_element(request.sources.begin(), request.sources.end(),
                       [](const Source& a, const Source& b) { return a.confidence < b.confidence; });
  std::string_view text = refusal_text_;
  if (best != request.sources.end()) response.confidence = best->confidence;
  if (best != request.sources.end() && best->confidence >= request.answer_threshold) {
    text = best->text;
    response.cited_sources = {best->id};
  } else {
    response.stop_reason = StopReason::refused;
  }
  while (!text.empty()) {
    if (stop.stop_requested()) {
      response.stop_reason = StopReason::cancelled;
      break;
    }
    const std::string_view paragraph = next_paragraph(text);
    builder.add_text(paragraph);
    text.remove_prefix(paragraph.size());
  }
  response.message = builder.take_message();
  return response;
}

}  // namespace quintet
