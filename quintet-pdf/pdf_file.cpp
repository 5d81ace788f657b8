#include "pdf_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/text.h"
#include "page_device.h"
#include "page_text.h"
#include "pdf_catalog.h"

namespace quintet::pdf {

namespace {

constexpr int kMaxTreeDepth = 200;

struct TreeNode {
  pdf_obj* kids = nullptr;
  int next = 0;
};

DocumentError damaged(std::string_view what) {
  return DocumentError(DocumentFault::corrupt,
                       cat("reading a PDF: the file is damaged (", what,
                           "); opening and saving it again in a PDF viewer may repair it"));
}

}  // namespace

PdfFile::PdfFile(fz_context* context, Stream stream, const std::string& password, const PdfLimits& limits)
    : context_(context) {
  open(std::move(stream), password);
  find_pages(limits.max_pages);
  labels_ = page_labels(context_, document_.get(), n_pages());
}

void PdfFile::open(Stream stream, const std::string& password) {
  pdf_document* document = nullptr;
  try {
    guard(context_, [&] { document = pdf_open_document_with_stream(context_, stream.get()); });
  } catch (const FitzError& error) {
    if (error.is_out_of_memory()) throw;
    const std::string_view reason = error.what();
    if (reason.find("encryption") != std::string_view::npos)
      throw DocumentError(
          DocumentFault::unsupported,
          cat("reading a PDF: it is encrypted in a way that is not supported (", reason, ")"));
    throw damaged(reason);
  }
  document_ = PdfDocument(document, {context_});
  int needs_password = 0;
  int is_let_in = 1;
  guard(context_, [&] {
    needs_password = pdf_needs_password(context_, document);
    if (needs_password != 0) is_let_in = pdf_authenticate_password(context_, document, password.c_str());
  });
  if (is_let_in != 0) return;
  if (password.empty())
    throw DocumentError(DocumentFault::password_required,
                        "reading a PDF: it is encrypted and needs its password to be opened");
  throw DocumentError(DocumentFault::wrong_password, "reading a PDF: the password does not open it");
}

/// The pages that are really in the tree, whatever /Count says: a file may claim any number.
void PdfFile::find_pages(int max_pages) {
  pdf_obj* root = nullptr;
  int n_declared = 0;
  int n_found_objects = 0;
  bool is_too_many = false;
  std::vector<TreeNode> stack;
  std::set<int> seen;
  guard(context_, [&] {
    root = pdf_dict_getp(context_, pdf_trailer(context_, document_.get()), "Root/Pages");
    n_declared = pdf_dict_get_int(context_, root, PDF_NAME(Count));
    stack.push_back({pdf_dict_get(context_, root, PDF_NAME(Kids)), 0});
    while (!stack.empty()) {
      TreeNode& node = stack.back();
      if (node.next >= pdf_array_len(context_, node.kids)) {
        stack.pop_back();
        continue;
      }
      pdf_obj* kid = pdf_array_get(context_, node.kids, node.next++);
      const int number = pdf_to_num(context_, kid);
      pdf_obj* grandkids = pdf_dict_get(context_, kid, PDF_NAME(Kids));
      if (grandkids != nullptr) {
        if (number != 0 && !seen.insert(number).second) continue;  // a tree that bites its tail
        if (stack.size() < kMaxTreeDepth) stack.push_back({grandkids, 0});
        continue;
      }
      if (static_cast<int>(pages_.size()) == max_pages) {
        is_too_many = true;
        return;
      }
      if (pdf_is_dict(context_, kid) != 0) ++n_found_objects;
      pages_.push_back(number);
    }
  });
  if (is_too_many)
    throw DocumentError(DocumentFault::too_large,
                        cat("reading a PDF: it has more than ", max_pages, " pages; split it into parts"));
  int was_repaired = 0;
  guard(context_, [&] { was_repaired = pdf_was_repaired(context_, document_.get()); });
  if (n_found_objects == 0) {
    if (was_repaired != 0 || n_declared > 0 || !pages_.empty()) throw damaged("no page could be found in it");
    throw DocumentError(DocumentFault::empty, "reading a PDF: it has no pages");
  }
  if (was_repaired != 0)
    warnings_.push_back(
        "The file is damaged; it was repaired as far as possible and may lack pages or text.");
  if (n_declared == n_pages()) return;
  if (n_declared > n_pages())
    warnings_.push_back(cat("The file says that it has ", n_declared, " pages; it has ", n_pages(), "."));
  // MuPDF finds pages by the counts in the tree; a flat tree with the right count leads it to all of them.
  guard(context_, [&] {
    pdf_document* document = document_.get();
    pdf_obj* kids = pdf_new_array(context_, document, n_pages());
    fz_try(context_) {
      for (const int number : pages_) {
        if (number != 0)
          pdf_array_push_drop(context_, kids, pdf_new_indirect(context_, document, number, 0));
        else
          pdf_array_push(context_, kids, PDF_NULL);
      }
      pdf_dict_put(context_, root, PDF_NAME(Kids), kids);
      pdf_dict_put_int(context_, root, PDF_NAME(Count), n_pages());
    }
    fz_always(context_) {
      pdf_drop_obj(context_, kids);
    }
    fz_catch(context_) {
      fz_rethrow(context_);
    }
    document->linear_page_count = 0;
  });
}

DocumentInfo PdfFile::info() {
  DocumentInfo info;
  info.format = "pdf";
  info.unit = PageUnit::page;
  info.n_pages = n_pages();
  read_metadata(context_, document_.get(), info);
  std::map<int, int> page_of_object;
  for (int i = n_pages(); i > 0; --i) page_of_object[pages_[static_cast<std::size_t>(i - 1)]] = i;
  info.outline = outline_of(context_, document_.get(), n_pages(), [&](int object) {
    const auto found = page_of_object.find(object);
    return found == page_of_object.end() ? 0 : found->second;
  });
  return info;
}

PdfPage PdfFile::load(int number) {
  pdf_page* page = nullptr;
  guard(context_, [&] { page = pdf_load_page(context_, document_.get(), number - 1); });
  return PdfPage(page, {context_});
}

RawPage PdfFile::page(int number, fz_cookie* cookie) {
  RawPage raw;
  raw.number = number;
  if (!labels_.empty()) raw.label = labels_[static_cast<std::size_t>(number - 1)];
  try {
    read_text(number, raw, cookie);
  } catch (const FitzError& error) {
    raw.problem = error.is_out_of_memory()
                      ? std::string("This page needs more memory than is allowed.")
                      : cat("This page could not be read: ", sanitize_utf8(error.what()), ".");
  }
  return raw;
}

void PdfFile::read_text(int number, RawPage& raw, fz_cookie* cookie) {
  const PdfPage page = load(number);
  fz_rect bounds = fz_empty_rect;
  guard(context_, [&] { bounds = pdf_bound_page(context_, page.get()); });
  const fz_matrix to_origin = fz_translate(-bounds.x0, -bounds.y0);
  raw.width = bounds.x1 - bounds.x0;
  raw.height = bounds.y1 - bounds.y0;
  const Box area{0, 0, raw.width, raw.height};

  const fz_stext_options options{FZ_STEXT_PRESERVE_LIGATURES | FZ_STEXT_MEDIABOX_CLIP, 1};
  StextPage text(nullptr, {context_});
  Device text_device(nullptr, {context_});
  Device device(nullptr, {context_});
  PageMarks marks;
  std::string problem;
  guard(context_, [&] {
    fz_rect shown = {0, 0, raw.width, raw.height};
    text.reset(fz_new_stext_page(context_, shown));
    text_device.reset(fz_new_stext_device(context_, text.get(), &options));
    device.reset(new_page_device(context_, text_device.get(), &marks));
  });
  try {
    guard(context_, [&] { pdf_run_page_contents(context_, page.get(), device.get(), to_origin, cookie); });
  } catch (const FitzError& error) {
    // What was read before the damage is good.
    raw.problem = cat("Only a part of this page could be read: ", sanitize_utf8(error.what()), ".");
  }
  guard(context_, [&] {
    fz_close_device(context_, device.get());
    fz_close_device(context_, text_device.get());
  });
  raw.lines = lines_of(context_, *text, area, 0);
  raw.rules = std::move(marks.rules);
  raw.images = std::move(marks.images);
}

Pixmap PdfFile::render(int number, float dpi, std::size_t max_pixels, fz_cookie* cookie) {
  const PdfPage page = load(number);
  Pixmap pixmap(nullptr, {context_});
  Device device(nullptr, {context_});
  guard(context_, [&] {
    const fz_rect bounds = pdf_bound_page(context_, page.get());
    const float area = (bounds.x1 - bounds.x0) * (bounds.y1 - bounds.y0);
    const float largest = std::sqrt(static_cast<float>(max_pixels) / std::max(area, 1.0F));
    const float scale = std::min(dpi / 72, largest);
    const fz_matrix ctm = fz_concat(fz_translate(-bounds.x0, -bounds.y0), fz_scale(scale, scale));
    const fz_irect size = fz_round_rect(fz_transform_rect(bounds, ctm));
    pixmap.reset(fz_new_pixmap_with_bbox(context_, fz_device_gray(context_), size, nullptr, 0));
    fz_clear_pixmap_with_value(context_, pixmap.get(), 0xFF);
    device.reset(fz_new_draw_device(context_, fz_identity, pixmap.get()));
    pdf_run_page_contents(context_, page.get(), device.get(), ctm, cookie);
    fz_close_device(context_, device.get());
  });
  return pixmap;
}

}  // namespace quintet::pdf
