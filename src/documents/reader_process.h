#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "documents/document.h"

namespace quintet {

/// What a reader process may take before it is ended. Time counts while the program waits for the reader, not
/// while the sink works.
struct ReaderLimits {
  std::chrono::milliseconds total_time = std::chrono::hours(1);  // a thousand scanned pages take half of it
  std::chrono::milliseconds page_time =
      std::chrono::seconds(120);                    // without a line; an empty one says "alive"
  std::size_t memory_bytes = std::size_t{1} << 30;  // resident
  std::size_t line_bytes = std::size_t{64} << 20;
  std::size_t output_bytes = std::size_t{8} << 30;
};

/// Where a reader finds what it is given; its arguments name these numbers.
inline constexpr int kReaderInputDescriptor = 3;
inline constexpr int kReaderPasswordDescriptor = 4;

struct ReaderCommand {
  std::vector<std::string> argv;  // argv[0] is the program's path
  int input = -1;                 // descriptor of the document, seen by the reader as kReaderInputDescriptor
  std::string password;  // not empty: can be read from kReaderPasswordDescriptor, and from nowhere else
  std::vector<std::string> environment = {"LC_ALL=C.UTF-8", "OMP_THREAD_LIMIT=1"};  // all of it
};

/// Starts a reader and hands what it says (document_json.h) to `sink` until it ends. It gets no descriptor
/// but the document, the password and its pipes, no environment but the command's, and a process group of its
/// own; it is gone when this returns or throws.
///
/// Throws DocumentError: what the reader reports itself; out_of_time and out_of_memory when a limit ended it;
/// crashed, with the last page and the signal, when it died or broke the protocol; too_large beyond
/// output_bytes or line_bytes; reader_missing when it cannot be started. Cancelled within 100 ms of
/// `stop`. What `sink` throws passes through.
void read_in_process(const ReaderCommand& command, const ReaderLimits& limits, DocumentSink& sink,
                     std::stop_token stop);

/// The path of quintet-pdf: beside the running program, else $QUINTET_PDF_WORKER, else in PATH. Throws
/// DocumentError (reader_missing) that says how to get it.
std::string find_pdf_reader();

}  // namespace quintet
