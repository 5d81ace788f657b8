#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace quintet {

struct QuantizeFileOptions {
  std::string type = "q4_k_m";                     // a mixture by name (quantize_mixture.h)
  bool is_pure = false;                            // every matrix of the type itself
  std::optional<DType> output_type = {};           // of "output.weight"
  std::optional<DType> token_embedding_type = {};  // of "token_embd.weight"
  std::filesystem::path importance = {};  // of an importance matrix (importance_matrix.h); "" for none
  bool allows_requantizing = false;       // also from quantized weights, which lose twice
  std::size_t n_threads = 2;
};

/// What became of a tensor. Of those copied as they are the error is 0.
struct QuantizedTensor {
  std::string name;
  Shape shape;
  DType from = DType::f32;
  DType to = DType::f32;
  std::size_t n_bytes = 0;
  double rmse = 0;           // root of the mean square of what a weight changed by
  double relative_rmse = 0;  // that over the root mean square of the weights
};

struct QuantizeReport {
  std::vector<QuantizedTensor> tensors;
  std::size_t n_parameters = 0;
  std::size_t n_bytes = 0;  // of all tensors
  double bits_per_weight() const noexcept {
    return n_parameters == 0 ? 0 : 8.0 * static_cast<double>(n_bytes) / static_cast<double>(n_parameters);
  }
};

/// Told after each tensor: `done` of `total` parameters are written.
using QuantizeProgress =
    std::function<void(const QuantizedTensor& tensor, std::size_t done, std::size_t total)>;

/// Reads the GGUF file `in` (or all parts, given the first) and writes `out`, one file, in which the matrices
/// have the mixture's types; vectors, norms and gates stay as they are, and so does the metadata but for
/// general.file_type and the like. The result doesn't depend on the number of threads. Memory: some 50 MB
/// beside the tensor at hand, which is mapped. `out` appears only when it is whole. Throws InvalidArgument
/// (an unknown type, a weight that can't be quantized, named with tensor and row), Unsupported (another kind
/// of model than GGUF), what reading and writing throw, and Cancelled.
QuantizeReport quantize_checkpoint(const std::filesystem::path& in, const std::filesystem::path& out,
                                   const QuantizeFileOptions& options, const QuantizeProgress& progress = {},
                                   const std::stop_token& stop = {});

}  // namespace quintet
