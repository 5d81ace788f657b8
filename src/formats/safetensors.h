#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/tensor_info.h"
#include "tensor/tensor.h"

namespace quintet {

using SafetensorsMetadata = std::map<std::string, std::string, std::less<>>;

/// A safetensors file (github.com/huggingface/safetensors#format), memory-mapped, or all files that an index
/// ("model.safetensors.index.json") names. Immutable; const methods may run concurrently.
///
/// F64, F32, F16, BF16, I64, I32, I16 and I8 are the DTypes of these names; U8 and BOOL come as i8, the same
/// bytes.
class SafetensorsFile {
 public:
  /// Throws NotFound, CorruptData (naming the place and what was expected) or Unsupported (an element type).
  /// After this all offsets and sizes are known to lie inside the files. Headers of more than 32 MiB and more
  /// than 2^18 tensors are refused.
  static SafetensorsFile open(const std::filesystem::path& path);

  const std::vector<std::filesystem::path>& paths() const noexcept { return paths_; }
  /// The header's "__metadata__", of an index that of all files together.
  const SafetensorsMetadata& metadata() const noexcept { return metadata_; }

  std::span<const TensorInfo> tensors() const noexcept { return tensors_; }
  /// Also by a name that shares another's bytes: writers keep one of two tied tensors and say so in the
  /// metadata
  /// ("model.embed_tokens.weight": "lm_head.weight"). Null when there is none.
  const TensorInfo* find_tensor(std::string_view name) const noexcept;
  /// A view into the mapped file; a copy where the file doesn't align it as its elements need. Throws
  /// NotFound naming the tensor.
  Tensor tensor(std::string_view name) const;
  /// Throws Unavailable when one of the files was changed since it was opened (Storage::require_unchanged).
  void require_unchanged() const;

 private:
  SafetensorsFile() = default;
  void read(const std::filesystem::path& path);
  void read_mapped(const std::filesystem::path& path, const Storage& storage);
  void read_index(const std::filesystem::path& path);
  void index_tensors();
  const TensorInfo* find_exactly(std::string_view name) const noexcept;

  std::vector<std::filesystem::path> paths_;
  std::vector<std::shared_ptr<Storage>> storages_;
  SafetensorsMetadata metadata_;
  std::vector<TensorInfo> tensors_;
  NameIndex tensors_by_name_;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Writes a safetensors file as one step, the tensors in the given order. Throws InvalidArgument for a name
/// that stands twice or a type that the format doesn't know (the quantized ones), Exhausted for a full disk.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const SafetensorsMetadata& metadata = {});

}  // namespace quintet
