#include "llm/anthropic_wire.h"

#include "core/text.h"
#include "llm/wire_json.h"

namespace quintet {

namespace {

// Marks in ReasoningPart::signature a thought that the provider shows nobody but wants back.
constexpr std::string_view kRedactedPrefix = "redacted_thinking:";

JsonObject text_block(std::string_view text) {
  return {{"type", "text"}, {"text", text}};
}

JsonObject encode_image(const ImagePart& image) {
  JsonObject source;
  if (!image.url.empty()) {
    source = {{"type", "url"}, {"url", image.url}};
  } else {
    source = {{"type", "base64"}, {"media_type", image.media_type}, {"data", base64_encode(image.data)}};
  }
  return {{"type", "image"}, {"source", std::move(source)}};
}

/// The API wants an object even where the model itself wrote something else.
JsonObject encode_tool_use(const ToolCallPart& call) {
  JsonObject input;
  if (!trim(call.arguments).empty()) {
    auto parsed = try_parse_json(call.arguments);
    if (parsed && parsed->is_object()) {
      input = std::move(parsed->get_object());
    } else {
      input["malformed_arguments"] = call.arguments;
    }
  }
  return {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", std::move(input)}};
}

void encode_part(const Part& part, JsonArray& content) {
  if (const auto* text = std::get_if<TextPart>(&part)) {
    if (!text->text.empty()) content.emplace_back(text_block(text->text));  // empty blocks are refused
  } else if (const auto* image = std::get_if<ImagePart>(&part)) {
    content.emplace_back(encode_image(*image));
  } else if (const auto* call = std::get_if<ToolCallPart>(&part)) {
    content.emplace_back(encode_tool_use(*call));
  } else if (const auto* result = std::get_if<ToolResultPart>(&part)) {
    JsonObject block{{"type", "tool_result"}, {"tool_use_id", result->call_id}, {"content", result->content}};
    if (!result->ok) block["is_error"] = true;
    content.emplace_back(std::move(block));
  } else if (const auto* reasoning = std::get_if<ReasoningPart>(&part)) {
    // Unsigned thoughts come from another provider and would be refused.
    if (reasoning->signature.empty()) return;
    const std::string_view proof = reasoning->signature;
    if (proof.starts_with(kRedactedPrefix)) {
      content.emplace_back(
          JsonObject{{"type", "redacted_thinking"}, {"data", proof.substr(kRedactedPrefix.size())}});
    } else {
      content.emplace_back(JsonObject{
          {"type", "thinking"}, {"thinking", reasoning->text}, {"signature", reasoning->signature}});
    }
  }
}

/// System texts leave the conversation; neighbours of one role become one message, as the API wants them to
/// alternate.
void encode_messages(const std::vector<Message>& messages, JsonObject& body) {
  JsonArray system;
  JsonArray encoded;
  std::string_view last_role;
  for (const Message& message : messages) {
    if (message.role == Role::system) {
      if (const std::string text = message.text(); !text.empty()) system.emplace_back(text_block(text));
      continue;
    }
    JsonArray content;
    for (const Part& part : message.parts) encode_part(part, content);
    if (content.empty()) continue;
    const std::string_view role = message.role == Role::assistant ? "assistant" : "user";
    if (role == last_role) {
      JsonArray& previous = encoded.back().get_object()["content"].get_array();
      for (Json& block : content) previous.push_back(std::move(block));
    } else {
      encoded.emplace_back(JsonObject{{"role", role}, {"content", std::move(content)}});
      last_role = role;
    }
  }
  if (!system.empty()) body["system"] = std::move(system);
  body["messages"] = std::move(encoded);
}

void encode_tools(const ChatRequest& request, JsonObject& body) {
  JsonArray tools;
  for (const ToolSpec& tool : request.tools) {
    JsonObject schema = tool.parameters;
    if (!schema.contains("type")) schema["type"] = "object";
    tools.emplace_back(JsonObject{
        {"name", tool.name}, {"description", tool.description}, {"input_schema", std::move(schema)}});
  }
  JsonObject choice{{"type", "auto"}};
  switch (request.tool_choice.mode) {
    case ToolChoiceMode::automatic: break;
    case ToolChoiceMode::none: choice["type"] = "none"; break;
    case ToolChoiceMode::required: choice["type"] = "any"; break;
    case ToolChoiceMode::named:
      choice["type"] = "tool";
      choice["name"] = request.tool_choice.name;
      break;
  }
  if (!std::holds_alternative<TextFormat>(request.response_format)) {
    const auto* format = std::get_if<JsonSchemaFormat>(&request.response_format);
    JsonObject schema = format != nullptr ? format->schema : JsonObject{{"type", "object"}};
    tools.emplace_back(JsonObject{{"name", kAnswerTool},
                                  {"description", "Gives the final answer. Its arguments are the answer."},
                                  {"input_schema", std::move(schema)}});
    // Beside other tools the model may first call those; in the end it has to call this one.
    choice = request.tools.empty() || request.tool_choice.mode == ToolChoiceMode::none
                 ? JsonObject{{"type", "tool"}, {"name", kAnswerTool}}
                 : JsonObject{{"type", "any"}};
  }
  if (tools.empty()) return;
  if (!request.parallel_tool_calls && choice.at("type") != "none") choice["disable_parallel_tool_use"] = true;
  body["tools"] = std::move(tools);
  body["tool_choice"] = std::move(choice);
}

}  // namespace

JsonObject encode_anthropic_request(const ChatRequest& request, std::string_view model,
                                    int default_max_tokens) {
  JsonObject body{{"model", request.model.empty() ? model : std::string_view(request.model)},
                  {"max_tokens", request.max_output_tokens.value_or(default_max_tokens)},
                  {"stream", true}};
  encode_messages(request.messages, body);
  encode_tools(request, body);
  if (!request.stop.empty()) body["stop_sequences"] = to_json_array(request.stop);
  if (request.sampling.temperature) body["temperature"] = *request.sampling.temperature;
  if (request.sampling.top_p) body["top_p"] = *request.sampling.top_p;
  if (request.sampling.top_k) body["top_k"] = *request.sampling.top_k;
  return body;
}

void AnthropicStreamDecoder::take_event(const SseEvent& event, ResponseBuilder& builder) {
  const auto parsed = try_parse_json(event.data);
  if (!parsed || !parsed->is_object()) throw CorruptData("sent an event that is not a JSON object");
  const JsonObject& object = parsed->get_object();
  const std::string_view type = text_at(object, "type");
  const std::int64_t index = count_at(object, "index").value_or(0);
  if (type == "message_start") {
    if (const JsonObject* message = object_at(object, "message")) {
      answer_.model = text_at(*message, "model");
      if (const JsonObject* usage = object_at(*message, "usage")) take_usage(*usage);
    }
  } else if (type == "content_block_start") {
    if (const JsonObject* content = object_at(object, "content_block")) begin_block(index, *content, builder);
  } else if (type == "content_block_delta") {
    if (const JsonObject* delta = object_at(object, "delta")) take_delta(index, *delta, builder);
  } else if (type == "content_block_stop") {
    end_block(index, builder);
  } else if (type == "message_delta") {
    if (const JsonObject* usage = object_at(object, "usage")) take_usage(*usage);
    if (const JsonObject* delta = object_at(object, "delta")) {
      if (const auto reason = text_at(*delta, "stop_reason"); !reason.empty())
        take_stop_reason(reason, builder);
    }
  } else if (type == "message_stop") {
    answer_.is_complete = true;
  } else if (type == "error") {
    throw read_provider_error(event.data, 0);
  }
  // "ping" and types added later are ignored, as the API's versioning policy asks.
}

void AnthropicStreamDecoder::take_body(const JsonObject& body, ResponseBuilder& builder) {
  const JsonArray* content = array_at(body, "content");
  if (content == nullptr) throw CorruptData("answered JSON without \"content\"");
  answer_.model = text_at(body, "model");
  std::int64_t index = 0;
  for (const Json& block : *content) {
    if (const JsonObject* object = block.if_object()) {
      begin_block(index, *object, builder);
      end_block(index, builder);
    }
    ++index;
  }
  if (const JsonObject* usage = object_at(body, "usage")) take_usage(*usage);
  take_stop_reason(text_at(body, "stop_reason"), builder);
}

void AnthropicStreamDecoder::begin_block(std::int64_t index, const JsonObject& content,
                                         ResponseBuilder& builder) {
  Block& block = blocks_[index] = Block{};
  const std::string_view type = text_at(content, "type");
  if (type == "tool_use") {
    const std::string_view name = text_at(content, "name");
    if (name == kAnswerTool) {
      block.kind = Block::Kind::answer;
    } else {
      block.kind = Block::Kind::tool_call;
      block.call_index = n_calls_++;
      builder.add_tool_call(block.call_index, text_at(content, "id"), name, "");
    }
    // A stream begins with {} and goes on with deltas; a whole body has it all here.
    if (const JsonObject* input = object_at(content, "input"); input != nullptr && !input->empty()) {
      add_arguments(block, to_json(*input), builder);
    }
  } else if (type == "thinking") {
    block.kind = Block::Kind::reasoning;
    builder.begin_reasoning();
    builder.add_reasoning(text_at(content, "thinking"));
    builder.add_reasoning_signature(text_at(content, "signature"));
  } else if (type == "redacted_thinking") {
    block.kind = Block::Kind::reasoning;
    builder.begin_reasoning();
    builder.add_reasoning_signature(cat(kRedactedPrefix, text_at(content, "data")));
  } else {
    builder.add_text(text_at(content, "text"));
  }
}

void AnthropicStreamDecoder::take_delta(std::int64_t index, const JsonObject& delta,
                                        ResponseBuilder& builder) {
  const std::string_view type = text_at(delta, "type");
  if (type == "text_delta") {
    builder.add_text(text_at(delta, "text"));
  } else if (type == "thinking_delta") {
    builder.add_reasoning(text_at(delta, "thinking"));
  } else if (type == "signature_delta") {
    builder.add_reasoning_signature(text_at(delta, "signature"));
  } else if (type == "input_json_delta") {
    const auto block = blocks_.find(index);
    if (block == blocks_.end())
      throw CorruptData(cat("sent arguments for block ", index, ", which did not begin"));
    add_arguments(block->second, text_at(delta, "partial_json"), builder);
  }
}

void AnthropicStreamDecoder::add_arguments(Block& block, std::string_view text, ResponseBuilder& builder) {
  if (text.empty()) return;
  block.has_arguments = true;
  if (block.kind == Block::Kind::answer) {
    builder.add_text(text);
  } else if (block.kind == Block::Kind::tool_call) {
    builder.add_tool_call(block.call_index, "", "", text);
  }
}

void AnthropicStreamDecoder::end_block(std::int64_t index, ResponseBuilder& builder) {
  const auto block = blocks_.find(index);
  if (block == blocks_.end()) return;
  if (!block->second.has_arguments) add_arguments(block->second, "{}", builder);
  blocks_.erase(block);
}

/// The figures are cumulative: a later event replaces what it names.
void AnthropicStreamDecoder::take_usage(const JsonObject& usage) {
  Usage counted = answer_.usage.value_or(Usage{});
  uncached_tokens_ = count_at(usage, "input_tokens").value_or(uncached_tokens_);
  cache_written_tokens_ = count_at(usage, "cache_creation_input_tokens").value_or(cache_written_tokens_);
  counted.cached_tokens = count_at(usage, "cache_read_input_tokens").value_or(counted.cached_tokens);
  counted.output_tokens = count_at(usage, "output_tokens").value_or(counted.output_tokens);
  counted.input_tokens = uncached_tokens_ + cache_written_tokens_ + counted.cached_tokens;
  answer_.usage = counted;
}

void AnthropicStreamDecoder::take_stop_reason(std::string_view reason, const ResponseBuilder& builder) {
  answer_.is_complete = true;
  if (reason == "max_tokens" || reason == "model_context_window_exceeded") {
    answer_.stop_reason = StopReason::max_tokens;
  } else if (reason == "stop_sequence") {
    answer_.stop_reason = StopReason::stop_sequence;
  } else if (reason == "refusal") {
    answer_.stop_reason = StopReason::refused;
  } else if (builder.has_tool_calls()) {
    answer_.stop_reason = StopReason::tool_calls;
  } else {
    answer_.stop_reason = StopReason::end;  // also a forced answer, which the API calls tool_use
  }
}

}  // namespace quintet
