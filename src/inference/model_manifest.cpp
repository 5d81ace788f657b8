#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/file.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "inference/manifest_file.h"
#include "inference/model_names.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxManifest = std::size_t{16} << 20;

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  int result = fd_ < 0 ? -1 : ::flock(fd_, LOCK_EX);
  while (result != 0 && fd_ >= 0 && errno == EINTR) result = ::flock(fd_, LOCK_EX);
  if (result != 0) {
    const int error = errno;
    if (fd_ >= 0) ::close(fd_);
    throw Unavailable(cat("cannot lock the folder ", folder.string(), ": ", errno_text(error)));
  }
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

std::filesystem::path manifest_path(const std::filesystem::path& folder) {
  return folder / "quintet.json";
}

std::vector<ManifestFile> ModelStore::read_manifest(const std::filesystem::path& folder) {
  const auto path = manifest_path(folder);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  try {
    const Json value = parse_json(read_file(path, kMaxManifest), path.string());
    const JsonObject* files = get_object(require_object(value, path.string()), "files");
    if (files == nullptr) throw CorruptData(cat(path.string(), " has no \"files\""));
    std::vector<ManifestFile> entries;
    for (const auto& [name, row] : *files) {
      const JsonObject& object = require_object(row, name);
      ManifestFile file;
      file.path = std::string(name);
      if (!is_safe_relative_path(file.path))
        throw CorruptData(cat(path.string(), ": \"", sanitize_utf8(file.path), "\" is not a file below it"));
      file.source = get_string(object, "source").value_or("");
      file.url = get_string(object, "url").value_or("");
      file.revision = get_string(object, "revision").value_or("");
      if (const auto size = get_int(object, "size"); size && *size >= 0)
        file.size = static_cast<std::uint64_t>(*size);
      file.sha256 = get_string(object, "sha256").value_or("");
      file.downloaded_at = get_string(object, "downloaded_at").value_or("");
      entries.push_back(std::move(file));
    }
    return entries;
  } catch (const InvalidArgument& fault) {
    throw CorruptData(fault.what());
  }
}

void write_manifest(const std::filesystem::path& folder, const std::vector<ManifestFile>& entries) {
  if (entries.empty()) {
    std::error_code ignored;
    std::filesystem::remove(manifest_path(folder), ignored);
    return;
  }
  std::map<std::string, JsonObject> sorted;
  for (const auto& file : entries) {
    JsonObject& row = sorted[file.path];
    if (!file.source.empty()) row["source"] = file.source;
    if (!file.url.empty()) row["url"] = file.url;
    if (!file.revision.empty()) row["revision"] = file.revision;
    if (file.size) row["size"] = *file.size;
    if (!file.sha256.empty()) row["sha256"] = file.sha256;
    if (!file.downloaded_at.empty()) row["downloaded_at"] = file.downloaded_at;
  }
  JsonObject files;
  for (auto& [path, row] : sorted) files[path] = std::move(row);
  write_file_atomically(manifest_path(folder),
                        to_pretty_json(JsonObject{{"files", std::move(files)}}) + "\n");
}

void ModelStore::record(const std::filesystem::path& folder, const std::vector<ManifestFile>& files) const {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Unavailable(cat("cannot create the folder ", folder.string(), ": ", error.message()));
  const FolderLock lock(folder);
  auto entries = read_manifest(folder);
  for (const auto& file : files) {
    std::erase_if(entries, [&](const ManifestFile& entry) { return entry.path == file.path; });
    entries.push_back(file);
  }
  write_manifest(folder, entries);
}

}  // namespace quintet
