#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "nn/linear.h"
#include "nn/norm.h"

/// What families share when they load: weights by GGUF's names, checked against the shapes that their
/// settings imply.
namespace quintet {

/// Loads and packs weights, counting what it loads.
class WeightLoader {
 public:
  WeightLoader(const ModelSource& source, Compute& compute, const LoadOptions& options = {})
      : source_(source), compute_(compute), options_(options) {}

  /// "<name>.weight" [n_out, n_in] and, when there is one, "<name>.bias" [n_out].
  Linear linear(const std::string& name, std::size_t n_out, std::size_t n_in);
  /// Rows [begin, begin + n_out) of a matrix with `n_rows` of them, and of its bias: one of several matrices
  /// that are stored as one.
  Linear linear_rows(const std::string& name, std::size_t n_rows, std::size_t n_in, std::size_t begin,
                     std::size_t n_out);
  /// Number `index` of `n` matrices [n_out, n_in] that are stored as one tensor "<name>.weight" [n, n_out,
  /// n_in].
  Linear linear_of_stack(const std::string& name, std::size_t n, std::size_t index, std::size_t n_out,
                         std::size_t n_in);
  /// "<name>.weight" [dim] and, of a layer norm, "<name>.bias" where there is one.
  Norm norm(const std::string& name, NormKind kind, float eps, std::size_t dim);
  /// A vector as f32. Throws CorruptData when it is absent.
  std::vector<float> vector(const std::string& name, std::size_t n);
  /// Empty when it is absent.
  std::vector<float> optional_vector(const std::string& name, std::size_t n);
  /// A matrix as the file has it, for looking rows up; in memory of its own, so that the file may go.
  Tensor table(const std::string& name, std::size_t n_rows, std::size_t n_cols);
  bool has(const std::string& name) const { return source_.find_tensor(name).has_value(); }

  const ModelSource& source() const noexcept { return source_; }
  const LoadOptions& options() const noexcept { return options_; }
  /// Adds what was loaded to the model's figures.
  void report(ModelInfo& info) const noexcept;

 private:
  Linear pack(const Tensor& weight, const std::string& name);

  const ModelSource& source_;
  Compute& compute_;
  LoadOptions options_;
  StorageArena arena_;
  std::size_t n_parameters_ = 0;
  std::size_t weight_bytes_ = 0;
};

/// "blk.3.<rest>"
std::string block_name(std::size_t layer, std::string_view rest);

}  // namespace quintet
