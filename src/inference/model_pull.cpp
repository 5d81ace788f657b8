#include "inference/model_pull.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "core/time.h"
#include "inference/hub_choice.h"
#include "inference/model_names.h"

namespace quintet {

namespace {

namespace fs = std::filesystem;

/// What to fetch, whatever the source.
struct Plan {
  fs::path folder;  // of the manifest
  std::vector<DownloadRequest> downloads;
  std::vector<ManifestFile> entries;  // one for each
};

bool is_url(std::string_view text) {
  return starts_with_ignoring_case(text, "http://") || starts_with_ignoring_case(text, "https://");
}

std::string checked_sha256(const std::string& given, std::size_t n_files) {
  const std::string sha256 = ascii_lower(trim(given));
  if (sha256.empty()) return sha256;
  if (sha256.size() != 64 || sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw InvalidArgument("a SHA-256 has 64 hexadecimal digits");
  if (n_files != 1)
    throw InvalidArgument(cat("a SHA-256 is of one file, but there are ", n_files, " to download"));
  return sha256;
}

Plan plan_of_hub(const ModelStore& store, const HubClient& hub, const HubSource& source,
                 const PullRequest& request, const std::stop_token& stop) {
  const auto files = choose_hub_files(source, hub.list_files(source, stop));
  const std::string commit = hub.find_commit(source, files.front().path, stop);
  const std::string sha256 = checked_sha256(request.sha256, files.size());
  Plan plan;
  plan.folder = store.root() / source.owner / source.repo;
  for (const HubFile& file : files) {
    DownloadRequest download;
    download.url = hub.file_url(source, file.path, commit);
    download.headers = hub.headers();
    download.path = plan.folder / file.path;
    download.size = file.size;
    download.sha256 = sha256.empty() ? file.sha256 : sha256;
    download.git_sha1 = file.git_sha1;
    ManifestFile entry;
    entry.path = file.path;
    entry.source = cat("hf:", source.id());
    entry.url = url_without_secrets(download.url);
    entry.revision = commit;
    entry.size = file.size;
    entry.sha256 = download.sha256;
    plan.downloads.push_back(std::move(download));
    plan.entries.push_back(std::move(entry));
  }
  return plan;
}

/// The URL of a file, and of all others when it is the part of a split model.
Plan plan_of_url(const ModelStore& store, const PullRequest& request) {
  const std::string url(trim(request.source));
  const std::string shown = url_without_secrets(url);
  if (!resolve_url(url, "")) throw InvalidArgument(cat(shown, " is not a URL"));
  const auto path_start = shown.find('/', shown.find("://") + 3);
  const std::string path = path_start == std::string::npos ? "" : shown.substr(path_start + 1);
  const auto name_start = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
  const std::string name = percent_decode(path.substr(name_start)).value_or("");
  if (!is_safe_relative_path(name) || name.find('/') != std::string::npos || name.starts_with('.') ||
      name.size() < 6 || !iequals_ascii(name.substr(name.size() - 5), ".gguf")) {
    throw InvalidArgument(cat("a URL must lead to a .gguf file, and this does not: ", shown,
                              "; whole repositories are written hf:owner/repo"));
  }
  const std::string host =
      replace_all(shown.substr(shown.find("://") + 3, path_start - shown.find("://") - 3), ":", "_");
  Plan plan;
  plan.folder = store.root() / host / model_stem(name);
  const auto split = parse_split_name(name);
  const std::size_t n_files = split ? split->n_files : 1;
  const std::string sha256 = checked_sha256(request.sha256, n_files);
  for (std::size_t i = 1; i <= n_files; ++i) {
    const std::string file = split ? split_name(split->stem, i, n_files) : name;
    DownloadRequest download;
    download.url = split ? replace_all(url, encode_path(name), encode_path(file)) : url;
    download.path = plan.folder / file;
    download.sha256 = sha256;
    ManifestFile entry;
    entry.path = file;
    entry.source = shown;
    entry.url = url_without_secrets(download.url);
    entry.sha256 = sha256;
    plan.downloads.push_back(std::move(download));
    plan.entries.push_back(std::move(entry));
  }
  return plan;
}

/// Before the first byte: what all files together still need.
void check_space(const Plan& plan) {
  std::uint64_t needed = 0;
  for (const auto& download : plan.downloads) {
    std::error_code error;
    if (fs::exists(download.path, error)) continue;
    const std::uint64_t wanted = download.size.value_or(0);
    const auto there = fs::file_size(part_path(download.path), error);
    needed += wanted - std::min(wanted, error ? 0 : static_cast<std::uint64_t>(there));
  }
  std::error_code error;
  fs::path folder = plan.folder;  // that exists
  while (!fs::exists(folder, error) && folder != folder.parent_path()) folder = folder.parent_path();
  const auto space = fs::space(folder.empty() ? "." : folder, error);
  if (error || space.available >= needed) return;
  throw Exhausted(cat("not enough disk space: ", readable_bytes(needed), " to download, ",
                      readable_bytes(space.available), " free in ", plan.folder.string(), ", so ",
                      readable_bytes(needed - space.available), " are missing"));
}

/// A pull that failed before its first byte leaves nothing behind.
void forget_if_nothing_came(const ModelStore& store, const Plan& plan) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < plan.downloads.size(); ++i) {
    std::error_code error;
    const fs::path& path = plan.downloads[i].path;
    if (fs::exists(path, error) || fs::exists(part_path(path), error)) return;
    paths.push_back(plan.entries[i].path);
  }
  store.forget(plan.folder, paths);
}

/// What an earlier pull has brought and nobody changed since, or nothing.
std::optional<ManifestFile> finished_entry(const std::vector<ManifestFile>& manifest,
                                           const ManifestFile& wanted, const fs::path& path) {
  for (const auto& entry : manifest) {
    if (entry.path != wanted.path || entry.downloaded_at.empty()) continue;
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error || (entry.size && *entry.size != size)) return std::nullopt;
    const bool is_same = !wanted.sha256.empty() ? entry.sha256 == wanted.sha256 : entry.url == wanted.url;
    if (is_same) return entry;
  }
  return std::nullopt;
}

}  // namespace

