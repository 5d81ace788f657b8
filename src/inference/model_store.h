#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// A file that was, or is being, downloaded; one entry of a repository's manifest.
struct ManifestFile {
  std::string path;    // below the manifest's folder
  std::string source;  // "hf:owner/repo" or a URL
  std::string url;     // without user and query
  std::string revision;
  std::optional<std::uint64_t> size;
  std::string sha256;
  std::string downloaded_at;  // ISO 8601; empty = not complete
};

/// What a model's own files say of it.
struct ModelDetails {
  std::string architecture;  // as GGUF or config.json name it; empty = not known
  std::uint64_t n_parameters = 0;
  std::string quantization;  // "Q4_K_M"; of a folder the type of most weights, "BF16"
};

enum class ModelFormat : std::uint8_t { gguf, safetensors };
std::string_view model_format_name(ModelFormat format) noexcept;

/// A model on disk: a GGUF file, all files of a split one, or a folder as Hugging Face's libraries write it.
struct StoredModel {
  std::string name;  // short, unique in the store: the file's or the folder's name, longer where needed
  std::string id;    // path in the store: "owner/repo/file.gguf", "owner/repo"
  ModelFormat format = ModelFormat::gguf;
  std::filesystem::path path;                // what opens it: the (first) file, or the folder
  std::vector<std::filesystem::path> files;  // those that are there
  std::uint64_t size = 0;                    // bytes of them on disk
  ModelDetails details;
  bool is_complete = false;
  std::string problem;                 // when it is not: what is missing or wrong
  std::optional<ManifestFile> origin;  // of its (first) weight file, when it was downloaded
};

/// Models below one folder: "<owner>/<repo>/<file>", with "quintet.json" in each <repo> saying where its
/// files came from. Files that somebody put there by hand, at any depth of up to six folders, are found as
/// well. Nothing is kept in memory: every call looks at the disk, which costs about a millisecond per model.
/// Processes may share a store; a manifest is changed under a lock (flock on its folder).
class ModelStore {
 public:
  explicit ModelStore(const std::filesystem::path& root);

  const std::filesystem::path& root() const noexcept { return root_; }

  /// In the order of their ids. A model that cannot be read is listed with its problem.
  std::vector<StoredModel> list() const;

  /// By name, id or its end, "owner/repo", "hf:owner/repo:q4_k_m", or the path of one of its files; case and
  /// the ending ".gguf" don't matter. Throws NotFound with the nearest names, InvalidArgument when several
  /// fit.
  StoredModel find(std::string_view name) const;

  /// Deletes its files, what was downloaded of others of it, and folders that become empty. A link is
  /// deleted, not what it leads to. Throws Conflict while it is being downloaded.
  void remove(const StoredModel& model) const;

  /// Entries of the manifest in `folder`; none when there is no manifest. Throws CorruptData.
  static std::vector<ManifestFile> read_manifest(const std::filesystem::path& folder);
  /// Adds entries, or replaces those of the same path; makes the folder when it does not exist.
  void record(const std::filesystem::path& folder, const std::vector<ManifestFile>& files) const;
  /// Takes out the entries of these paths, and removes the folder, and those above it, if they are empty
  /// then.
  void forget(const std::filesystem::path& folder, const std::vector<std::string>& paths) const;

 private:
  void remove_empty(std::filesystem::path folder) const;
  std::filesystem::path root_;
};

/// Of a GGUF file (the first of a split one) or a folder. Throws as Checkpoint::open.
ModelDetails read_model_details(const std::filesystem::path& path);

}  // namespace quintet
