#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "formats/tensor_info.h"
#include "tensor/tensor.h"

namespace quintet {

/// A model on disk, whichever form it has: a GGUF file (or the first of its parts), a folder with config.json
/// and safetensors, or one safetensors file in such a folder. Immutable; const methods may run concurrently.
/// What the tensors are called is for the families in models/ to know, tokenizer and chat templates for
/// tokenizer_files.h.
class Checkpoint {
 public:
  /// Throws NotFound, CorruptData or Unsupported, naming the file; for a folder without weights that can be
  /// read saying which were looked for.
  static Checkpoint open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// "llama", "qwen2", …: general.architecture, or config.json's model_type. "" when unknown. Throws
  /// CorruptData when it is no string.
  std::string architecture() const;

  /// All files with weights.
  std::vector<std::filesystem::path> weight_files() const;
  /// One of them: the GGUF file …
  const GgufFile* gguf() const noexcept { return gguf_ ? &*gguf_ : nullptr; }
  /// … or config.json.
  const JsonObject* config() const noexcept { return gguf_ ? nullptr : &config_; }

  std::span<const TensorInfo> tensors() const noexcept;
  /// Null when there is none.
  const TensorInfo* find_tensor(std::string_view name) const noexcept;
  /// Throws NotFound naming the tensor.
  Tensor tensor(std::string_view name) const;
  /// Throws Unavailable when a file of weights was changed since it was opened.
  void require_unchanged() const;

  std::size_t n_parameters() const noexcept;
  /// Of all tensors together.
  std::size_t weights_bytes() const;

 private:
  Checkpoint() = default;

  std::filesystem::path path_;
  std::filesystem::path folder_;
  std::optional<GgufFile> gguf_;
  std::optional<SafetensorsFile> safetensors_;
  JsonObject config_;
};

std::size_t tensor_bytes(const TensorInfo& info);

}  // namespace quintet
