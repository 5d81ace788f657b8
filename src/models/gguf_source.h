#pragma once

#include "formats/gguf.h"
#include "models/source.h"

namespace quintet {

/// A GGUF file as families see it. A scaling of rotations that GGUF has no name for stands under
/// "quintet.rope.scaling." instead of the architecture's prefix (export_gguf.h writes it), and goes first.
class GgufSource final : public ModelSource {
 public:
  explicit GgufSource(GgufFile file);

  const GgufFile& file() const noexcept { return file_; }
  std::string_view architecture() const override { return file_.architecture(); }
  std::string name() const override;
  std::optional<std::int64_t> integer(std::string_view key) const override;
  std::optional<double> number(std::string_view key) const override;
  std::optional<bool> boolean(std::string_view key) const override;
  std::optional<std::string> text(std::string_view key) const override;
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const override;
  std::optional<std::vector<float>> numbers(std::string_view key) const override;
  std::optional<Tensor> find_tensor(std::string_view name) const override;
  std::vector<TensorInfo> tensors() const override {
    return {file_.tensors().begin(), file_.tensors().end()};
  }
  bool has_rope_pairs() const override { return true; }
  void require_unchanged() const override { file_.require_unchanged(); }

 private:
  std::string full_key(std::string_view key) const;
  GgufFile file_;
  bool has_own_scaling_ = false;
};

}  // namespace quintet
