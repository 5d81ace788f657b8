#include "inference/model_store.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "inference/manifest_file.h"
#include "inference/model_names.h"
#include "net/download.h"

namespace quintet {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 6;
constexpr std::size_t kMaxEntries = 100'000;

bool has_ending(std::string_view name, std::string_view ending) {
  return name.size() > ending.size() && iequals_ascii(name.substr(name.size() - ending.size()), ending);
}

bool is_gguf(std::string_view name) {
  return has_ending(name, ".gguf");
}

/// What belongs to a model that is a folder, by its name there.
bool is_folder_file(std::string_view name) {
  if (name == "quintet.json" || name.find(".part") != std::string_view::npos) return false;
  for (const std::string_view ending : {".safetensors", ".json", ".txt", ".model", ".jinja"}) {
    if (has_ending(name, ending)) return true;
  }
  return false;
}

std::string below(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : cat(folder, "/", name);
}

/// What a walk through the store finds; paths are relative to its root.
struct Findings {
  std::set<std::string> ggufs;    // on disk, or in a manifest
  std::set<std::string> folders;  // that hold a model of Hugging Face's layout
  std::map<std::string, ManifestFile> origins;
};

class Walk {
 public:
  explicit Walk(const fs::path& root) : root_(root) {}

  Findings run() {
    std::error_code error;
    if (fs::is_directory(root_, error)) visit("", 0);
    return std::move(findings_);
  }

 private:
  void visit(const std::string& folder, int depth) {
    std::error_code error;
    const fs::path path = root_ / folder;
    // A link may lead back to a folder above it.
    const auto real = fs::canonical(path, error);
    if (error || !seen_.insert(real.string()).second) return;
    bool has_config = false;
    bool has_weights = false;
    read_origins(folder, has_weights);
    std::vector<std::string> folders;
    for (fs::directory_iterator entry(path, fs::directory_options::skip_permission_denied, error), end;
         !error && entry != end; entry.increment(error)) {
      if (++n_entries_ > kMaxEntries) return;
      const std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (name.starts_with('.') || find_invalid_utf8(name)) continue;
      if (entry->is_directory(ignored)) {
        folders.push_back(name);
      } else if (entry->is_regular_file(ignored)) {
        if (is_gguf(name)) findings_.ggufs.insert(below(folder, name));
        has_config = has_config || name == "config.json";
        has_weights = has_weights || has_ending(name, ".safetensors");
      }
    }
    if (!folder.empty() && has_weights &&
        (has_config || findings_.origins.contains(below(folder, "config.json"))))
      findings_.folders.insert(folder);
    if (depth == kMaxDepth) return;
    for (const auto& name : folders) visit(below(folder, name), depth + 1);
  }

  void read_origins(const std::string& folder, bool& has_weights) {
    std::vector<ManifestFile> manifest;
    try {
      manifest = ModelStore::read_manifest(root_ / folder);
    } catch (const Error&) {
      return;  // a damaged note does not hide the models beside it
    }
    for (auto& file : manifest) {
      const std::string path = below(folder, file.path);
      if (is_gguf(path)) findings_.ggufs.insert(path);
      has_weights =
          has_weights || (has_ending(file.path, ".safetensors") && file.path.find('/') == std::string::npos);
      findings_.origins.emplace(path, std::move(file));
    }
  }

  const fs::path& root_;
  Findings findings_;
  std::set<std::string> seen_;
  std::size_t n_entries_ = 0;
};

/// Builds the models from what was found.
class Listing {
 public:
  Listing(const fs::path& root, Findings findings) : root_(root), findings_(std::move(findings)) {}

  std::vector<StoredModel> run() {
    std::map<std::tuple<std::string, std::size_t>, std::vector<std::string>> groups;
    for (const auto& path : findings_.ggufs) {
      const auto split = parse_split_name(path);
      groups[split ? std::tuple(split->stem, split->n_files) : std::tuple(path, std::size_t{0})].push_back(
          path);
    }
    std::vector<StoredModel> models;
    for (const auto& [key, paths] : groups) models.push_back(gguf_model(paths, std::get<1>(key)));
    for (const auto& folder : findings_.folders) models.push_back(folder_model(folder));
    std::sort(models.begin(), models.end(),
              [](const StoredModel& a, const StoredModel& b) { return a.id < b.id; });
    name_them(models);
    return models;
  }

