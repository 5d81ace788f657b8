#include "llm/openai_wire.h"

#include <algorithm>

#include "core/text.h"
#include "llm/wire_json.h"

namespace quintet {

namespace {

// A hostile server could otherwise make us keep one call per number it can write.
constexpr std::size_t kMaxToolCalls = 1024;

JsonObject encode_image(const ImagePart& image) {
  const std::string url =
      image.url.empty() ? cat("data:", image.media_type, ";base64,", base64_encode(image.data)) : image.url;
  return {{"type", "image_url"}, {"image_url", JsonObject{{"url", url}}}};
}

/// Plain text as a string, which every server knows; with images, a list of parts.
Json encode_content(const Message& message) {
  const bool has_image = std::any_of(message.parts.begin(), message.parts.end(), [](const Part& part) {
    return std::holds_alternative<ImagePart>(part);
  });
  if (!has_image) return Json(message.text());
  JsonArray content;
  for (const Part& part : message.parts) {
    if (const auto* text = std::get_if<TextPart>(&part)) {
      content.emplace_back(JsonObject{{"type", "text"}, {"text", text->text}});
    } else if (const auto* image = std::get_if<ImagePart>(&part)) {
      content.emplace_back(encode_image(*image));
    }
  }
  return content;
}

JsonArray encode_tool_calls(const Message& message) {
  JsonArray calls;
  for (const ToolCallPart& call : message.tool_calls()) {
    calls.emplace_back(
        JsonObject{{"id", call.id},
                   {"type", "function"},
                   {"function", JsonObject{{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return calls;
}

void encode_message(const Message& message, JsonArray& out) {
  bool has_results = false;
  for (const Part& part : message.parts) {
    const auto* result = std::get_if<ToolResultPart>(&part);
    if (result == nullptr) continue;
    has_results = true;
    out.emplace_back(JsonObject{{"role", "tool"},
                                {"tool_call_id", result->call_id},
                                {"content", result->ok ? result->content : cat("error: ", result->content)}});
  }
  if (has_results && message.text().empty()) return;
  if (message.role == Role::tool) return;
  JsonObject encoded{{"role", role_name(message.role)}};
  JsonArray calls = encode_tool_calls(message);
  encoded["content"] = calls.empty() || !message.text().empty() ? encode_content(message) : Json(nullptr);
  if (!calls.empty()) encoded["tool_calls"] = std::move(calls);
  out.emplace_back(std::move(encoded));
}

JsonArray encode_tools(const std::vector<ToolSpec>& tools) {
  JsonArray encoded;
  for (const ToolSpec& tool : tools) {
    JsonObject function{
        {"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}};
    if (tool.strict) function["strict"] = true;
    encoded.emplace_back(JsonObject{{"type", "function"}, {"function", std::move(function)}});
  }
  return encoded;
}

Json encode_tool_choice(const ToolChoice& choice) {
  switch (choice.mode) {
    case ToolChoiceMode::automatic: return "auto";
    case ToolChoiceMode::none: return "none";
    case ToolChoiceMode::required: return "required";
    case ToolChoiceMode::named:
      return JsonObject{{"type", "function"}, {"function", JsonObject{{"name", choice.name}}}};
  }
  return "auto";
}

void encode_format(const ResponseFormat& format, JsonObject& body) {
  if (std::holds_alternative<JsonObjectFormat>(format)) {
    body["response_format"] = JsonObject{{"type", "json_object"}};
  } else if (const auto* schema = std::get_if<JsonSchemaFormat>(&format)) {
    body["response_format"] = JsonObject{
        {"type", "json_schema"},
        {"json_schema",
         JsonObject{{"name", schema->name}, {"schema", schema->schema}, {"strict", schema->strict}}}};
  }
}

void encode_sampling(const Sampling& sampling, bool has_extensions, JsonObject& body) {
  const auto set = [&](std::string_view name, const auto& value) {
    if (value) body[name] = *value;
  };
  set("temperature", sampling.temperature);
  set("top_p", sampling.top_p);
  set("frequency_penalty", sampling.frequency_penalty);
  set("presence_penalty", sampling.presence_penalty);
  set("seed", sampling.seed);
  if (!has_extensions) return;
  set("top_k", sampling.top_k);
  set("min_p", sampling.min_p);
  set("repeat_penalty", sampling.repeat_penalty);
}

/// Content is a string; Mistral also sends a list of typed parts.
void take_content(const Json& content, ResponseBuilder& builder) {
  if (const auto* text = content.if_string()) {
    builder.add_text({text->data(), text->size()});
  } else if (const JsonArray* parts = content.if_array()) {
    for (const Json& part : *parts) {
      if (const JsonObject* object = part.if_object();
          object != nullptr && text_at(*object, "type") == "text") {
        builder.add_text(text_at(*object, "text"));
      }
    }
  }
}

}  // namespace

JsonObject encode_openai_request(const ChatRequest& request, std::string_view model,
                                 const OpenAiDialect& dialect) {
  JsonObject body;
  const std::string_view name = request.model.empty() ? model : std::string_view(request.model);
  if (!name.empty()) body["model"] = name;
  JsonArray messages;
  for (const Message& message : request.messages) encode_message(message, messages);
  body["messages"] = std::move(messages);
  if (!request.tools.empty()) {
    body["tools"] = encode_tools(request.tools);
    body["tool_choice"] = encode_tool_choice(request.tool_choice);
    if (!request.parallel_tool_calls) body["parallel_tool_calls"] = false;
  }
  encode_format(request.response_format, body);
  encode_sampling(request.sampling, dialect.sends_sampling_extensions, body);
  if (!request.stop.empty()) body["stop"] = to_json_array(request.stop);
  if (request.max_output_tokens) {
    body[dialect.uses_max_completion_tokens ? "max_completion_tokens" : "max_tokens"] =
        *request.max_output_tokens;
  }
  body["stream"] = true;
  if (dialect.sends_stream_options) body["stream_options"] = JsonObject{{"include_usage", true}};
  return body;
}

void OpenAiStreamDecoder::take_event(const SseEvent& event, ResponseBuilder& builder) {
  if (is_done_) return;
  if (trim(event.data) == "[DONE]") {
    is_done_ = true;
    // Some servers end without a finish_reason.
    if (!answer_.is_complete) finish("", builder);
    return;
  }
  if (trim(event.data).empty()) return;
  const auto chunk = try_parse_json(event.data);
  if (!chunk || !chunk->is_object()) throw CorruptData("sent an event that is not a JSON object");
  const JsonObject& object = chunk->get_object();
  const Json* error = object.if_contains("error");
  if ((error != nullptr && !error->is_null()) || event.type == "error")
    throw read_provider_error(event.data, 0);
  take_chunk(object, "delta", builder);
}

void OpenAiStreamDecoder::take_body(const JsonObject& body, ResponseBuilder& builder) {
  if (array_at(body, "choices") == nullptr) throw CorruptData("answered JSON without \"choices\"");
  take_chunk(body, "message", builder);
  if (!answer_.is_complete) finish("", builder);
}

void OpenAiStreamDecoder::take_chunk(const JsonObject& chunk, std::string_view part,
                                     ResponseBuilder& builder) {
  if (const auto model = text_at(chunk, "model"); !model.empty()) answer_.model = model;
  if (const JsonObject* usage = object_at(chunk, "usage")) take_usage(*usage);
  const JsonArray* choices = array_at(chunk, "choices");
  if (choices == nullptr) return;
  for (const Json& element : *choices) {
    const JsonObject* choice = element.if_object();
    if (choice == nullptr || count_at(*choice, "index").value_or(0) != 0)
      continue;  // one answer was asked for
    if (const JsonObject* delta = object_at(*choice, part)) take_delta(*delta, builder);
    if (const auto reason = text_at(*choice, "finish_reason"); !reason.empty()) finish(reason, builder);
  }
}

void OpenAiStreamDecoder::take_delta(const JsonObject& delta, ResponseBuilder& builder) {
  // llama-server, vLLM and DeepSeek say reasoning_content; Ollama and OpenRouter reasoning.
  const auto reasoning = text_at(delta, "reasoning_content");
  builder.add_reasoning(reasoning.empty() ? text_at(delta, "reasoning") : reasoning);
  if (const Json* content = delta.if_contains("content")) take_content(*content, builder);
  if (const auto refusal = text_at(delta, "refusal"); !refusal.empty()) {
    was_refused_ = true;
    builder.add_text(refusal);
  }
  if (const JsonArray* calls = array_at(delta, "tool_calls")) {
    for (std::size_t i = 0; i < calls->size(); ++i) {
      if (const JsonObject* call = (*calls)[i].if_object()) take_tool_call(*call, i, builder);
    }
  }
}

void OpenAiStreamDecoder::take_tool_call(const JsonObject& call, std::size_t position,
                                         ResponseBuilder& builder) {
  const std::string_view id = text_at(call, "id");
  std::size_t index = position;
  if (const auto given = count_at(call, "index")) {
    index = static_cast<std::size_t>(*given);
  } else if (!id.empty()) {
    // Google sends each call whole and without an index: a new id is a new call.
    index = static_cast<std::size_t>(std::find(call_ids_.begin(), call_ids_.end(), id) - call_ids_.begin());
  }
  if (index >= kMaxToolCalls) throw CorruptData(cat("sent a tool call with index ", index));
  if (index >= call_ids_.size()) call_ids_.resize(index + 1);
  if (!id.empty()) call_ids_[index] = id;
  const JsonObject* function = object_at(call, "function");
  if (function == nullptr) return;
  const Json* arguments = function->if_contains("arguments");
  if (arguments != nullptr && arguments->is_object()) {
    builder.add_tool_call(index, id, text_at(*function, "name"), to_json(*arguments));
  } else {
    builder.add_tool_call(index, id, text_at(*function, "name"), text_at(*function, "arguments"));
  }
}

void OpenAiStreamDecoder::take_usage(const JsonObject& usage) {
  Usage counted;
  counted.input_tokens = count_at(usage, "prompt_tokens").value_or(0);
  counted.output_tokens = count_at(usage, "completion_tokens").value_or(0);
  if (const JsonObject* details = object_at(usage, "prompt_tokens_details")) {
    counted.cached_tokens = count_at(*details, "cached_tokens").value_or(0);
  }
  answer_.usage = counted;
}

void OpenAiStreamDecoder::finish(std::string_view reason, const ResponseBuilder& builder) {
  answer_.is_complete = true;
  if (reason == "length") {
    answer_.stop_reason = StopReason::max_tokens;
  } else if (reason == "content_filter" || was_refused_) {
    answer_.stop_reason = StopReason::refused;
  } else if (reason == "tool_calls" || reason == "function_call" || builder.has_tool_calls()) {
    answer_.stop_reason = StopReason::tool_calls;  // Ollama says "stop" after a call
  } else {
    answer_.stop_reason = StopReason::end;
  }
}

}  // namespace quintet
