#include "documents/reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHeadBytes = 1024;  // where a PDF's header may begin (ISO 32000-1, annex H.3)

bool ends_with_pdf(std::string_view name) noexcept {
  return name.size() >= 4 && iequals_ascii(name.substr(name.size() - 4), ".pdf");
}

/// The last part of a name as a message may show it.
std::string shown_name(std::string_view name) {
  const std::size_t slash = name.find_last_of('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string shown = sanitize_utf8(name);
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  constexpr std::size_t kMaxBytes = 120;
  const bool is_long = shown.size() > kMaxBytes;
  shown = std::string(truncate_utf8(shown, kMaxBytes));
  return shown.empty() ? "the document" : is_long ? shown + "…" : shown;
}

std::int64_t in_seconds(std::chrono::milliseconds time) {
  return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(time).count());
}

ReaderCommand command_for(const ReadOptions& options) {
  ReaderCommand command;
  command.argv = {options.pdf_reader.empty() ? find_pdf_reader() : options.pdf_reader,
                  "--fd",
                  cat(kReaderInputDescriptor),
                  "--max-pages",
                  cat(options.max_pages),
                  "--memory-mb",
                  cat(options.limits.memory_bytes >> 20),
                  "--seconds",
                  cat(in_seconds(options.limits.total_time))};
  command.password = options.password;
  if (!command.password.empty())
    command.argv.insert(command.argv.end(), {"--password-fd", cat(kReaderPasswordDescriptor)});
  return command;
}

}  // namespace

bool is_pdf(std::string_view head, std::string_view name) noexcept {
  head = head.substr(0, kHeadBytes);
  if (head.starts_with("%PDF-") || ends_with_pdf(name)) return true;
  // A header may come after rubbish. A readable text that mentions "%PDF-" is a text.
  const std::size_t at = head.find("%PDF-");
  return at != std::string_view::npos &&
         std::any_of(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(at), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
         });
}

void read_document(const std::filesystem::path& path, std::string_view name, const ReadOptions& options,
                   DocumentSink& sink, std::stop_token stop) {
  // Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) {
    const std::string message =
        cat("reading ", shown_name(name), ": it cannot be opened: ", errno_text(errno));
    if (errno == ENOENT) throw NotFound(message);
    throw InvalidArgument(message);
  }
  read_document(file.get(), name, options, sink, std::move(stop));
}

void read_document(int descriptor, std::string_view name, const ReadOptions& options, DocumentSink& sink,
                   std::stop_token stop) {
  const std::string shown = shown_name(name);
  struct stat status{};
  if (fstat(descriptor, &status) != 0)
    throw InvalidArgument(cat("reading ", shown, ": it is not open: ", errno_text(errno)));
  if (!S_ISREG(status.st_mode))
    throw InvalidArgument(cat("reading ", shown, ": expected a file, got ",
                              S_ISDIR(status.st_mode) ? "a folder" : "something that is no file"));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0) throw DocumentError(DocumentFault::empty, cat("reading ", shown, ": the file is empty"));
  if (size > options.max_file_bytes)
    throw DocumentError(DocumentFault::too_large,
                        cat("reading ", shown, ": the file has ", size >> 20, " MB; at most ",
                            options.max_file_bytes >> 20, " MB are read"));
  std::array<char, kHeadBytes> head{};
  const ssize_t n_head = pread(descriptor, head.data(), head.size(), 0);
  if (n_head < 0) throw InvalidArgument(cat("reading ", shown, ": ", errno_text(errno)));
  try {
    if (!is_pdf({head.data(), static_cast<std::size_t>(n_head)}, name))
      throw DocumentError(DocumentFault::unsupported, "it is no PDF, the only format that is read so far");
    ReaderCommand command = command_for(options);
    command.input = descriptor;
    read_in_process(command, options.limits, sink, std::move(stop));
  } catch (const DocumentError& error) {
    std::string_view what = error.what();
    for (const std::string_view general : {"reading a document: "sv, "reading a PDF: "sv})
      if (what.starts_with(general)) what.remove_prefix(general.size());
    const std::string named = cat("reading ", shown, ": ");
    throw DocumentError(error.fault(),
                        what.starts_with(named) ? std::string(what) : named + std::string(what));
  }
}

}  // namespace quintet
