#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace quintet {

/// The growing file of a download, locked (flock) for the process that has it open. The lock goes with the
/// process, however that ends. Not synchronised.
class PartFile {
 public:
  PartFile() = default;
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  /// Opens or creates the file for reading and appending and locks it; false when another has the lock.
  /// Throws Unavailable.
  bool try_open(const std::filesystem::path& path);
  /// Opens a file for reading, without a lock; false when there is none. Throws InvalidArgument when it
  /// cannot be read.
  bool try_open_existing(const std::filesystem::path& path);

  std::uint64_t size() const noexcept { return size_; }
  /// Bytes from `offset` into `buffer`; how many there were. Throws Unavailable.
  std::size_t read_at(std::uint64_t offset, std::string& buffer) const;
  /// 0, or the errno of what went wrong; then some of the bytes may have been written.
  int append(std::string_view bytes) noexcept;
  void truncate();
  void remove() noexcept;
  /// Gives the file its final name, replacing what has it, after all bytes reached the disk. Throws
  /// Unavailable.
  void move_to(const std::filesystem::path& path);
  /// What an ordinary user may still write on this file's disk; nothing when the system does not say.
  std::optional<std::uint64_t> free_bytes() const noexcept;

 private:
  void close() noexcept;

  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace quintet
