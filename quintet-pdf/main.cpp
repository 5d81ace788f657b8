#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include "core/files.h"
#include "core/text.h"
#include "documents/document_json.h"
#include "fitz.h"
#include "pdf_file.h"
#include "plain_layout.h"
#include "raw_json.h"

namespace quintet::pdf {

namespace {

void write_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  bool is_raw = false;
  std::string path;
  std::string password;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--raw")
      is_raw = true;
    else if (argument == "--password" && i + 1 < argc)
      password = argv[++i];
    else
      path = argument;
  }
  Fitz fitz(std::size_t{1} << 30);
  fz_context* context = fitz.get();
  try {
    Stream stream(nullptr, {context});
    guard(context, [&] { stream.reset(fz_open_file(context, path.c_str())); });
    PdfFile file(context, std::move(stream), password, {});
    DocumentLineWriter writer(write_line);
    if (!is_raw) writer.begin(file.info());
    for (int number = 1; number <= file.n_pages(); ++number) {
      const RawPage raw = file.page(number, nullptr);
      if (is_raw)
        write_line(raw_page_line(raw));
      else
        writer.page(plain_page(raw));
    }
    if (!is_raw) writer.end(file.warnings());
    return 0;
  } catch (const DocumentError& error) {
    write_line(error_line(error));
  } catch (const FitzError& error) {
    write_line(error_line(
        DocumentError(error.is_out_of_memory() ? DocumentFault::out_of_memory : DocumentFault::corrupt,
                      cat("reading a PDF: ", error.what()))));
  }
  return 3;
}

}  // namespace

}  // namespace quintet::pdf

int main(int argc, char** argv) {
  return quintet::pdf::run(argc, argv);
}