PullResult pull_model(const ModelStore& store, HttpClient& http, const HubSettings& settings,
                      const PullRequest& request, const PullObserver& observer, const std::stop_token& stop,
                      const DownloadPolicy& policy) {
  const HubClient hub(http, settings);
  std::optional<HubSource> source;
  if (!is_url(trim(request.source))) {
    source = parse_hub_source(request.source);
  } else {
    source = hub_source_of_url(trim(request.source), hub.settings().endpoint);
  }
  Plan plan = source ? plan_of_hub(store, hub, *source, request, stop) : plan_of_url(store, request);
  const auto manifest = ModelStore::read_manifest(plan.folder);
  PullResult result;
  result.n_files = plan.downloads.size();
  std::vector<bool> is_done(plan.downloads.size());
  std::vector<ManifestFile> pending;
  for (std::size_t i = 0; i < plan.downloads.size(); ++i) {
    if (const auto entry = finished_entry(manifest, plan.entries[i], plan.downloads[i].path)) {
      is_done[i] = true;
      result.bytes += entry->size.value_or(0);
    } else {
      pending.push_back(plan.entries[i]);
    }
  }
  if (!pending.empty()) {
    check_space(plan);
    store.record(plan.folder, pending);  // so that an interrupted pull is seen as one
  }
  for (std::size_t i = 0; i < plan.downloads.size(); ++i) {
    if (is_done[i]) continue;
    ManifestFile& entry = plan.entries[i];
    PullProgress progress;
    progress.file = plan.downloads[i].path.filename().string();
    progress.i_file = i;
    progress.n_files = plan.downloads.size();
    const auto report = [&](const DownloadProgress& download) {
      progress.download = download;
      if (observer) observer(progress);
    };
    DownloadResult done;
    try {
      done = download(http, plan.downloads[i], report, stop, policy);
    } catch (const HttpRefusal& refusal) {
      forget_if_nothing_came(store, plan);
      if (source) hub.throw_refusal(*source, entry.path, refusal.head(), refusal.body());
      throw;
    } catch (...) {
      forget_if_nothing_came(store, plan);
      throw;
    }
    entry.size = done.bytes;
    entry.sha256 = done.sha256;
    entry.downloaded_at = to_iso8601(now_ms());
    store.record(plan.folder, {entry});
    result.bytes += done.bytes;
    if (!done.was_there) result.transferred_bytes += done.bytes;
  }
  const fs::path& weights = plan.downloads.back().path;  // small files stand first
  const bool is_folder = !iequals_ascii(weights.extension().string(), ".gguf");
  for (auto& model : store.list()) {
    const bool is_it = is_folder
                           ? model.path == weights.parent_path()
                           : std::find(model.files.begin(), model.files.end(), weights) != model.files.end();
    if (is_it) result.model = std::move(model);
  }
  return result;
}

}  // namespace quintet
