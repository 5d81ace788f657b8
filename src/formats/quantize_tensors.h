#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "formats/gguf_writer.h"
#include "formats/importance_matrix.h"
#include "formats/quantize_mixture.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

namespace quintet {

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
  std::size_t n_bytes = 0;                 // of all tensors
  std::vector<std::string> left_out = {};  // tensors of the input that the model doesn't read
  std::vector<std::string> notes = {};     // what other programs can't know of the output, for people
  double bits_per_weight() const noexcept {
    return n_parameters == 0 ? 0 : 8.0 * static_cast<double>(n_bytes) / static_cast<double>(n_parameters);
  }
};

/// Told after each tensor: `done` of `total` parameters are written.
using QuantizeProgress =
    std::function<void(const QuantizedTensor& tensor, std::size_t done, std::size_t total)>;

/// A tensor on its way into a GGUF file.
struct TensorToQuantize {
  std::string name;  // GGUF's
  Shape shape;
  DType from = DType::f32;
  DType otherwise = DType::f32;  // the type it gets when it is none of a mixture's matrices
  std::size_t n_parts = 1;       // it comes in this many, one below the other
  /// Opened one after another, and let go before the next.
  std::function<Tensor(std::size_t part)> open;
};

struct QuantizeFileOptions {
  std::string type = "q4_k_m";                     // a mixture by name (quantize_mixture.h)
  bool is_pure = false;                            // every matrix of the type itself
  std::optional<DType> output_type = {};           // of "output.weight"
  std::optional<DType> token_embedding_type = {};  // of "token_embd.weight"
  std::filesystem::path importance = {};  // of an importance matrix (importance_matrix.h); "" for none
  bool allows_requantizing = false;       // also from quantized weights, which lose twice
  std::size_t n_threads = 2;
};

/// What the tensors are quantized by, beside the options.
struct QuantizePlan {
  const QuantizationMixture& mixture;
  MixtureModel model = {};
  const ImportanceMatrix& importance;  // may be empty
};

/// Lists the tensors in `writer`, whose metadata is complete, and writes them in the types that the mixture
/// gives them; finish() is left to the caller. The bytes don't depend on the number of threads. Throws
/// InvalidArgument naming tensor and row of a weight that can't be quantized, or a tensor that is quantized
/// already; Unsupported for one that is no weights; Cancelled; what the writer throws.
QuantizeReport quantize_tensors(GgufWriter& writer, std::span<const TensorToQuantize> tensors,
                                const QuantizePlan& plan, const QuantizeFileOptions& options,
                                const QuantizeProgress& progress = {}, const std::stop_token& stop = {});

}  // namespace quintet
