#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "apps/faq/import_readers.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet::faq {

namespace fs = std::filesystem;

namespace {

struct Source {
  fs::path path;
  std::string name;  // as it is shown, and what follows the base url
};

bool has_known_extension(const fs::path& path) {
  const auto extension = path.extension().string();
  return extension.size() > 1 && parse_format(extension.substr(1)).has_value();
}

void add_folder(const fs::path& folder, std::vector<Source>& sources, ImportCollector& collector) {
  constexpr std::size_t kMaxFiles = 100'000;
  std::error_code error;
  std::vector<Source> found;
  // Folders that are links are not followed, so this ends.
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored) || !has_known_extension(it->path())) continue;
    if (found.size() >= kMaxFiles) {
      collector.error({0, 0}, cat("more than ", kMaxFiles, " files; the rest is left out"));
      break;
    }
    found.push_back({it->path(), it->path().lexically_relative(folder).generic_string()});
  }
  if (error) collector.error({0, 0}, cat("cannot read the folder: ", error.message()));
  // "index.html" may be a link to "index.en.html": read the file under its own name.
  std::sort(found.begin(), found.end(), [](const Source& a, const Source& b) {
    const bool a_link = fs::is_symlink(a.path);
    const bool b_link = fs::is_symlink(b.path);
    return a_link != b_link ? b_link : a.name < b.name;
  });
  if (found.empty()) collector.warning({0, 0}, "the folder has no file of a known format");
  sources.insert(sources.end(), found.begin(), found.end());
}

std::string address_of(const std::string& name, std::string_view base_url) {
  if (base_url.empty()) return name;
  std::string url(base_url);
  if (!url.ends_with('/')) url += '/';
  for (const auto part : split(name, '/')) {
    if (!url.ends_with('/')) url += '/';
    url += percent_encode(part);
  }
  return url;
}

}  // namespace

ImportResult import_files(std::span<const fs::path> paths, const ImportLimits& limits,
                          std::string_view base_url) {
  ImportCollector collector(limits);
  std::vector<Source> sources;
  for (const auto& path : paths) {
    std::error_code error;
    const auto status = fs::status(path, error);
    collector.begin_file(path.string());
    if (!fs::exists(status)) {
      collector.error({0, 0}, "no such file or folder");
    } else if (fs::is_directory(status)) {
      add_folder(path, sources, collector);
    } else {
      sources.push_back({path, path.filename().string()});
    }
  }
  FaqFormat format = FaqFormat::json;
  bool is_first = true;
  std::set<fs::path> seen;
  for (const auto& source : sources) {
    if (collector.full()) break;
    std::error_code error;
    if (!seen.insert(fs::weakly_canonical(source.path, error)).second) continue;
    collector.begin_file(source.name);
    std::string content;
    try {
      content = read_file(source.path, limits.max_bytes);
    } catch (const Error& failure) {  // the other files are still worth having
      collector.error({0, 0}, failure.what());
      continue;
    }
    const auto file_format = detect_format(source.name, content);
    if (is_first) format = file_format;
    is_first = false;
    import_into(content, file_format, address_of(source.name, base_url), collector);
  }
  return collector.finish(format);
}

}  // namespace quintet::faq
