#include "apps/faq/import_readers.h"
namespace quintet::faq {
void import_text(std::string_view, ImportCollector&) {}
}  // namespace quintet::faq
