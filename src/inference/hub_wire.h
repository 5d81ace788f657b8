#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// A model on a hub that speaks Hugging Face's API: "hf:owner/repo[:file][@revision]".
struct HubSource {
  std::string owner;
  std::string repo;
  std::string file;  // a path in the repository, or a weight type such as "q4_k_m"; empty = choose
  std::string revision = "main";  // branch, tag or commit

  std::string id() const { return owner + "/" + repo; }
  std::string text() const;  // as it is typed
};

/// Throws InvalidArgument that shows the form.
HubSource parse_hub_source(std::string_view text);

/// The same for an address of a repository or of a file in it as browsers show it
/// ("<endpoint>/owner/repo/blob/main/file.gguf"); nothing for any other.
std::optional<HubSource> hub_source_of_url(std::string_view url, std::string_view endpoint);

/// A file of a repository.
struct HubFile {
  std::string path;  // is_safe_relative_path
  std::uint64_t size = 0;
  std::string sha256;    // of files that Git LFS stores, else empty
  std::string git_sha1;  // of other files
};

/// One page of GET /api/models/{id}/tree/{revision}?recursive=true. Folders, and files whose path could lead
/// out of a folder, are left out. Throws CorruptData saying what is wrong.
std::vector<HubFile> parse_hub_tree(std::string_view body);

/// The target of rel="next" in a Link header (RFC 8288); nothing when there is none.
std::optional<std::string> next_page_link(std::string_view link_header);

/// Each part of a path percent-encoded, the slashes kept.
std::string encode_path(std::string_view path);

}  // namespace quintet
