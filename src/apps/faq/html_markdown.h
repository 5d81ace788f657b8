#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apps/faq/html_tree.h"

namespace quintet::faq {

/// The nodes (siblings or not, in document order) as Markdown that shows the same text: paragraphs, lists,
/// links, code, tables, quotes and emphasis; characters that Markdown would take for its own are escaped,
/// images become their alternative text. `base_url` completes links; links that lead nowhere from outside the
/// page keep their text. What nests deeper than 48 levels comes out as plain text.
std::string html_to_markdown(std::span<HtmlNode* const> nodes, std::string_view base_url);

/// The same for a piece of HTML in a string, as in schema.org's "text" members.
std::string html_to_markdown(std::string_view fragment, std::string_view base_url);

/// Literal text as Markdown.
std::string escape_markdown(std::string_view text);

}  // namespace quintet::faq
