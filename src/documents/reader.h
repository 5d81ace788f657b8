#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>

#include "documents/document.h"
#include "documents/reader_process.h"

namespace quintet {

struct ReadOptions {
  std::string password;
  int max_pages = 20'000;
  std::uint64_t max_file_bytes = std::uint64_t{1} << 30;
  ReaderLimits limits;
  std::string pdf_reader;  // path of quintet-pdf; empty = find_pdf_reader()
};

/// Content decides, the name only where the content says nothing.
///   head  the file's first bytes, 1,024 if it has that many
bool is_pdf(std::string_view head, std::string_view name) noexcept;

/// Reads the file at `path` in a process of its own, within limits (reader_process.h). `name` is what a
/// person calls the file; it names the file in messages and decides nothing where the content is known.
///
/// Throws DocumentError, whose message begins with the name; NotFound and InvalidArgument where there is no
/// file to read (a folder, a device, a pipe); Cancelled; and what `sink` throws. On an error the pages that
/// `sink` was given are good.
void read_document(const std::filesystem::path& path, std::string_view name, const ReadOptions& options,
                   DocumentSink& sink, std::stop_token stop = {});

/// The same for a file that is open for reading; its position is not used and may be moved.
void read_document(int descriptor, std::string_view name, const ReadOptions& options, DocumentSink& sink,
                   std::stop_token stop = {});

}  // namespace quintet
