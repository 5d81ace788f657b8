#include "nn/kv_cache.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "tensor/half.h"

namespace quintet {

namespace {

using kernels::kPageTokens;
using kernels::kv_head_layout;
using kernels::KvHeadLayout;

void store_f32(std::byte* head, const KvHeadLayout& layout, std::size_t head_dim, std::size_t slot,
               const float* key, const float* value) noexcept {
  auto* keys = reinterpret_cast<float*>(head) + slot;
  for (std::size_t d = 0; d < head_dim; ++d) keys[d * kPageTokens] = key[d];
  std::copy_n(value, head_dim, reinterpret_cast<float*>(head + layout.values) + slot * layout.padded_dim);
}

void store_f16(const kernels::VectorTable& vector, std::byte* head, const KvHeadLayout& layout,
               std::size_t head_dim, std::size_t slot, const float* key, const float* value) noexcept {
  std::uint16_t halves[kernels::kMaxHeadDim];
  vector.to_f16(key, halves, head_dim);
  auto* keys = reinterpret_cast<std::uint16_t*>(head) + slot;
  for (std::size_t d = 0; d < head_dim; ++d) keys[d * kPageTokens] = halves[d];
  vector.to_f16(value, reinterpret_cast<std::uint16_t*>(head + layout.values) + slot * layout.padded_dim,
                head_dim);
}

/// Codes of up to kKvBlock values, `stride` apart; returns their scale, an f16: x ≈ scale · code. What is no
/// number makes the scale none, so that it is not lost.
std::uint16_t store_block(const float* x, std::size_t n, std::int8_t* codes, std::size_t stride) noexcept {
  float most = 0.0f;
  for (std::size_t i = 0; i < n; ++i)
    most = most >= std::abs(x[i]) || std::isnan(most) ? most : std::abs(x[i]);
  const std::uint16_t bits = f32_to_f16(most / 127.0f);
  const float scale = f16_to_f32(bits);
  const bool is_usable = scale > 0.0f && std::isfinite(scale);
  const float inverse = is_usable ? 1.0f / scale : 0.0f;
  constexpr float kRound =
      12582912.0f;  // adding and taking away 1.5 · 2^23 rounds to the nearest whole number
  for (std::size_t i = 0; i < n; ++i) {
    const float code = is_usable ? x[i] * inverse + kRound - kRound : 0.0f;
    codes[i * stride] = static_cast<std::int8_t>(std::clamp(code, -127.0f, 127.0f));
  }
  return bits;
}

void store_q8_0(std::byte* head, const KvHeadLayout& layout, std::size_t head_dim, std::size_t slot,
                const float* key, const float* value) noexcept {
  auto* keys = reinterpret_cast<std::int8_t*>(head) + slot;
  auto* key_scales = reinterpret_cast<std::uint16_t*>(head + layout.key_scales) + slot;
  auto* values = reinterpret_cast<std::int8_t*>(head + layout.values) + slot * layout.padded_dim;
  auto* value_scales = reinterpret_cast<std::uint16_t*>(head + layout.value_scales) + slot * layout.n_blocks;
  for (std::size_t b = 0; b < layout.n_blocks; ++b) {
    const std::size_t begin = b * kernels::kKvBlock, n = std::min(kernels::kKvBlock, head_dim - begin);
    key_scales[b * kPageTokens] = store_block(key + begin, n, keys + begin * kPageTokens, kPageTokens);
    value_scales[b] = store_block(value + begin, n, values + begin, 1);
  }
}

}  // namespace

DType parse_kv_dtype(std::string_view name) {
  for (const DType dtype : {DType::f16, DType::f32, DType::q8_0})
    if (iequals_ascii(name, dtype_name(dtype))) return dtype;
  throw InvalidArgument(cat("a key/value cache is f16, f32 or q8_0, not \"", name, "\""));
}

std::size_t KvCache::bytes_per_page(const KvShape& shape, DType dtype) noexcept {
  return kv_head_layout(dtype, shape.head_dim).size * shape.n_kv_heads * shape.n_layers;
}

KvCache::KvCache(const KvShape& shape, DType dtype, std::size_t max_tokens)
    : shape_(shape),
      dtype_(dtype),
      layout_(kv_head_layout(dtype, shape.head_dim)),
      page_bytes_(bytes_per_page(shape, dtype)),
      n_pages_((max_tokens + kPageTokens - 1) / kPageTokens) {
  if (dtype != DType::f16 && dtype != DType::f32 && dtype != DType::q8_0) {
    throw InvalidArgument(cat("a key/value cache is f32, f16 or q8_0, not ", dtype_name(dtype)));
  }
  if (shape.head_dim == 0 || shape.head_dim > kernels::kMaxHeadDim) {
    throw Unsupported(
        cat("attention heads of ", shape.head_dim, " dimensions; up to ", kernels::kMaxHeadDim, " work"));
  }
  storage_ = allocate_storage(n_pages_ * page_bytes_);
  for (std::size_t i = n_pages_; i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
}

void KvCache::store(const kernels::VectorTable& vector, std::byte* page, std::size_t layer,
                    std::size_t kv_head, std::size_t slot, const float* key,
                    const float* value) const noexcept {
  std::byte* head = page + head_offset(layer, kv_head);
  switch (dtype_) {
    case DType::f32: return store_f32(head, layout_, shape_.head_dim, slot, key, value);
    case DType::q8_0: return store_q8_0(head, layout_, shape_.head_dim, slot, key, value);
    default: return store_f16(vector, head, layout_, shape_.head_dim, slot, key, value);
  }
}

std::size_t KvSequence::room() const noexcept {
  return (pages_.size() + cache_->free_.size()) * kPageTokens;
}

void KvSequence::reserve(std::size_t n_tokens) {
  const std::size_t wanted = (length_ + n_tokens + kPageTokens - 1) / kPageTokens;
  if (wanted > pages_.size() + cache_->free_.size()) {
    throw Exhausted(cat("the key/value cache is full: ", length_ + n_tokens,
                        " positions are wanted, there is room for ", room()));
  }
  while (pages_.size() < wanted) {
    indices_.push_back(cache_->free_.back());
    pages_.push_back(cache_->page(indices_.back()));
    cache_->free_.pop_back();
  }
}

void KvSequence::truncate(std::size_t length) noexcept {
  if (length < length_) length_ = length;
  const std::size_t kept = (length_ + kPageTokens - 1) / kPageTokens;
  while (pages_.size() > kept) {
    cache_->free_.push_back(indices_.back());
    indices_.pop_back();
    pages_.pop_back();
  }
}

}  // namespace quintet
