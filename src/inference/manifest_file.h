#pragma once

#include <filesystem>
#include <vector>

#include "inference/model_store.h"

namespace quintet {

/// "<folder>/quintet.json"
std::filesystem::path manifest_path(const std::filesystem::path& folder);

/// Replaces the manifest, under a FolderLock; without entries it is deleted. Throws Unavailable.
void write_manifest(const std::filesystem::path& folder, const std::vector<ManifestFile>& entries);

/// Keeps other processes from changing the manifest of a folder while it lives. Throws Unavailable.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

}  // namespace quintet
