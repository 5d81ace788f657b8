#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace quintet {

/// What "q4_k_m" means: most matrices get `base`, some that matter more get more bits. The rules are
/// llama.cpp's (github.com/ggml-org/llama.cpp, tools/quantize), so that a file of the same name has the same
/// make-up.
struct QuantizationMixture {
  std::string_view name;
  DType base = DType::f16;
  std::uint32_t file_type = 0;  // general.file_type in the file
};

/// By name, whatever the case; "q3_k", "q4_k" and "q5_k" are the ones that end in "_m". Null when unknown.
const QuantizationMixture* find_mixture(std::string_view name) noexcept;
std::span<const QuantizationMixture> mixtures() noexcept;
/// "f32, f16, …", for messages.
std::string mixture_names();

/// What of a model the rules look at.
struct MixtureModel {
  std::size_t n_layers = 0;
  std::size_t queries_per_kv = 1;
  std::size_t n_experts = 0;
  bool has_tied_embeddings = false;  // no "output.weight": the token embedding does its work
  bool has_importance = false;
};

/// Whether a tensor is one of the matrices that a mixture is about. The others (vectors, norms, expert gates,
/// position embeddings) keep the type they have.
bool is_quantized_by_mixture(std::string_view tensor_name, const Shape& shape) noexcept;

/// The type of such a matrix. Rows that are no multiple of the type's block get one with blocks of 32, and
/// f16 where that doesn't fit either. `is_pure`: `base` for all.
DType mixture_type(const QuantizationMixture& mixture, std::string_view tensor_name, const Shape& shape,
                   const MixtureModel& model, bool is_pure = false);

/// `type`, or what takes its place for rows of `n` weights.
DType type_that_fits(DType type, std::size_t n) noexcept;

}  // namespace quintet
