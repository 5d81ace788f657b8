#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "formats/quantize_tensors.h"

namespace quintet {

/// The mixture that the options name. Throws InvalidArgument listing those there are, or naming a type that
/// weights can't have.
const QuantizationMixture& require_mixture(const QuantizeFileOptions& options);

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
