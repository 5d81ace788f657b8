#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "core/file_descriptor.h"
#include "core/files.h"
#include "core/text.h"
#include "documents/confine.h"
#include "documents/document_json.h"
#include "fitz.h"
#include "pdf_file.h"
#include "plain_layout.h"
#include "raw_json.h"

namespace quintet::pdf {

namespace {

constexpr int kUsageError = 2;
constexpr int kDocumentError = 3;

constexpr std::string_view kHelp =
    R"(quintet-pdf - reads a PDF and writes its pages as lines of JSON

usage: quintet-pdf [options] FILE

  --fd N            read the file that is open as descriptor N, instead of FILE
  --password-fd N   the file's password, read from descriptor N to its end
  --max-pages N     refuse files with more pages (20000)
  --memory-mb N     of memory for the document (1024)
  --seconds N       of processor time (3600)
  --raw             words, rules and pictures as they stand, before layout
  --help, --version

It gives up network, starting programs and writing files before it looks at the file. Ends with 0, with 3 when the
file cannot be read (the last line says why), with 2 when the options make no sense.
)";

struct Arguments {
  std::string path;
  std::optional<int> fd;
  std::optional<int> password_fd;
  int max_pages = PdfLimits{}.max_pages;
  int memory_mb = 1024;
  int seconds = 3600;
  bool is_raw = false;
};

struct UsageError {
  std::string message;
};

int count_of(std::string_view option, std::string_view text, std::int64_t low) {
  const auto value = parse_int(text);
  if (!value || *value < low || *value > 1'000'000)
    throw UsageError{cat(option, " takes a whole number from ", low, " to 1000000, not \"", text, "\"")};
  return static_cast<int>(*value);
}

/// Nothing when --help or --version was answered.
std::optional<Arguments> parse(const std::vector<std::string_view>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const auto count = [&](std::int64_t low) {
      if (i + 1 == words.size()) throw UsageError{cat(word, " needs a number")};
      return count_of(word, words[++i], low);
    };
    if (word == "--help" || word == "--version") {
      const std::string version = cat("quintet-pdf ", QN_VERSION, "\n");
      const std::string_view text = word == "--help" ? kHelp : std::string_view(version);
      std::fwrite(text.data(), 1, text.size(), stdout);
      return std::nullopt;
    }
    if (word == "--raw") {
      arguments.is_raw = true;
    } else if (word == "--fd") {
      arguments.fd = count(0);
    } else if (word == "--password-fd") {
      arguments.password_fd = count(0);
    } else if (word == "--max-pages") {
      arguments.max_pages = count(1);
    } else if (word == "--memory-mb") {
      arguments.memory_mb = count(16);
    } else if (word == "--seconds") {
      arguments.seconds = count(1);
    } else if (word.starts_with("-")) {
      throw UsageError{cat("there is no option ", word, "; see quintet-pdf --help")};
    } else if (arguments.path.empty()) {
      arguments.path = word;
    } else {
      throw UsageError{"more than one file is given"};
    }
  }
  if (arguments.path.empty() == !arguments.fd) throw UsageError{"expected a FILE, or --fd N"};
  return arguments;
}

std::string read_all(int fd) {
  constexpr std::size_t kMaxBytes = 4096;
  std::string text(kMaxBytes, '\0');
  std::size_t size = 0;
  while (size < kMaxBytes) {
    const ssize_t n = ::read(fd, text.data() + size, kMaxBytes - size);
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  return text;
}

void write_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void read(const Arguments& arguments, std::FILE* file, const std::string& password) {
  Fitz fitz(static_cast<std::size_t>(arguments.memory_mb) << 20);
  fz_context* context = fitz.get();
  Stream stream(nullptr, {context});
  guard(context, [&] { stream.reset(fz_open_file_ptr_no_close(context, file)); });
  PdfFile pdf(context, std::move(stream), password, {.max_pages = arguments.max_pages});
  DocumentLineWriter writer(write_line);
  if (!arguments.is_raw) writer.begin(pdf.info());
  for (int number = 1; number <= pdf.n_pages(); ++number) {
    const RawPage raw = pdf.page(number, nullptr);
    if (arguments.is_raw) {
      write_line(raw_page_line(raw));
    } else {
      writer.page(plain_page(raw));
    }
  }
  if (!arguments.is_raw) writer.end(pdf.warnings());
}

int run(const Arguments& arguments) {
  const FileDescriptor opened(arguments.fd ? *arguments.fd
                                           : ::open(arguments.path.c_str(), O_RDONLY | O_CLOEXEC));
  std::FILE* file = opened.get() < 0 ? nullptr : ::fdopen(::dup(opened.get()), "rb");
  if (file == nullptr) throw UsageError{cat("cannot open ", arguments.path, ": ", errno_text(errno))};
  const std::string password = arguments.password_fd ? read_all(*arguments.password_fd) : std::string();
  // MuPDF is held to its share by Fitz, which lets a page fail; this is the wall behind it.
  constexpr std::size_t kOwnBytes = std::size_t{512} << 20;
  ConfineLimits limits;
  limits.memory_bytes = (static_cast<std::size_t>(arguments.memory_mb) << 20) + kOwnBytes;
  limits.cpu_time = std::chrono::seconds(arguments.seconds);
  for (const std::string& missing : confine(limits).missing) std::fprintf(stderr, "%s\n", missing.c_str());
  int status = kDocumentError;
  try {
    read(arguments, file, password);
    status = 0;
  } catch (const DocumentError& error) {
    write_line(error_line(error));
  } catch (const FitzError& error) {
    const auto fault = error.is_out_of_memory() ? DocumentFault::out_of_memory : DocumentFault::corrupt;
    write_line(error_line(DocumentError(fault, cat("reading a PDF: ", error.what()))));
  } catch (const std::bad_alloc&) {
    write_line(error_line(DocumentError(DocumentFault::out_of_memory, "reading a PDF: no memory is left")));
  }
  std::fclose(file);
  return status;
}

}  // namespace

}  // namespace quintet::pdf

int main(int argc, char** argv) {
  try {
    const auto arguments = quintet::pdf::parse({argv + 1, argv + argc});
    return arguments ? quintet::pdf::run(*arguments) : 0;
  } catch (const quintet::pdf::UsageError& error) {
    std::fprintf(stderr, "quintet-pdf: %s\n", error.message.c_str());
  } catch (const quintet::Error& error) {
    std::fprintf(stderr, "quintet-pdf: %s\n", error.what());
  }
  return quintet::pdf::kUsageError;
}
