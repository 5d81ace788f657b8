#pragma once

#include <cstddef>
#include <memory>
#include <mupdf/fitz.h>
#include <mupdf/pdf.h>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace quintet::pdf {

/// What MuPDF threw.
class FitzError : public std::runtime_error {
 public:
  FitzError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  bool is_out_of_memory() const noexcept { return code_ == FZ_ERROR_MEMORY; }

 private:
  int code_;
};

/// MuPDF's context with a limit on the memory that it may allocate: beyond it MuPDF throws, and the document
/// or the page fails instead of the process. Single-threaded.
class Fitz {
 public:
  /// Throws FitzError when there is no memory for it.
  explicit Fitz(std::size_t memory_limit_bytes);
  ~Fitz();
  Fitz(const Fitz&) = delete;
  Fitz& operator=(const Fitz&) = delete;

  fz_context* get() const noexcept { return context_; }

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
  fz_context* context_ = nullptr;
};

void guard_call(fz_context* context, void (*call)(void*), void* argument);

/// Runs `body`, which calls MuPDF, and turns what MuPDF throws into a FitzError.
///
/// MuPDF throws by longjmp, which skips destructors: between its calls `body` holds no object that has one.
/// What it makes it stores into variables of its caller. A C++ exception may leave `body`.
template <typename Body>
void guard(fz_context* context, Body&& body) {
  using Function = std::remove_reference_t<Body>;
  guard_call(
      context, [](void* argument) { (*static_cast<Function*>(argument))(); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

template <auto Drop>
struct Dropper {
  fz_context* context = nullptr;
  template <typename T>
  void operator()(T* object) const noexcept {
    Drop(context, object);
  }
};
template <typename T, auto Drop>
using Handle = std::unique_ptr<T, Dropper<Drop>>;

using Stream = Handle<fz_stream, fz_drop_stream>;
using StextPage = Handle<fz_stext_page, fz_drop_stext_page>;
using Device = Handle<fz_device, fz_drop_device>;
using Pixmap = Handle<fz_pixmap, fz_drop_pixmap>;
using Image = Handle<fz_image, fz_drop_image>;

inline void drop_pdf_document(fz_context* context, pdf_document* document) noexcept {
  pdf_drop_document(context, document);
}
inline void drop_pdf_page(fz_context* context, pdf_page* page) noexcept {
  fz_drop_page(context, reinterpret_cast<fz_page*>(page));
}
using PdfDocument = Handle<pdf_document, drop_pdf_document>;
using PdfPage = Handle<pdf_page, drop_pdf_page>;

}  // namespace quintet::pdf
