#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace quintet {

/// The whole file. Throws NotFound, InvalidArgument (a directory, unreadable) or Exhausted (over
/// `max_bytes`).
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 30);

/// Replaces `path` as one step: readers see the old file or the new one, also after a crash. Throws
/// Unavailable naming the path and the system's reason; the old file is then untouched.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Creates `path` and its parents, readable by the owner alone. Throws Unavailable with the system's reason.
void make_private_directory(const std::filesystem::path& path);

/// The system's words for an errno value.
std::string errno_text(int error_number);

}  // namespace quintet
