#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/vector.h"
#include "tensor/storage.h"

namespace quintet {

/// The types that a cache can have: "f16", "f32", "q8_0". Throws InvalidArgument for another name.
DType parse_kv_dtype(std::string_view name);

/// What a model's cache holds for each position: keys and values of every layer and key/value head.
struct KvShape {
  std::size_t n_layers = 0;
  std::size_t n_kv_heads = 0;
  std::size_t head_dim = 0;
};

/// Keys and values of many sequences, in pages of kPageTokens positions for all layers; which page belongs to
/// whom is decided by KvSequence. Page layout: [layer][kv head] of what KvHeadView describes. Not
/// synchronised: one thread at a time takes and gives pages; the pages' contents belong to the forward pass.
class KvCache {
 public:
  /// `max_tokens` is rounded up to whole pages; memory is touched as pages come into use. `dtype` is f16,
  /// f32 or q8_0. Throws InvalidArgument for another type, Exhausted when there is no memory.
  KvCache(const KvShape& shape, DType dtype, std::size_t max_tokens);

  const KvShape& shape() const noexcept { return shape_; }
  DType dtype() const noexcept { return dtype_; }
  std::size_t n_pages() const noexcept { return n_pages_; }
  std::size_t n_free_pages() const noexcept { return free_.size(); }
  std::size_t size_bytes() const noexcept { return n_pages_ * page_bytes_; }
  static std::size_t bytes_per_page(const KvShape& shape, DType dtype) noexcept;

  std::byte* page(std::size_t index) noexcept { return storage_->data() + index * page_bytes_; }
  std::size_t head_offset(std::size_t layer, std::size_t kv_head) const noexcept {
    return (layer * shape_.n_kv_heads + kv_head) * layout_.size;
  }

  /// Stores the key and value of one position of one head: `key` and `value` are [head_dim] f32.
  void store(const kernels::VectorTable& vector, std::byte* page, std::size_t layer, std::size_t kv_head,
             std::size_t slot, const float* key, const float* value) const noexcept;

 private:
  friend class KvSequence;

  KvShape shape_;
  DType dtype_;
  kernels::KvHeadLayout layout_;
  std::size_t page_bytes_ = 0;
  std::size_t n_pages_ = 0;
  std::shared_ptr<Storage> storage_;
  std::vector<std::uint32_t> free_;  // indices of pages that nobody has, the next one last
};

/// One sequence's pages in a cache, which must outlive it. Gives its pages back when it ends.
class KvSequence {
 public:
  explicit KvSequence(KvCache& cache) noexcept : cache_(&cache) {}
  ~KvSequence() { truncate(0); }
  KvSequence(const KvSequence&) = delete;
  KvSequence& operator=(const KvSequence&) = delete;

  /// Positions that hold keys and values.
  std::size_t length() const noexcept { return length_; }
  /// Positions that fit into the pages it has and the cache's free ones.
  std::size_t room() const noexcept;

  /// Takes pages for `n_tokens` more positions. Throws Exhausted when there are too few; nothing changes
  /// then.
  void reserve(std::size_t n_tokens);
  /// The positions up to `length` hold something now.
  void advance(std::size_t n_tokens) noexcept { length_ += n_tokens; }
  /// Forgets what is beyond `length` and gives unused pages back.
  void truncate(std::size_t length) noexcept;

  std::span<std::byte* const> pages() const noexcept { return pages_; }
  KvCache& cache() const noexcept { return *cache_; }

 private:
  KvCache* cache_;
  std::vector<std::byte*> pages_;
  std::vector<std::uint32_t> indices_;
  std::size_t length_ = 0;
};

}  // namespace quintet
