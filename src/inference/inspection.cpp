#include "inference/inspection.h"

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "formats/checkpoint.h"
#include "formats/tokenizer_files.h"
#include "inference/loaded_model.h"
#include "models/encoder.h"
#include "models/hf_source.h"

namespace quintet {

namespace {

Json value_json(const GgufEntry& entry) {
  struct Convert {
    Json operator()(bool value) const { return value; }
    Json operator()(std::int64_t value) const { return value; }
    Json operator()(std::uint64_t value) const { return value; }
    Json operator()(double value) const { return value; }
    Json operator()(std::string_view value) const { return Json(sanitize_utf8(value)); }
    Json operator()(const GgufArray& array) const { return JsonObject{{"n_values", array.n}}; }
  };
  return std::visit(Convert{}, entry.value);
}

std::string_view kind_name(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::bpe: return "bpe";
    case TokenizerKind::sentencepiece_bpe: return "sentencepiece_bpe";
    case TokenizerKind::unigram: return "unigram";
    case TokenizerKind::wordpiece: return "wordpiece";
  }
  return "";
}

TokenizerSummary summarize(const TokenizerData& data) {
  TokenizerSummary summary{.kind = std::string(kind_name(data.kind)),
                           .pre_tokenizer = data.pre_tokenizer_name,
                           .vocab_size = data.pieces.size(),
                           .n_added = data.added_tokens.size(),
                           .special = {},
                           .adds_before = !data.prefix_ids.empty(),
                           .adds_after = !data.suffix_ids.empty()};
  const std::pair<std::string_view, std::optional<TokenId>> roles[] = {
      {"bos", data.special.bos}, {"eos", data.special.eos},  {"eot", data.special.eot},
      {"unk", data.special.unk}, {"sep", data.special.sep},  {"pad", data.special.pad},
      {"cls", data.special.cls}, {"mask", data.special.mask}};
  for (const auto& [role, id] : roles)
    if (id) summary.special.push_back({std::string(role), *id, sanitize_utf8(data.pieces[*id])});
  return summary;
}

ChatTemplateSummary summarize_template(const TokenizerData& data) {
  ChatTemplateSummary summary;
  summary.n_bytes = data.chat_template.size();
  for (const auto& [name, source] : data.named_chat_templates)
    summary.other_names.push_back(sanitize_utf8(name));
  if (data.chat_template.empty()) return summary;
  try {
    summary.capabilities = ChatTemplate::parse(data.chat_template).capabilities();
  } catch (const Error& error) {
    summary.problem = error.what();
  }
  return summary;
}

void read_tokenizer_into(ModelInspection& inspection, const Checkpoint& checkpoint) {
  const std::filesystem::path& path = checkpoint.path();
  std::error_code ignored;
  try {
    if (checkpoint.gguf() != nullptr && checkpoint.gguf()->find("tokenizer.ggml.model") == nullptr) return;
    const bool is_file_of_folder =
        checkpoint.gguf() == nullptr && !std::filesystem::is_directory(path, ignored);
    const TokenizerData data = read_tokenizer(is_file_of_folder ? path.parent_path() : path);
    inspection.tokenizer = summarize(data);
    if (!data.chat_template.empty() || !data.named_chat_templates.empty())
      inspection.chat_template = summarize_template(data);
  } catch (const NotFound&) {
    // A folder may hold weights alone.
  } catch (const Error& error) {
    inspection.tokenizer_problem = error.what();
  }
}

std::string known_architectures() {
  std::string all;
  for (const ModelFamily* family : model_families())
    all += cat(all.empty() ? "" : ", ", family->architecture);
  for (const EncoderFamily* family : encoder_families()) all += cat(", ", family->architecture);
  return all;
}

bool is_known(std::string_view architecture) {
  const auto is_it = [&](const auto* family) { return family->architecture == architecture; };
  return std::ranges::any_of(model_families(), is_it) || std::ranges::any_of(encoder_families(), is_it);
}

void count_tensors(ModelInspection& inspection, const Checkpoint& checkpoint) {
  inspection.tensors.assign(checkpoint.tensors().begin(), checkpoint.tensors().end());
  std::map<std::string_view, TensorsOfType> types;
  for (const TensorInfo& info : inspection.tensors) {
    TensorsOfType& of_type = types[dtype_name(info.dtype)];
    ++of_type.n_tensors;
    of_type.n_bytes += tensor_bytes(info);
    inspection.n_bytes += tensor_bytes(info);
    inspection.n_parameters += info.shape.n_elements();
  }
  for (auto& [name, of_type] : types) {
    of_type.type = name;
    inspection.types.push_back(std::move(of_type));
  }
}

JsonObject capabilities_json(const ChatTemplateCapabilities& c) {
  return {{"system", c.system},
          {"tools", c.tools},
          {"tool_calls", c.tool_calls},
          {"tool_results", c.tool_results},
          {"reasoning", c.reasoning},
          {"thinking_switch", c.thinking_switch},
          {"opens_thinking", c.opens_thinking},
          {"text_content", c.text_content},
          {"content_parts", c.content_parts},
          {"null_content", c.null_content},
          {"object_arguments", c.object_arguments},
          {"string_arguments", c.string_arguments}};
}

Json tokenizer_json(const ModelInspection& inspection) {
  if (!inspection.tokenizer_problem.empty()) return JsonObject{{"problem", inspection.tokenizer_problem}};
  if (!inspection.tokenizer) return nullptr;
  const TokenizerSummary& tokenizer = *inspection.tokenizer;
  JsonObject special;
  for (const SpecialToken& token : tokenizer.special)
    special[token.role] = JsonObject{{"id", token.id}, {"text", token.text}};
  return JsonObject{{"kind", tokenizer.kind},
                    {"pre_tokenizer", tokenizer.pre_tokenizer},
                    {"vocab_size", tokenizer.vocab_size},
                    {"n_added_tokens", tokenizer.n_added},
                    {"special", std::move(special)},
                    {"adds_tokens_before", tokenizer.adds_before},
                    {"adds_tokens_after", tokenizer.adds_after}};
}

Json template_json(const ModelInspection& inspection) {
  if (!inspection.chat_template) return nullptr;
  const ChatTemplateSummary& summary = *inspection.chat_template;
  JsonObject json{{"bytes", summary.n_bytes}, {"other_names", to_json_array(summary.other_names)}};
  if (summary.capabilities) json["capabilities"] = capabilities_json(*summary.capabilities);
  if (!summary.problem.empty()) json["problem"] = summary.problem;
  return json;
}

Json memory_json(const ModelInspection& inspection) {
  if (!inspection.memory) return nullptr;
  const MemoryNeeds& needs = *inspection.memory;
  JsonObject json{{"weight_bytes", needs.weight_bytes}, {"context_length", needs.max_seq_len}};
  if (needs.kv_bytes_per_token) {
    json["kv_bytes_per_token"] = *needs.kv_bytes_per_token;
    json["kv_bytes_per_1000_tokens"] = needs.kv_bytes(1000);
    json["kv_bytes_at_context"] = needs.kv_bytes(needs.max_seq_len);
  }
  json["free_bytes"] = available_memory_bytes();
  return json;
}

}  // namespace

