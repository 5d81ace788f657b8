#include "tensor/storage.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
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

class FileStorage final : public Storage {
 public:
  explicit FileStorage(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      const int reason = errno;
      if (reason == ENOENT) throw NotFound(cat("there is no file ", path.string()));
      throw InvalidArgument(cat("can't open ", path.string(), ": ", errno_text(reason)));
    }
    struct stat status{};
    const bool is_known = ::fstat(file, &status) == 0;
    if (!is_known || !S_ISREG(status.st_mode) || status.st_size == 0) {
      ::close(file);
      throw InvalidArgument(
          cat(path.string(), !is_known || S_ISREG(status.st_mode) ? " is empty" : " is not a file"));
    }
    size_ = static_cast<std::size_t>(status.st_size);
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    const int reason = errno;
    ::close(file);
    if (mapped == MAP_FAILED)
      throw InvalidArgument(cat("can't map ", path.string(), ": ", errno_text(reason)));
    data_ = static_cast<std::byte*>(mapped);
  }
  ~FileStorage() override { ::munmap(data_, size_); }
  bool is_writable() const noexcept override { return false; }
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

std::shared_ptr<Storage> map_file(const std::filesystem::path& path) {
  return std::make_shared<FileStorage>(path);
}

void release_pages(const Storage& storage, std::span<const std::byte> bytes) noexcept {
  if (storage.is_writable() || bytes.empty()) return;
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace quintet
