#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace quintet {

/// What a part of a download holds, as it stands in a JSON file beside it.
struct PartNote {
  std::string url;        // without what may be secret
  std::string validator;  // a strong ETag or a date of change; empty = none
  std::string sha256;     // of the whole file, when known
  std::string git_sha1;
  std::optional<std::uint64_t> size;  // of the whole file

  /// Nothing when it is absent or damaged.
  static std::optional<PartNote> read(const std::filesystem::path& path);
  /// Throws Unavailable.
  void write(const std::filesystem::path& path) const;
};

}  // namespace quintet
