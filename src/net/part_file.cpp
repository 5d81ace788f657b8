#include "net/part_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {

namespace {

[[noreturn]] void fail(std::string_view what, const std::filesystem::path& path, int error) {
  throw Unavailable(cat("cannot ", what, " ", path.string(), ": ", errno_text(error)));
}

}  // namespace

PartFile::~PartFile() {
  close();
}

void PartFile::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool PartFile::try_open(const std::filesystem::path& path) {
  for (;;) {
    close();
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd_ < 0) fail("open", path, errno);
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      close();
      if (error == EWOULDBLOCK) return false;
      if (error == EINTR) continue;
      fail("lock", path, error);
    }
    // Whoever had the lock before may have given the file another name, or removed it, meanwhile.
    struct stat open_file{};
    struct stat named_file{};
    if (::fstat(fd_, &open_file) != 0) fail("read", path, errno);
    if (::stat(path.c_str(), &named_file) != 0 || open_file.st_ino != named_file.st_ino ||
        open_file.st_dev != named_file.st_dev)
      continue;
    path_ = path;
    size_ = static_cast<std::uint64_t>(open_file.st_size);
    return true;
  }
}

bool PartFile::try_open_existing(const std::filesystem::path& path) {
  close();
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0 && (errno == ENOENT || errno == ENOTDIR)) return false;
  struct stat status{};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0)
    throw InvalidArgument(cat("cannot read ", path.string(), ": ", errno_text(errno)));
  if (!S_ISREG(status.st_mode)) throw InvalidArgument(cat(path.string(), " is not a file"));
  path_ = path;
  size_ = static_cast<std::uint64_t>(status.st_size);
  return true;
}

std::size_t PartFile::read_at(std::uint64_t offset, std::string& buffer) const {
  for (;;) {
    const auto got = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) fail("read", path_, errno);
  }
}

int PartFile::append(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  return 0;
}

void PartFile::truncate() {
  if (::ftruncate(fd_, 0) != 0) fail("shorten", path_, errno);
  size_ = 0;
}

void PartFile::remove() noexcept {
  if (fd_ >= 0) ::unlink(path_.c_str());
}

void PartFile::move_to(const std::filesystem::path& path) {
  // Without this the name may reach the disk before the content does.
  if (::fsync(fd_) != 0) fail("write", path_, errno);
  if (::rename(path_.c_str(), path.c_str()) != 0) fail("write", path, errno);
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    ::fsync(fd);  // the rename is complete either way; a file system that cannot do this says so here
    ::close(fd);
  }
  path_ = path;
}

std::optional<std::uint64_t> PartFile::free_bytes() const noexcept {
  struct statvfs status{};
  if (::fstatvfs(fd_, &status) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace quintet
