#include "storage/blob_store.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/files.h"
#include "core/ids.h"
#include "core/text.h"

namespace quintet {

namespace {

namespace fs = std::filesystem;
constexpr std::string_view kUnfinished = "unfinished-";
constexpr auto kSpared = std::chrono::hours(1);

[[noreturn]] void cannot_write(const fs::path& path) {
  const int error = errno;
  const std::string message = cat("storing a file: cannot write ", path.string(), ": ", errno_text(error));
  if (error == ENOSPC || error == EDQUOT) throw Exhausted(message);
  throw Unavailable(message);
}

bool is_sha256(std::string_view text) noexcept {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string readable_mib(std::uint64_t bytes) {
  return cat((bytes + (1U << 20) - 1) >> 20, " MiB");
}

}  // namespace

struct BlobStore::Writer::State {
  const BlobStore* store;
  fs::path path;
  FileDescriptor file;
  std::uint64_t max_bytes;
  Digest digest{DigestKind::sha256};
  std::uint64_t size = 0;

  State(const BlobStore* store_, fs::path path_, std::uint64_t max_bytes_)
      : store(store_),
        path(std::move(path_)),
        file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)),
        max_bytes(max_bytes_) {
    if (file.get() < 0) cannot_write(path);
  }
  ~State() { ::unlink(path.c_str()); }  // after commit() the name is free already
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

BlobStore::Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlobStore::Writer::Writer(Writer&&) noexcept = default;
BlobStore::Writer& BlobStore::Writer::operator=(Writer&&) noexcept = default;
BlobStore::Writer::~Writer() = default;

void BlobStore::Writer::append(std::string_view bytes) {
  if (bytes.size() > state_->max_bytes - state_->size)
    throw Exhausted(
        cat("the file is larger than ", readable_mib(state_->max_bytes), ", the most that is taken"));
  state_->digest.update(bytes);
  state_->size += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(state_->file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) cannot_write(state_->path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

BlobStore::Blob BlobStore::Writer::commit() {
  const Blob blob{state_->digest.finish_hex(), state_->size};
  if (::fdatasync(state_->file.get()) != 0) cannot_write(state_->path);
  const fs::path place = state_->store->place_of(blob.sha256);
  make_private_directory(place.parent_path());
  // Same name, same content: replacing a blob by itself is no harm, and its readers keep the old file.
  if (::rename(state_->path.c_str(), place.c_str()) != 0) cannot_write(place);
  const FileDescriptor folder(::open(place.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
  state_.reset();
  return blob;
}

BlobStore::BlobStore(fs::path folder) : folder_(std::move(folder)) {
  make_private_directory(folder_);
  std::error_code ignored;
  const auto now = fs::file_time_type::clock::now();
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    if (!entry.path().filename().string().starts_with(kUnfinished)) continue;
    if (now - entry.last_write_time(ignored) > kSpared) fs::remove(entry.path(), ignored);
  }
}

BlobStore::Writer BlobStore::begin(std::uint64_t max_bytes) {
  return Writer(std::make_unique<Writer::State>(this, folder_ / new_id(kUnfinished), max_bytes));
}

BlobStore::Blob BlobStore::put(std::string_view bytes) {
  Writer writer = begin(bytes.size());
  writer.append(bytes);
  return writer.commit();
}

BlobStore::Blob BlobStore::put_file(const fs::path& path, std::uint64_t max_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    if (errno == ENOENT) throw NotFound(cat("there is no file ", path.string()));
    throw InvalidArgument(cat("cannot read ", path.string(), ": ", errno_text(errno)));
  }
  if (!S_ISREG(status.st_mode)) throw InvalidArgument(cat(path.string(), " is not a file"));
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes)
    throw Exhausted(cat(path.string(), " has ", readable_mib(static_cast<std::uint64_t>(status.st_size)),
                        "; at most ", readable_mib(max_bytes), " are taken"));
  Writer writer = begin(max_bytes);
  std::string buffer(1 << 18, '\0');
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw InvalidArgument(cat("cannot read ", path.string(), ": ", errno_text(errno)));
    if (n == 0) break;
    writer.append(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
  return writer.commit();
}

fs::path BlobStore::place_of(std::string_view sha256) const {
  if (!is_sha256(sha256)) throw InvalidArgument("a stored file is named by 64 hexadecimal digits");
  return folder_ / sha256.substr(0, 2) / sha256;
}

bool BlobStore::contains(std::string_view sha256) const {
  std::error_code ignored;
  return fs::is_regular_file(place_of(sha256), ignored);
}

fs::path BlobStore::path_of(std::string_view sha256) const {
  fs::path place = place_of(sha256);
  std::error_code ignored;
  if (!fs::is_regular_file(place, ignored)) throw NotFound(cat("the stored file ", sha256, " is gone"));
  return place;
}

void BlobStore::remove(std::string_view sha256) {
  std::error_code ignored;
  fs::remove(place_of(sha256), ignored);
}

std::size_t BlobStore::remove_unused(const std::function<bool(std::string_view)>& is_used) {
  std::size_t n_removed = 0;
  std::error_code ignored;
  const auto now = fs::file_time_type::clock::now();
  for (const auto& folder : fs::directory_iterator(folder_, ignored)) {
    if (!folder.is_directory(ignored)) continue;
    for (const auto& entry : fs::directory_iterator(folder.path(), ignored)) {
      const std::string name = entry.path().filename().string();
      if (!is_sha256(name) || now - entry.last_write_time(ignored) < kSpared || is_used(name)) continue;
      n_removed += fs::remove(entry.path(), ignored) ? 1 : 0;
    }
  }
  return n_removed;
}

}  // namespace quintet
