#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tensor_info.h"
#include "tensor/tensor.h"

namespace quintet {

/// A checkpoint as model families see it, whatever its format: settings under GGUF's names without the
/// architecture ("attention.head_count"), tensors under GGUF's names ("blk.0.attn_q.weight"). const methods
/// may run concurrently.
class ModelSource {
 public:
  virtual ~ModelSource() = default;

  virtual std::string_view architecture() const = 0;
  virtual std::string name() const = 0;  // for people: the model's name, else the file's
  virtual std::optional<std::int64_t> integer(std::string_view key) const = 0;
  virtual std::optional<double> number(std::string_view key) const = 0;
  virtual std::optional<bool> boolean(std::string_view key) const = 0;
  virtual std::optional<std::string> text(std::string_view key) const = 0;
  virtual std::optional<std::vector<std::int64_t>> integers(std::string_view key) const = 0;
  virtual std::optional<std::vector<float>> numbers(std::string_view key) const = 0;

  /// Nothing when there is no such tensor.
  virtual std::optional<Tensor> find_tensor(std::string_view name) const = 0;
  /// Everything that find_tensor would find, as it would be found: in the order of the file, or block by
  /// block. Offsets and files mean nothing.
  virtual std::vector<TensorInfo> tensors() const = 0;
  /// Queries and keys are stored for rotation in pairs (2i, 2i + 1), as GGUF does for llama; else in halves.
  virtual bool has_rope_pairs() const = 0;
  /// Throws Unavailable when a file was changed since it was opened: what was read may be anything then.
  virtual void require_unchanged() const = 0;

  /// Throws CorruptData naming the setting when it is absent, or not positive.
  std::size_t require_count(std::string_view key) const;
  /// Throws CorruptData naming the tensor when it is absent or has another shape.
  Tensor require_tensor(std::string_view name, const Shape& shape) const;
};

}  // namespace quintet