 private:
  StoredModel gguf_model(const std::vector<std::string>& paths, std::size_t n_files) const {
    StoredModel model;
    std::vector<std::string> expected{paths.front()};
    if (n_files > 0) {
      expected.clear();
      const std::string stem = parse_split_name(paths.front())->stem;
      for (std::size_t i = 1; i <= n_files; ++i) expected.push_back(split_name(stem, i, n_files));
    }
    model.id = expected.front();
    model.path = root_ / expected.front();
    model.details.quantization = quantization_in_name(expected.front());
    take_files(expected, model);
    if (const auto origin = findings_.origins.find(expected.front()); origin != findings_.origins.end())
      model.origin = origin->second;
    if (!model.problem.empty()) return model;
    try {
      model.details = read_model_details(model.path);
      model.is_complete = true;
    } catch (const Error& error) {
      model.problem = error.what();
    }
    return model;
  }

  StoredModel folder_model(const std::string& folder) const {
    StoredModel model;
    model.id = folder;
    model.path = root_ / folder;
    model.format = ModelFormat::safetensors;
    std::set<std::string> expected;
    for (auto at = findings_.origins.lower_bound(folder + "/"); at != findings_.origins.end(); ++at) {
      if (!at->first.starts_with(folder + "/")) break;
      if (is_gguf(at->first)) continue;
      expected.insert(at->first);
      if (!model.origin && has_ending(at->first, ".safetensors")) model.origin = at->second;
    }
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(model.path, error)) {
      const std::string name = entry.path().filename().string();
      std::error_code ignored;
      if (is_folder_file(name) && entry.is_regular_file(ignored)) expected.insert(below(folder, name));
    }
    take_files({expected.begin(), expected.end()}, model);
    if (!model.problem.empty()) return model;
    try {
      model.details = read_model_details(model.path);
      model.is_complete = true;
    } catch (const Error& fault) {
      model.problem = fault.what();
    }
    return model;
  }

  /// Which of the files are there, how much of them, and what is missing.
  void take_files(const std::vector<std::string>& expected, StoredModel& model) const {
    std::vector<std::string> missing;
    std::uint64_t part_bytes = 0;
    bool is_download = false;
    for (const auto& file : expected) {
      const fs::path path = root_ / file;
      std::error_code error;
      const auto size = fs::file_size(path, error);
      if (!error) {
        model.files.push_back(path);
        model.size += size;
        continue;
      }
      missing.push_back(file.substr(file.rfind('/') + 1));
      is_download = is_download || findings_.origins.contains(file);
      const auto part = fs::file_size(part_path(path), error);
      if (!error) part_bytes += part;
    }
    model.size += part_bytes;
    if (missing.empty()) return;
    const std::string names = missing.size() <= 3 ? join(missing, ", ") : cat(missing.size(), " files");
    model.problem = is_download ? cat("the download is not complete: ", names, " missing, ",
                                      readable_bytes(model.size), " there")
                                : cat(names, missing.size() == 1 ? " is missing" : " are missing");
  }

  static void name_them(std::vector<StoredModel>& models) {
    std::map<std::string, int> n_by_name;
    for (auto& model : models) {
      model.name =
          model.format == ModelFormat::gguf ? model_stem(model.id) : model.id.substr(model.id.rfind('/') + 1);
      ++n_by_name[ascii_lower(model.name)];
    }
    for (auto& model : models) {
      if (n_by_name[ascii_lower(model.name)] > 1) model.name = model.id;
    }
  }

  const fs::path& root_;
  Findings findings_;
};

std::string without_gguf(std::string name) {
  if (is_gguf(name)) name.resize(name.size() - 5);
  return name;
}

/// Whether somebody who says `wanted` (lower case, without ".gguf") may mean this model.
bool is_called(const StoredModel& model, const std::string& wanted) {
  const std::string id = ascii_lower(without_gguf(model.id));
  if (wanted == ascii_lower(without_gguf(model.name)) || wanted == id) return true;
  if (id.size() > wanted.size() && id.ends_with(wanted) && id[id.size() - wanted.size() - 1] == '/')
    return true;
  if (model.format != ModelFormat::gguf) return false;
  const auto slash = id.rfind('/');
  if (slash == std::string::npos) return false;
  const std::string folder = id.substr(0, slash);
  const std::string whole = cat(folder, "/", ascii_lower(model_stem(model.id)));
  const std::string with_type = cat(folder, ":", ascii_lower(quantization_in_name(model.id)));
  const std::string with_file = cat(folder, ":", id.substr(slash + 1));
  return wanted == whole || wanted == folder || wanted == folder.substr(folder.rfind('/') + 1) ||
         wanted == with_type || wanted == with_file;
}

bool is_at(const StoredModel& model, const fs::path& path) {
  std::error_code error;
  if (fs::equivalent(model.path, path, error)) return true;
  return std::any_of(model.files.begin(), model.files.end(), [&](const fs::path& file) {
    std::error_code ignored;
    return model.format == ModelFormat::gguf && fs::equivalent(file, path, ignored);
  });
}

}  // namespace

