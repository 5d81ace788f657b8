#pragma once

#include <string>
#include <string_view>

#include "apps/faq/html_tree.h"

namespace quintet::faq {

/// schema.org questions with accepted answers, as JSON-LD or microdata. False when the page has none.
bool import_structured_data(HtmlNode* root, std::string_view page_url, std::string_view base_url,
                            const std::string& language, ImportCollector& collector);

}  // namespace quintet::faq
