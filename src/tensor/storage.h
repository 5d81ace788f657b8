#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "core/error.h"

namespace quintet {

/// Bytes that tensors lie in: memory of our own or a file mapped read-only. Shared by the tensors that view
/// it; not synchronised, as writing is the business of whoever made it.
class Storage {
 public:
  virtual ~Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  virtual bool is_writable() const noexcept = 0;
  /// Of a mapped file: throws Unavailable, naming it, when it became shorter or was written to since it was
  /// mapped. What was read until then may be anything.
  virtual void require_unchanged() const {}

 protected:
  Storage() = default;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Zeroed memory, aligned to 64 bytes; from 4 MiB on aligned to 2 MiB and, where the system agrees, in huge
/// pages: two cores read those twice as fast as 4 KiB pages. Throws Exhausted when there is no memory.
std::shared_ptr<Storage> allocate_storage(std::size_t n_bytes);

/// Pieces of large allocations, one after the other: many small ones share huge pages, and none wastes the
/// rest of one. A piece lives as long as someone holds its storage. Not synchronised.
class StorageArena {
 public:
  struct Piece {
    std::shared_ptr<Storage> storage;
    std::byte* data = nullptr;  // zeroed, aligned to 64 bytes
  };
  /// Throws Exhausted when there is no memory.
  Piece take(std::size_t n_bytes);

 private:
  std::shared_ptr<Storage> chunk_;
  std::size_t used_ = 0;
};

/// A whole file, mapped read-only. Throws NotFound or InvalidArgument (a directory, empty, unreadable). A
/// file that is replaced stays readable as it was. One that another program cuts off can be read without harm
/// too, zeros where nothing is any more; whoever reads asks require_unchanged() before believing it. For that
/// a handler of SIGBUS is installed with the first file; it passes on what is none of its business.
std::shared_ptr<Storage> map_file(const std::filesystem::path& path);

/// What `read` gives, which reads mapped files of `source` (something with require_unchanged()); if one of
/// them was changed meanwhile, that is the error, whatever else `read` made of it.
template <typename Source, typename Read>
auto read_unchanged(const Source& source, const Read& read) {
  try {
    auto result = read();
    source.require_unchanged();
    return result;
  } catch (const Error&) {
    source.require_unchanged();
    throw;
  }
}

/// Tells the system that these bytes of a mapped file will not be read soon, so that they stop counting as
/// memory used. Nothing changes for the reader.
void release_pages(const Storage& storage, std::span<const std::byte> bytes) noexcept;

}  // namespace quintet
