#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tensor/dtype.h"

namespace quintet::kernels {

inline constexpr std::size_t kPageTokens = 64;   // positions in a page of the KV cache
inline constexpr std::size_t kMaxHeadDim = 512;  // of attention
inline constexpr std::size_t kHeadDimStep = 16;  // values lie in the cache in multiples of this

inline constexpr std::size_t kKvBlock = 32;  // dimensions that share a scale in a q8_0 cache

/// Where things lie in one head of a page, in bytes: keys transposed [head_dim][kPageTokens], then values
/// [kPageTokens][head_dim rounded up to kHeadDimStep]. With q8_0 both are 8-bit codes, and each block of
/// kKvBlock dimensions of a position has an f16 scale: those of keys [n_blocks][kPageTokens], those of values
/// [kPageTokens][n_blocks].
struct KvHeadLayout {
  std::size_t padded_dim = 0;
  std::size_t n_blocks = 0;
  std::size_t key_scales = 0;  // with q8_0, as value_scales
  std::size_t values = 0;
  std::size_t value_scales = 0;
  std::size_t size = 0;
};
constexpr KvHeadLayout kv_head_layout(DType dtype, std::size_t head_dim) noexcept {
  const std::size_t element = dtype == DType::f32 ? 4 : dtype == DType::f16 ? 2 : 1;
  KvHeadLayout layout;
  layout.padded_dim = (head_dim + kHeadDimStep - 1) / kHeadDimStep * kHeadDimStep;
  layout.n_blocks = (head_dim + kKvBlock - 1) / kKvBlock;
  const std::size_t scale_bytes = dtype == DType::q8_0 ? layout.n_blocks * kPageTokens * 2 : 0;
  layout.key_scales = head_dim * kPageTokens * element;
  layout.values = layout.key_scales + scale_bytes;
  layout.value_scales = layout.values + layout.padded_dim * kPageTokens * element;
  layout.size = layout.value_scales + scale_bytes;
  return layout;
}

/// One key/value head of a sequence. Position p is slot p % kPageTokens of page p / kPageTokens.
struct KvHeadView {
  const std::byte* const* pages = nullptr;  // of this layer; one pointer for each page of the sequence
  std::size_t head_offset = 0;              // bytes from a page's start to this head
  std::size_t head_dim = 0;
  DType dtype = DType::f16;  // f16, f32 or q8_0
};

/// Queries that share a key/value head. Query i sees positions [first[i], last[i]].
struct AttentionQueries {
  std::size_t n = 0;
  const float* const* q = nullptr;  // [n] rows of head_dim, scaled already
  float* const* out = nullptr;      // [n] rows of head_dim
  const std::uint32_t* first = nullptr;
  const std::uint32_t* last = nullptr;
  float softcap = 0.0f;          // scores become softcap · tanh(score / softcap); 0 = not
  const float* sinks = nullptr;  // [n] logits that take probability and give nothing, or null
};

/// Elementwise maths, norms and attention. Sums are f32 in a fixed order: 16 partial sums, then those.
struct VectorTable {
  std::string_view isa;
  bool (*supported)() noexcept;

  /// y = x / sqrt(mean(x²) + eps) · weight  (arXiv:1910.07467, eq. 4); y may be x.
  void (*rms_norm)(const float* x, const float* weight, float eps, float* y, std::size_t n) noexcept;
  /// y = (x - mean) / sqrt(variance + eps) · weight + bias  (arXiv:1607.06450); weight and bias may be null.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float eps, float* y,
                     std::size_t n) noexcept;
  void (*add)(const float* a, const float* b, float* y, std::size_t n) noexcept;
  void (*scale)(const float* x, float factor, float* y, std::size_t n) noexcept;
  /// The bits of each as f16, rounded to nearest, ties to even.
  void (*to_f16)(const float* x, std::uint16_t* y, std::size_t n) noexcept;
  /// y = silu(gate) · up, silu(x) = x / (1 + exp(-x)); y may be gate or up.
  void (*silu_mul)(const float* gate, const float* up, float* y, std::size_t n) noexcept;
  /// y = gelu(gate) · up, with the tanh form of gelu (arXiv:1606.08415).
  void (*gelu_tanh_mul)(const float* gate, const float* up, float* y, std::size_t n) noexcept;
  void (*gelu_tanh)(const float* x, float* y, std::size_t n) noexcept;
  /// The same two with gelu(x) = x / 2 · (1 + erf(x / sqrt(2))), as BERT has it.
  void (*gelu_erf_mul)(const float* gate, const float* up, float* y, std::size_t n) noexcept;
  void (*gelu_erf)(const float* x, float* y, std::size_t n) noexcept;
  void (*silu)(const float* x, float* y, std::size_t n) noexcept;
  /// y = cap · tanh(x / cap).
  void (*softcap)(const float* x, float cap, float* y, std::size_t n) noexcept;
  /// In place; returns the logarithm of the sum of exponentials.
  float (*softmax)(float* x, std::size_t n) noexcept;
  /// Rotates pairs (x[i], x[i + n / 2]) by angles with these cosines and sines [n / 2]  (arXiv:2104.09864).
  void (*rope_half)(float* x, const float* cos, const float* sin, std::size_t n) noexcept;
  /// The same for pairs (x[2i], x[2i + 1]).
  void (*rope_pairs)(float* x, const float* cos, const float* sin, std::size_t n) noexcept;
  /// softmax(q · Kᵀ) · V by blocks with a running maximum (arXiv:2205.14135); a query's result does not
  /// depend on the queries beside it.
  void (*attend)(const KvHeadView& kv, const AttentionQueries& queries) noexcept;
};

std::span<const VectorTable> vector_tables() noexcept;

/// The first supported table, or exactly the one named. Throws InvalidArgument for an unknown or unsupported
/// name.
const VectorTable& select_vector(std::string_view isa);

namespace ref {
VectorTable vector_table() noexcept;
}
namespace avx2 {
VectorTable vector_table() noexcept;
}
namespace avx512 {
VectorTable vector_table() noexcept;
}

}  // namespace quintet::kernels
