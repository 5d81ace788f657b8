#pragma once

#include <filesystem>
#include <stop_token>

#include "formats/quantize_file.h"

namespace quintet {

/// Reads a model in any form, a GGUF file or a Hugging Face folder, and writes it as one GGUF file `out` in
/// the types that the options name: of a GGUF file what quantize_checkpoint does; a folder is converted on
/// the way, that is, it gets GGUF's settings and names, its tokenizer and chat templates, experts stacked,
/// rows of queries and keys in the order that GGUF has for the family, and vectors, norms and tables of
/// positions as f32. `out` appears only when it is whole; its size is set aside before the first tensor.
/// report.left_out names the tensors of the folder that the family doesn't read, report.notes says what GGUF
/// has no name for (rotations scaled by dynamic NTK).
///
/// Throws Unsupported (a model_type, naming those that work; weights that are quantized already; a tokenizer
/// that GGUF can't say), CorruptData (a tensor or setting that is missing), NotFound (a part of the weights
/// or a tokenizer that isn't there), InvalidArgument, Exhausted (a full disk) and Cancelled.
QuantizeReport quantize_model(const std::filesystem::path& in, const std::filesystem::path& out,
                              const QuantizeFileOptions& options, const QuantizeProgress& progress = {},
                              const std::stop_token& stop = {});

}  // namespace quintet
