#include "apps/faq/import_readers.h"
namespace quintet::faq {
void import_html(std::string_view, std::string_view, ImportCollector&) {}
}  // namespace quintet::faq
