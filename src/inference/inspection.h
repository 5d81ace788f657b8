#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "formats/tensor_info.h"
#include "models/memory_needs.h"
#include "tokenizer/chat_template.h"

namespace quintet {

struct TensorsOfType {
  std::string type;
  std::size_t n_tensors = 0;
  std::size_t n_bytes = 0;
};

struct SpecialToken {
  std::string role;  // "bos", "eos", …
  std::uint32_t id = 0;
  std::string text;
};

struct TokenizerSummary {
  std::string kind;           // "bpe", "sentencepiece_bpe", "unigram", "wordpiece"
  std::string pre_tokenizer;  // as GGUF names it; "" where the file spells it out
  std::size_t vocab_size = 0;
  std::size_t n_added = 0;
  std::vector<SpecialToken> special;
  bool adds_before = false;  // tokens before a text, and after it
  bool adds_after = false;
};

struct ChatTemplateSummary {
  std::size_t n_bytes = 0;
  std::vector<std::string> other_names;  // of further templates
  std::optional<ChatTemplateCapabilities> capabilities;
  std::string problem;  // why there are no capabilities: the template can't be parsed
};

/// What a model on disk holds, in whichever form.
struct ModelInspection {
  std::string name;
  std::string format;         // "gguf" or "safetensors"
  std::uint32_t version = 0;  // of a GGUF file
  std::vector<std::filesystem::path> files;
  std::string architecture;
  std::string unsupported;  // why it doesn't run here; "" when it does
  /// Keys and values of a GGUF file, {"n_values": n} for arrays; config.json of a folder.
  JsonObject metadata;
  std::vector<TensorInfo> tensors;  // under the names that the files have
  std::vector<TensorsOfType> types;
  std::size_t n_parameters = 0;
  std::size_t n_bytes = 0;  // of all tensors
  std::optional<TokenizerSummary> tokenizer;
  std::string tokenizer_problem;  // why it can't be read; "" also where there is none
  std::optional<ChatTemplateSummary> chat_template;
  std::optional<MemoryNeeds> memory;  // of a model with weights whose settings can be read
};

/// A GGUF file, the first of several parts, or a folder of Hugging Face's. Throws NotFound, CorruptData or
/// Unsupported for what is no model at all; a model that doesn't run here, a tokenizer or a template that
/// can't be read are results.
ModelInspection inspect_model(const std::filesystem::path& path);

JsonObject inspection_json(const ModelInspection& inspection);

}  // namespace quintet
