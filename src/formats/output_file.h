#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace quintet {

/// A large file written front to back under a temporary name beside its own; `commit` puts it in its place as
/// one step, and without that nothing is left behind. Not synchronised.
class OutputFile {
 public:
  /// Throws Unavailable naming the path and the system's reason.
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Sets aside room for `n_bytes` in all, so that a full disk is known before the work. Throws Exhausted.
  void reserve(std::size_t n_bytes);
  /// Throws Exhausted when the disk is full, Unavailable for other failures.
  void write(std::span<const std::byte> bytes);
  /// Zeros up to the next multiple of `alignment`.
  void pad_to(std::size_t alignment);
  /// On disk and in place after this.
  void commit();

  std::size_t size() const noexcept { return size_; }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  [[noreturn]] void fail(int error_number) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int file_ = -1;
  std::size_t size_ = 0;
};

}  // namespace quintet
