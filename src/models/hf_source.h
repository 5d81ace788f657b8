#pragma once

#include <filesystem>

#include "formats/checkpoint.h"
#include "models/hf_dialect.h"
#include "models/source.h"

namespace quintet {

/// A Hugging Face folder as families see it: config.json's members and the tensors of safetensors under
/// GGUF's names, in the way that the family's HfDialect says. Queries and keys are stored for rotation in
/// halves.
class HfSource final : public ModelSource {
 public:
  /// Throws Unsupported naming the model_type and those that work, or a setting that the family can't compute
  /// with; CorruptData for members of the wrong type.
  explicit HfSource(Checkpoint checkpoint);

  const Checkpoint& checkpoint() const noexcept { return checkpoint_; }
  std::string_view architecture() const override { return architecture_; }
  std::string name() const override;
  std::optional<std::int64_t> integer(std::string_view key) const override;
  std::optional<double> number(std::string_view key) const override;
  std::optional<bool> boolean(std::string_view key) const override;
  std::optional<std::string> text(std::string_view key) const override;
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const override;
  std::optional<std::vector<float>> numbers(std::string_view key) const override;
  std::optional<Tensor> find_tensor(std::string_view name) const override;
  /// Experts each by itself, "blk.0.ffn_up.3.weight".
  std::vector<TensorInfo> tensors() const override;
  bool has_rope_pairs() const override { return false; }
  void require_unchanged() const override { checkpoint_.require_unchanged(); }

  const HfDialect& dialect() const noexcept { return *dialect_; }
  const HfSettings& settings() const noexcept { return settings_; }
  /// Names in the files of tensors that the family doesn't read: the sight of a model that also sees, masks,
  /// frequencies that config.json implies.
  std::vector<std::string> unread_tensors() const;

 private:
  struct Stored;
  std::optional<Stored> find_stored(std::string_view name) const;
  std::vector<Stored> stored_tensors() const;
  std::optional<Tensor> changed(Tensor tensor, HfChange change) const;

  Checkpoint checkpoint_;
  std::string_view architecture_;
  const HfDialect* dialect_ = nullptr;
  HfSettings settings_;
  std::map<std::string, Tensor, std::less<>> computed_;  // divisors of frequencies, which config.json implies
  bool is_tied_ = false;                                 // no output matrix, whatever the files hold
};

/// What such a file or folder holds, once it is open. Throws Unsupported or CorruptData as HfSource does.
std::unique_ptr<ModelSource> make_model_source(Checkpoint checkpoint);

/// Opens a GGUF file or a Hugging Face folder (or a safetensors file in one). Throws NotFound, CorruptData or
/// Unsupported, naming the path and what was expected.
std::unique_ptr<ModelSource> open_model_source(const std::filesystem::path& path);

}  // namespace quintet
