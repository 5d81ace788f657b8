#include "tensor/storage.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <sys/mman.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kFromHere = 2 * kHugePage;  // smaller pieces gain nothing and would waste half a page
constexpr std::size_t kAlignment = 64;            // a cache line, and the widest vector

class HeapStorage final : public Storage {
 public:
  explicit HeapStorage(std::size_t n_bytes) {
    size_ = n_bytes;
    data_ = static_cast<std::byte*>(
        ::operator new(std::max<std::size_t>(1, n_bytes), std::align_val_t{kAlignment}));
    std::fill_n(data_, n_bytes, std::byte{0});
  }
  ~HeapStorage() override { ::operator delete(data_, std::align_val_t{kAlignment}); }
  bool is_writable() const noexcept override { return true; }
};

/// Anonymous memory, zeroed by the system when first touched.
class PageStorage final : public Storage {
 public:
  explicit PageStorage(std::size_t n_bytes) {
    const std::size_t rounded = (n_bytes + kHugePage - 1) / kHugePage * kHugePage;
    mapped_size_ = rounded + kHugePage;
    mapped_ = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
    const std::uintptr_t aligned = (address + kHugePage - 1) / kHugePage * kHugePage;
    data_ = reinterpret_cast<std::byte*>(aligned);
    size_ = n_bytes;
    ::madvise(data_, rounded, MADV_HUGEPAGE);  // refusal costs speed only
  }
  ~PageStorage() override { ::munmap(mapped_, mapped_size_); }
  bool is_writable() const noexcept override { return true; }

 private:
  void* mapped_ = nullptr;
  std::size_t mapped_size_ = 0;
};

}  // namespace

std::shared_ptr<Storage> allocate_storage(std::size_t n_bytes) {
  try {
    if (n_bytes >= kFromHere) return std::make_shared<PageStorage>(n_bytes);
    return std::make_shared<HeapStorage>(n_bytes);
  } catch (const std::bad_alloc&) {
    throw Exhausted(cat("there is no memory for ", n_bytes, " bytes of tensors"));
  }
}

StorageArena::Piece StorageArena::take(std::size_t n_bytes) {
  // Address space only: pages come when they are written to.
  constexpr std::size_t kChunk = std::size_t{256} << 20;
  const std::size_t rounded = (n_bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (chunk_ == nullptr || chunk_->size() - used_ < rounded) {
    chunk_ = allocate_storage(std::max(rounded, kChunk));
    used_ = 0;
  }
  std::byte* data = chunk_->data() + used_;
  used_ += rounded;
  return {chunk_, data};
}

}  // namespace quintet