std::string_view model_format_name(ModelFormat format) noexcept {
  return format == ModelFormat::gguf ? "gguf" : "safetensors";
}

ModelStore::ModelStore(const std::filesystem::path& root) : root_(root.lexically_normal()) {
  if (!root_.has_filename() && root_.has_relative_path()) root_ = root_.parent_path();  // "models/"
}

std::vector<StoredModel> ModelStore::list() const {
  return Listing(root_, Walk(root_).run()).run();
}

StoredModel ModelStore::find(std::string_view name) const {
  auto models = list();
  const auto exact =
      std::find_if(models.begin(), models.end(), [&](const StoredModel& m) { return m.name == name; });
  if (exact != models.end()) return std::move(*exact);
  std::string wanted = ascii_lower(trim(name));
  if (wanted.starts_with("hf:")) wanted = wanted.substr(3, wanted.find('@') - 3);
  wanted = without_gguf(wanted);
  std::vector<StoredModel*> found;
  for (auto& model : models) {
    if (!wanted.empty() && is_called(model, wanted)) found.push_back(&model);
  }
  if (found.empty()) {
    for (auto& model : models) {
      if (is_at(model, fs::path(name))) found.push_back(&model);
    }
  }
  if (found.size() == 1) return std::move(*found.front());
  std::vector<std::string> names;
  for (const auto* model : found) names.push_back(model->name);
  if (!found.empty()) {
    throw InvalidArgument(cat("\"", name, "\" may be any of several models; name one: ", join(names, ", ")));
  }
  for (const auto& model : models) names.push_back(model.name);
  const auto nearest = nearest_names(name, names, 3);
  throw NotFound(cat("there is no model \"", sanitize_utf8(name), "\" in ", root_.string(),
                     !nearest.empty() ? cat("; did you mean ", join(nearest, ", "), "?")
                     : names.empty()  ? "; it is empty: quintet models pull hf:owner/repo"
                                      : "; quintet models list shows what there is"));
}

void ModelStore::remove(const StoredModel& model) const {
  // What the manifests above the model know of it, complete or not.
  std::set<fs::path> files(model.files.begin(), model.files.end());
  std::map<fs::path, std::vector<std::string>> entries;  // of manifests, by their folders
  const auto split = parse_split_name(model.id);
  const auto belongs = [&](const std::string& id) {
    if (model.format == ModelFormat::safetensors) return id.starts_with(model.id + "/") && !is_gguf(id);
    const auto other = parse_split_name(id);
    return id == model.id ||
           (split && other && other->stem == split->stem && other->n_files == split->n_files);
  };
  const fs::path own = model.format == ModelFormat::gguf ? model.path.parent_path() : model.path;
  for (fs::path folder = own;; folder = folder.parent_path()) {
    const std::string prefix = folder == root_ ? "" : folder.lexically_relative(root_).string();
    std::vector<ManifestFile> manifest;
    try {
      manifest = read_manifest(folder);
    } catch (const CorruptData&) {
      manifest.clear();  // its entries cannot be taken out; the files can be deleted all the same
    }
    for (const auto& file : manifest) {
      if (!belongs(below(prefix, file.path))) continue;
      files.insert(folder / file.path);
      entries[folder].push_back(file.path);
    }
    if (folder == root_ || !folder.has_relative_path() || folder == folder.parent_path()) break;
  }
  // First what may be refused.
  for (const auto& file : files) discard_part(file);
  for (const auto& file : files) {
    std::error_code error;
    fs::remove(file, error);
    if (error) throw Unavailable(cat("cannot delete ", file.string(), ": ", error.message()));
  }
  for (const auto& [folder, paths] : entries) forget(folder, paths);
  std::set<fs::path> folders{own};
  for (const auto& file : files) folders.insert(file.parent_path());
  for (auto at = folders.rbegin(); at != folders.rend(); ++at) remove_empty(*at);  // deeper ones first
}

void ModelStore::forget(const std::filesystem::path& folder, const std::vector<std::string>& paths) const {
  {
    const FolderLock lock(folder);
    auto manifest = read_manifest(folder);
    std::erase_if(manifest, [&](const ManifestFile& entry) {
      return std::find(paths.begin(), paths.end(), entry.path) != paths.end();
    });
    write_manifest(folder, manifest);
  }
  remove_empty(folder);
}

void ModelStore::remove_empty(std::filesystem::path folder) const {
  std::error_code error;
  while (folder != root_ && folder != folder.parent_path() && fs::remove(folder, error) && !error)
    folder = folder.parent_path();
}

}  // namespace quintet