ModelInspection inspect_model(const std::filesystem::path& path) {
  Checkpoint checkpoint = Checkpoint::open(path);
  ModelInspection inspection;
  inspection.files = checkpoint.weight_files();
  inspection.architecture = sanitize_utf8(checkpoint.architecture());
  inspection.name = sanitize_utf8((path / "").parent_path().filename().string());
  count_tensors(inspection, checkpoint);
  if (const GgufFile* file = checkpoint.gguf()) {
    inspection.format = "gguf";
    inspection.version = file->version();
    for (const GgufEntry& entry : file->metadata())
      inspection.metadata[sanitize_utf8(entry.key)] = value_json(entry);
  } else {
    inspection.format = "safetensors";
    inspection.metadata = *checkpoint.config();
  }
  read_tokenizer_into(inspection, checkpoint);
  try {
    const auto source = make_model_source(std::move(checkpoint));
    inspection.name = sanitize_utf8(source->name());
    if (!is_known(source->architecture())) {
      inspection.unsupported = cat("the architecture \"", sanitize_utf8(source->architecture()),
                                   "\" is not known; those that work are ", known_architectures());
    }
    if (!inspection.tensors.empty()) inspection.memory = memory_needs(*source);
  } catch (const Error& error) {
    inspection.unsupported = error.what();
  }
  return inspection;
}

JsonObject inspection_json(const ModelInspection& inspection) {
  JsonArray files, tensors, types;
  for (const auto& file : inspection.files) files.push_back(Json(file.filename().string()));
  for (const TensorInfo& info : inspection.tensors) {
    JsonArray shape;
    for (const std::size_t extent : info.shape.extents()) shape.push_back(extent);
    tensors.push_back(JsonObject{{"name", sanitize_utf8(info.name)},
                                 {"type", dtype_name(info.dtype)},
                                 {"shape", std::move(shape)},
                                 {"bytes", tensor_bytes(info)}});
  }
  for (const TensorsOfType& of_type : inspection.types)
    types.push_back(
        JsonObject{{"type", of_type.type}, {"n_tensors", of_type.n_tensors}, {"bytes", of_type.n_bytes}});
  JsonObject json{{"name", inspection.name},
                  {"format", inspection.format},
                  {"files", std::move(files)},
                  {"architecture", inspection.architecture},
                  {"supported", inspection.unsupported.empty()},
                  {"n_parameters", inspection.n_parameters},
                  {"bytes", inspection.n_bytes},
                  {"metadata", inspection.metadata},
                  {"types", std::move(types)},
                  {"tensors", std::move(tensors)},
                  {"tokenizer", tokenizer_json(inspection)},
                  {"chat_template", template_json(inspection)},
                  {"memory", memory_json(inspection)}};
  if (inspection.format == "gguf") json["version"] = inspection.version;
  if (!inspection.unsupported.empty()) json["unsupported_because"] = inspection.unsupported;
  return json;
}

}  // namespace quintet
