#include "apps/faq/import_readers.h"
namespace quintet::faq {
void import_markdown(std::string_view, ImportCollector&) {}
}  // namespace quintet::faq
