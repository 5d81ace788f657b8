#include "documents/reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHeadBytes = 1024;  // where a PDF's header may begin (ISO 32000-1, annex H.3)

/// How the pictures begin that quintet-pdf opens.
bool is_picture(std::string_view head) noexcept {
  static constexpr std::string_view kBeginnings[] = {
      "\x89PNG\r\n\x1a\n"sv,       "\xff\xd8\xff"sv, "GIF87a"sv, "GIF89a"sv, "II*\0"sv, "MM\0*"sv,
      "\0\0\0\x0cjP  \r\n\x87\n"sv};
  if (std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                  [&](std::string_view beginning) { return head.starts_with(beginning); }))
    return true;
  if (head.size() >= 16 && head.starts_with("RIFF") && head.substr(8, 4) == "WEBP") return true;
  // "BM" alone begins many a text: the header's reserved bytes are zero and its size is one of the known
  // ones.
  return head.size() >= 18 && head.starts_with("BM") && head.substr(6, 4) == "\0\0\0\0"sv &&
         (head[14] == 12 || head[14] == 40 || head[14] == 52 || head[14] == 56 || head[14] == 64 ||
          head[14] == 108 || head[14] == 124) &&
         head.substr(15, 3) == "\0\0\0"sv;
}

/// What certainly is no PDF, whatever the name says.
bool is_known_flow(std::string_view head) noexcept {
  static constexpr std::string_view kBeginnings[] = {
      "PK\x03\x04"sv, "PK\x05\x06"sv,     "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv,
      "{\\rtf"sv,     "<!doctype html"sv, "<html"sv};
  while (!head.empty() && (head[0] == ' ' || head[0] == '\n' || head[0] == '\r' || head[0] == '\t'))
    head.remove_prefix(1);
  return std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                     [&](std::string_view beginning) { return starts_with_ignoring_case(head, beginning); });
}

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

std::string join_languages(const std::vector<std::string>& languages) {
  for (const std::string& language : languages)
    if (language.empty() || language.size() > 40 ||
        !std::all_of(language.begin(), language.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        }))
      throw InvalidArgument(
          cat("reading a document: \"", truncate_utf8(sanitize_utf8(language), 40),
              "\" is no language of Tesseract; expected names like \"eng\" or \"chi_sim\""));
  return languages.empty() ? "eng" : join(languages, "+");
}

std::int64_t in_seconds(std::chrono::milliseconds time) {
  return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(time).count());
}

ReaderCommand page_command(const ReadOptions& options) {
  ReaderCommand command;
  command.argv = {options.pdf_reader.empty() ? find_pdf_reader() : options.pdf_reader,
                  "--fd",
                  std::to_string(kReaderInputDescriptor),
                  "--ocr",
                  std::string(ocr_mode_name(options.ocr)),
                  "--languages",
                  join_languages(options.languages),
                  "--max-pages",
                  std::to_string(options.max_pages),
                  "--memory-mb",
                  std::to_string(options.limits.memory_bytes >> 20),
                  "--seconds",
                  std::to_string(in_seconds(options.limits.total_time)),
                  "--page-seconds",
                  std::to_string(in_seconds(options.limits.page_time / 3))};
  return command;
}

ReaderCommand flow_command(const ReadOptions& options, std::string_view name) {
  ReaderCommand command;
  std::error_code error;
  const std::string self = options.flow_reader.empty()
                               ? std::filesystem::read_symlink("/proc/self/exe", error).string()
                               : options.flow_reader;
  command.argv = {self,
                  "read-document",
                  "--fd",
                  std::to_string(kReaderInputDescriptor),
                  cat("--name=", shown_name(name)),  // one argument: a name may begin with "-"
                  "--memory-mb",
                  std::to_string(options.limits.memory_bytes >> 20),
                  "--seconds",
                  std::to_string(in_seconds(options.limits.total_time))};
  return command;
}

}  // namespace

std::string_view ocr_mode_name(OcrMode mode) noexcept {
  switch (mode) {
    case OcrMode::automatic: return "auto";
    case OcrMode::never: return "never";
    case OcrMode::always: return "always";
  }
  return "auto";
}

ReaderKind reader_kind(std::string_view head, std::string_view name) noexcept {
  head = head.substr(0, kHeadBytes);
  if (head.starts_with("%PDF-") || is_picture(head)) return ReaderKind::pages;
  if (is_known_flow(head)) return ReaderKind::flow;
  // A header may come after rubbish. A readable text that mentions "%PDF-" is a text, unless it is called a
  // PDF.
  if (ends_with_pdf(name)) return ReaderKind::pages;
  const std::size_t at = head.find("%PDF-");
  if (at == std::string_view::npos) return ReaderKind::flow;
  const bool is_text = std::all_of(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(at), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || byte == '\n' || byte == '\r' || byte == '\t';
  });
  return is_text ? ReaderKind::flow : ReaderKind::pages;
}

void read_document(const std::filesystem::path& path, std::string_view name, const ReadOptions& options,
                   DocumentSink& sink, std::stop_token stop) {
  // Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    const std::string message =
        cat("reading ", shown_name(name), ": it cannot be opened: ", errno_text(errno));
    if (errno == ENOENT) throw NotFound(message);
    throw InvalidArgument(message);
  }
  const struct Closer {
    int descriptor;
    ~Closer() { close(descriptor); }
  } closer{descriptor};
  read_document(descriptor, name, options, sink, std::move(stop));
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
    const ReaderKind kind = reader_kind({head.data(), static_cast<std::size_t>(n_head)}, name);
    ReaderCommand command = kind == ReaderKind::pages ? page_command(options) : flow_command(options, name);
    command.input = descriptor;
    command.password = options.password;
    if (!command.password.empty())
      command.argv.insert(command.argv.end(), {"--password-fd", std::to_string(kReaderPasswordDescriptor)});
    read_in_process(command, options.limits, sink, std::move(stop));
  } catch (const DocumentError& error) {
    std::string_view what = error.what();
    for (const std::string_view general :
         {"reading a document: "sv, "reading a PDF: "sv, "reading a picture: "sv})
      if (what.starts_with(general)) what.remove_prefix(general.size());
    const std::string named = cat("reading ", shown, ": ");
    throw DocumentError(error.fault(),
                        what.starts_with(named) ? std::string(what) : named + std::string(what));
  }
}

}  // namespace quintet
