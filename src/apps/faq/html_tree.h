#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apps/faq/import_collector.h"

struct _xmlDoc;
struct _xmlNode;

namespace quintet::faq {

using HtmlNode = _xmlNode;

/// Bytes as UTF-8, by the byte order mark, else the charset a <meta> names, else UTF-8 if they are that, else
/// windows-1252. What had to be repaired is reported.
std::string decode_html(std::string_view bytes, ImportCollector& collector);

/// A parsed HTML page or fragment. The parser opens no file and no connection.
class HtmlDocument {
 public:
  explicit HtmlDocument(const std::string& utf8);
  HtmlNode* root() const noexcept { return root_; }  // null when there is nothing

 private:
  std::unique_ptr<_xmlDoc, void (*)(_xmlDoc*)> document_;
  HtmlNode* root_ = nullptr;
};

// Pages may nest as deep as they like, so every walk here is a loop.

/// The next node in document order below `root`, not entering `node` when `skip_children`; null at the end.
HtmlNode* next_node(HtmlNode* node, const HtmlNode* root, bool skip_children = false) noexcept;
HtmlNode* first_child(const HtmlNode* node) noexcept;
HtmlNode* next_sibling(const HtmlNode* node) noexcept;
HtmlNode* parent_of(const HtmlNode* node) noexcept;

bool is_text(const HtmlNode* node) noexcept;
/// Lower-case element name; empty for text, comments and the like.
std::string_view tag_of(const HtmlNode* node) noexcept;
bool is_tag(const HtmlNode* node, std::string_view tag) noexcept;
std::string_view raw_text(const HtmlNode* text) noexcept;
std::string attribute(const HtmlNode* node, const char* name);
bool has_class(const HtmlNode* node, std::string_view name);
std::size_t line_of(const HtmlNode* node) noexcept;

/// All text below, without scripts and styles; images give their alternative text. `verbatim` keeps white
/// space.
std::string text_of(HtmlNode* node, bool verbatim = false);

/// Scripts, navigation, form fields and the like: nothing a reader reads.
bool is_furniture(const HtmlNode* node);

/// Resolves `link` against `base`; nothing for a link that cannot stand alone (relative without base) or that
/// is no web, mail or telephone address.
std::optional<std::string> resolve_link(std::string_view link, std::string_view base);

}  // namespace quintet::faq
