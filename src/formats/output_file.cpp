#include "formats/output_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/ids.h"
#include "core/text.h"

namespace quintet {

OutputFile::OutputFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_) {
  temporary_ += cat(".", new_id("tmp"));
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file_ < 0) fail(errno);
}

OutputFile::~OutputFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void OutputFile::fail(int error_number) const {
  const std::string message = cat("cannot write ", path_.string(), ": ", errno_text(error_number));
  if (error_number == ENOSPC || error_number == EDQUOT) throw Exhausted(message);
  throw Unavailable(message);
}

void OutputFile::reserve(std::size_t n_bytes) {
  struct statvfs disk{};
  if (::fstatvfs(file_, &disk) == 0) {
    const auto free_bytes = static_cast<unsigned long long>(disk.f_bavail) * disk.f_frsize;
    if (n_bytes > free_bytes) {
      throw Exhausted(cat("cannot write ", path_.string(), ": it takes ", n_bytes, " bytes, and ", free_bytes,
                          " are free on that disk"));
    }
  }
  // File systems that can't do this still say so when the disk is full in write().
  if (::fallocate(file_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(n_bytes)) != 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    fail(errno);
  }
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::size_t>(written);
  }
}

void OutputFile::pad_to(std::size_t alignment) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  std::size_t missing = (alignment - size_ % alignment) % alignment;
  while (missing > 0) {
    const std::size_t n = std::min(missing, kZeros.size());
    write(std::span(kZeros).first(n));
    missing -= n;
  }
}

void OutputFile::commit() {
  // Without the first the rename may reach the disk before the content does.
  if (::fsync(file_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  ::close(file_);
  file_ = -1;
}

}  // namespace quintet
