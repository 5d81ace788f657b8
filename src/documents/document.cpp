#include "documents/document.h"

namespace quintet {
namespace {

ErrorCode code_of(DocumentFault fault) noexcept {
  switch (fault) {
    case DocumentFault::password_required:
    case DocumentFault::wrong_password: return ErrorCode::invalid_argument;
    case DocumentFault::corrupt:
    case DocumentFault::empty:
    case DocumentFault::crashed: return ErrorCode::corrupt_data;
    case DocumentFault::unsupported: return ErrorCode::unsupported;
    case DocumentFault::too_large:
    case DocumentFault::out_of_time:
    case DocumentFault::out_of_memory: return ErrorCode::exhausted;
    case DocumentFault::reader_missing: return ErrorCode::unavailable;
  }
  return ErrorCode::internal;
}

}  // namespace

std::string_view block_kind_name(BlockKind kind) noexcept {
  switch (kind) {
    case BlockKind::paragraph: return "paragraph";
    case BlockKind::heading: return "heading";
    case BlockKind::list_item: return "list_item";
    case BlockKind::table: return "table";
    case BlockKind::caption: return "caption";
    case BlockKind::footnote: return "footnote";
    case BlockKind::code: return "code";
    case BlockKind::page_header: return "page_header";
    case BlockKind::page_footer: return "page_footer";
  }
  return "paragraph";
}

std::string_view page_unit_name(PageUnit unit) noexcept {
  switch (unit) {
    case PageUnit::page: return "page";
    case PageUnit::slide: return "slide";
    case PageUnit::sheet: return "sheet";
    case PageUnit::chapter: return "chapter";
    case PageUnit::section: return "section";
  }
  return "page";
}

std::string_view document_fault_name(DocumentFault fault) noexcept {
  switch (fault) {
    case DocumentFault::password_required: return "password_required";
    case DocumentFault::wrong_password: return "wrong_password";
    case DocumentFault::corrupt: return "corrupt";
    case DocumentFault::empty: return "empty";
    case DocumentFault::unsupported: return "unsupported";
    case DocumentFault::too_large: return "too_large";
    case DocumentFault::out_of_time: return "out_of_time";
    case DocumentFault::out_of_memory: return "out_of_memory";
    case DocumentFault::crashed: return "crashed";
    case DocumentFault::reader_missing: return "reader_missing";
  }
  return "corrupt";
}

DocumentError::DocumentError(DocumentFault fault, const std::string& message)
    : Error(code_of(fault), message), fault_(fault) {}

}  // namespace quintet
