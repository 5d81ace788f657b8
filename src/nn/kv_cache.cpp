#include "nn/kv_cache.h"

#include "core/error.h"
#include "core/text.h"
#include "tensor/half.h"

namespace quintet {

namespace {

using kernels::kHeadDimStep;
using kernels::kPageTokens;

std::size_t padded(std::size_t head_dim) noexcept {
  return (head_dim + kHeadDimStep - 1) / kHeadDimStep * kHeadDimStep;
}

std::size_t bytes_per_head(const KvShape& shape, DType dtype) noexcept {
  return (shape.head_dim + padded(shape.head_dim)) * kPageTokens * dtype_info(dtype).block_bytes;
}

template <typename Element, typename Convert>
void store_as(std::byte* head, std::size_t head_dim, std::size_t slot, const float* key, const float* value,
              const Convert& convert) noexcept {
  auto* keys = reinterpret_cast<Element*>(head);
  for (std::size_t d = 0; d < head_dim; ++d) keys[d * kPageTokens + slot] = convert(key[d]);
  Element* values = keys + head_dim * kPageTokens + slot * padded(head_dim);
  for (std::size_t d = 0; d < head_dim; ++d) values[d] = convert(value[d]);
}

}  // namespace

std::size_t KvCache::bytes_per_page(const KvShape& shape, DType dtype) noexcept {
  return bytes_per_head(shape, dtype) * shape.n_kv_heads * shape.n_layers;
}

KvCache::KvCache(const KvShape& shape, DType dtype, std::size_t max_tokens)
    : shape_(shape),
      dtype_(dtype),
      head_bytes_(bytes_per_head(shape, dtype)),
      page_bytes_(bytes_per_page(shape, dtype)),
      n_pages_((max_tokens + kPageTokens - 1) / kPageTokens) {
  if (dtype != DType::f16 && dtype != DType::f32) {
    throw InvalidArgument(cat("a key/value cache is f16 or f32, not ", dtype_name(dtype)));
  }
  if (shape.head_dim == 0 || shape.head_dim > kernels::kMaxHeadDim) {
    throw Unsupported(
        cat("attention heads of ", shape.head_dim, " dimensions; up to ", kernels::kMaxHeadDim, " work"));
  }
  storage_ = allocate_storage(n_pages_ * page_bytes_);
  for (std::size_t i = n_pages_; i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
}

void KvCache::store(std::byte* page, std::size_t layer, std::size_t kv_head, std::size_t slot,
                    const float* key, const float* value) const noexcept {
  std::byte* head = page + head_offset(layer, kv_head);
  if (dtype_ == DType::f32) {
    store_as<float>(head, shape_.head_dim, slot, key, value, [](float x) { return x; });
  } else {
    store_as<std::uint16_t>(head, shape_.head_dim, slot, key, value, f32_to_f16);
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
