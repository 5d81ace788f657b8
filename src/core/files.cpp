#include "core/files.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/ids.h"
#include "core/text.h"

namespace quintet {

namespace {

[[noreturn]] void throw_write_failure(const std::filesystem::path& path, int error) {
  throw Unavailable(cat("cannot write ", path.string(), ": ", errno_text(error)));
}

}  // namespace

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

std::string read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) throw NotFound(cat("no such file: ", path.string()));
    throw InvalidArgument(cat("cannot read ", path.string(), ": ", errno_text(errno)));
  }
  std::string content;
  std::string buffer(1 << 16, '\0');
  for (;;) {
    const auto got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw InvalidArgument(cat("cannot read ", path.string(), ": ", errno_text(errno)));
    if (got == 0) return content;
    content.append(buffer, 0, static_cast<std::size_t>(got));
    if (content.size() > max_bytes)
      throw Exhausted(cat(path.string(), " is larger than the limit of ", max_bytes, " bytes"));
  }
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path temporary = path;
  temporary += cat(".", new_id("tmp"));
  {
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) throw_write_failure(path, errno);
    while (!content.empty()) {
      const auto written = ::write(file.get(), content.data(), content.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        throw_write_failure(path, error);
      }
      content.remove_prefix(static_cast<std::size_t>(written));
    }
    // Without this the rename may reach the disk before the content does.
    if (::fsync(file.get()) != 0) {
      const int error = errno;
      ::unlink(temporary.c_str());
      throw_write_failure(path, error);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    throw_write_failure(path, error);
  }
}

void make_private_directory(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return;
  std::filesystem::create_directories(path, error);
  if (error) throw Unavailable(cat("cannot create the directory ", path.string(), ": ", error.message()));
  ::chmod(path.c_str(), 0700);
}

}  // namespace quintet
