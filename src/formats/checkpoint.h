#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/json.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "formats/tensor_info.h"
#include "tensor/tensor.h"

namespace quintet {

/// Where a Hugging Face folder keeps its tokenizer; each "" when it isn't there.
struct TokenizerFiles {
  std::filesystem::path tokenizer_json;
  std::filesystem::path tokenizer_model;  // SentencePiece
  std::filesystem::path vocab_json;       // byte-level BPE, with merges
  std::filesystem::path merges_txt;
  std::filesystem::path vocab_txt;         // WordPiece
  std::filesystem::path tokenizer_config;  // chat template, special tokens
};
TokenizerFiles find_tokenizer_files(const std::filesystem::path& folder);

/// The chat template of a Hugging Face folder: chat_template.jinja, or "chat_template" in
/// tokenizer_config.json (of several the one called "default"). Nothing when there is none.
std::optional<std::string> read_chat_template(const std::filesystem::path& folder);

/// A model on disk, whichever form it has: a GGUF file (or the first of its parts), a folder with config.json
/// and safetensors, or one safetensors file in such a folder. Immutable; const methods may run concurrently.
/// What the tensors are called is for the families in models/ to know.
class Checkpoint {
 public:
  /// Throws NotFound, CorruptData or Unsupported, naming the file; for a folder without weights that can be
  /// read saying which were looked for.
  static Checkpoint open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// "llama", "qwen2", …: general.architecture, or config.json's model_type. "" when unknown. Throws
  /// CorruptData when it is no string.
  std::string architecture() const;

  /// One of them: the GGUF file …
  const GgufFile* gguf() const noexcept { return gguf_ ? &*gguf_ : nullptr; }
  /// … or config.json.
  const JsonObject* config() const noexcept { return gguf_ ? nullptr : &config_; }
  /// generation_config.json of a folder; empty when there is none.
  const JsonObject& generation_config() const noexcept { return generation_config_; }

  std::span<const TensorInfo> tensors() const noexcept;
  /// Null when there is none.
  const TensorInfo* find_tensor(std::string_view name) const noexcept;
  /// Throws NotFound naming the tensor.
  Tensor tensor(std::string_view name) const;

  std::size_t n_parameters() const noexcept;
  /// Of all tensors together.
  std::size_t weights_bytes() const;
  std::optional<std::string> chat_template() const;
  /// Of a folder; a GGUF file has its tokenizer inside.
  TokenizerFiles tokenizer_files() const;

 private:
  Checkpoint() = default;

  std::filesystem::path path_;
  std::filesystem::path folder_;
  std::optional<GgufFile> gguf_;
  std::optional<SafetensorsFile> safetensors_;
  JsonObject config_;
  JsonObject generation_config_;
};

std::size_t tensor_bytes(const TensorInfo& info);

/// What a model takes while it runs, beside the program itself: its weights as they are stored, and keys and
/// values.
struct MemoryNeeded {
  std::size_t weights_bytes = 0;
  std::size_t kv_cache_bytes = 0;
};

/// For `n_tokens` in the cache, of all sequences together; 0 for a model whose geometry is not given (an
/// encoder's cache is none). Sliding windows are not counted on, so it may be less.
MemoryNeeded memory_needed(const Checkpoint& checkpoint, std::size_t n_tokens, DType kv_type = DType::f16);

}  // namespace quintet
