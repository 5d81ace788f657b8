#include "apps/faq/html_tree.h"

#include <array>
#include <cstring>
#include <iconv.h>
#include <limits>

#include <libxml/HTMLparser.h>
#include <libxml/tree.h>
#include <libxml/uri.h>

#include "core/text.h"

namespace quintet::faq {

namespace {

std::string_view view(const xmlChar* text) noexcept {
  return text == nullptr ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(text));
}

/// Bytes 0x80 to 0x9F of windows-1252 (WHATWG Encoding, index windows-1252).
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

std::string from_windows_1252(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char raw : bytes) {
    const auto byte = static_cast<unsigned char>(raw);
    append_utf8(out, byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80] : byte);
  }
  return out;
}

/// Through the C library's converter; bytes it refuses become U+FFFD. Nothing when it does not know the
/// charset.
std::optional<std::string> from_charset(std::string_view bytes, const std::string& charset) {
  for (const char c : charset)
    if (std::strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.:", c) == nullptr) return std::nullopt;
  const iconv_t converter = iconv_open("UTF-8", charset.c_str());
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  const std::unique_ptr<void, int (*)(void*)> closer(converter, iconv_close);
  std::string out;
  std::array<char, 16384> buffer;
  std::string input(bytes);  // iconv's interface is not const
  char* from = input.data();
  std::size_t left = input.size();
  while (true) {
    char* to = buffer.data();
    std::size_t room = buffer.size();
    const bool done = iconv(converter, &from, &left, &to, &room) != static_cast<std::size_t>(-1);
    const int reason = done ? 0 : errno;
    out.append(buffer.data(), buffer.size() - room);
    if (done) break;
    if (reason == E2BIG) continue;
    out += "\xEF\xBF\xBD";
    if (reason == EINVAL || left == 0) break;
    ++from;
    --left;
  }
  return find_invalid_utf8(out) ? sanitize_utf8(out) : out;
}

/// The charset that a <meta> within the first 4 KB names, in lower case.
std::string declared_charset(std::string_view bytes) {
  const std::string head = ascii_lower(bytes.substr(0, 4096));
  for (std::size_t at = 0; (at = head.find("charset", at)) != std::string::npos; at += 7) {
    const auto tag = head.rfind('<', at);
    if (tag == std::string::npos ||
        (head.compare(tag, 5, "<meta") != 0 && head.compare(tag, 5, "<?xml") != 0))
      continue;
    auto value = head.find_first_not_of(" \t\n\r", at + 7);
    if (value == std::string::npos || head[value] != '=') continue;
    value = head.find_first_not_of(" \t\n\r\"'", value + 1);
    if (value == std::string::npos) continue;
    return head.substr(value, head.find_first_of(" \t\n\r\"';/>", value) - value);
  }
  return {};
}

}  // namespace

std::string decode_html(std::string_view bytes, ImportCollector& collector) {
  std::string text;
  const auto declared = declared_charset(bytes);
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    text = from_charset(bytes.substr(2), bytes.front() == '\xFF' ? "utf-16le" : "utf-16be").value_or("");
  } else if (bytes.starts_with("\xEF\xBB\xBF") || declared == "utf-8" || declared == "utf8") {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    if (const auto bad = find_invalid_utf8(bytes)) {
      collector.warning(
          position_at(bytes, *bad),
          "the page says that it is UTF-8, but is not here; such bytes were replaced by \xEF\xBF\xBD");
      text = sanitize_utf8(bytes);
    } else {
      text = bytes;
    }
  } else if (declared.empty() || declared == "iso-8859-1" || declared == "latin1" || declared == "us-ascii" ||
             declared == "windows-1252" || declared.starts_with("utf-16")) {
    // Browsers read the first three names as windows-1252, and never believe a <meta> that says UTF-16.
    const bool guess_utf8 = declared.empty() || declared.starts_with("utf-16");
    text = guess_utf8 && !find_invalid_utf8(bytes) ? std::string(bytes) : from_windows_1252(bytes);
  } else if (auto converted = from_charset(bytes, declared)) {
    text = std::move(*converted);
  } else {
    collector.warning({0, 0}, cat("the page names an unknown charset, \"", declared.substr(0, 40), '"'));
    text = find_invalid_utf8(bytes) ? from_windows_1252(bytes) : std::string(bytes);
  }
  if (const auto nul = text.find('\0'); nul != std::string::npos) {
    collector.warning(position_at(text, nul), "NUL bytes were removed");
    std::erase(text, '\0');
  }
  return text;
}

HtmlDocument::HtmlDocument(const std::string& utf8) : document_(nullptr, xmlFreeDoc) {
  if (utf8.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return;
  document_.reset(htmlReadMemory(utf8.data(), static_cast<int>(utf8.size()), nullptr, "UTF-8",
                                 HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                     HTML_PARSE_NONET | HTML_PARSE_COMPACT));
  if (document_) root_ = xmlDocGetRootElement(document_.get());
}

HtmlNode* first_child(const HtmlNode* node) noexcept {
  // An entity reference points at its declaration, which is not below it.
  return node->type == XML_ELEMENT_NODE ? node->children : nullptr;
}
HtmlNode* next_sibling(const HtmlNode* node) noexcept {
  return node->next;
}
HtmlNode* parent_of(const HtmlNode* node) noexcept {
  return node->parent != nullptr && node->parent->type == XML_ELEMENT_NODE ? node->parent : nullptr;
}

HtmlNode* next_node(HtmlNode* node, const HtmlNode* root, bool skip_children) noexcept {
  if (!skip_children)
    if (HtmlNode* child = first_child(node)) return child;
  while (node != nullptr && node != root) {
    if (node->next != nullptr) return node->next;
    node = node->parent;
  }
  return nullptr;
}

bool is_text(const HtmlNode* node) noexcept {
  return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}
std::string_view tag_of(const HtmlNode* node) noexcept {
  return node->type == XML_ELEMENT_NODE ? view(node->name) : std::string_view{};
}
bool is_tag(const HtmlNode* node, std::string_view tag) noexcept {
  return tag_of(node) == tag;
}
std::string_view raw_text(const HtmlNode* text) noexcept {
  return view(text->content);
}

std::string attribute(const HtmlNode* node, const char* name) {
  if (node->type != XML_ELEMENT_NODE) return {};
  xmlChar* value = xmlGetProp(node, reinterpret_cast<const xmlChar*>(name));
  std::string out(view(value));
  xmlFree(value);
  return out;
}

bool has_class(const HtmlNode* node, std::string_view name) {
  const std::string classes = attribute(node, "class");
  for (std::size_t at = 0; (at = classes.find(name, at)) != std::string::npos; ++at) {
    const bool starts = at == 0 || classes[at - 1] == ' ';
    const bool ends = at + name.size() == classes.size() || classes[at + name.size()] == ' ';
    if (starts && ends) return true;
  }
  return false;
}

std::size_t line_of(const HtmlNode* node) noexcept {
  const long line = xmlGetLineNo(node);
  return line > 0 ? static_cast<std::size_t>(line) : 0;
}

std::string text_of(HtmlNode* node, bool verbatim) {
  std::string out;
  if (is_text(node)) out = raw_text(node);
  for (HtmlNode* at = is_text(node) ? nullptr : first_child(node); at != nullptr;) {
    const auto tag = tag_of(at);
    const bool skip = tag == "script" || tag == "style" || tag == "template" || tag == "noscript";
    if (is_text(at)) out += raw_text(at);
    if (tag == "br") out += '\n';
    if (tag == "img") out += attribute(at, "alt");
    at = next_node(at, node, skip);
  }
  return verbatim ? out : clean_line(out);
}

bool is_furniture(const HtmlNode* node) {
  if (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE) return true;
  const auto tag = tag_of(node);
  if (tag.empty()) return false;
  for (const std::string_view known :
       {"script", "style",  "nav",   "noscript", "template", "iframe", "object", "embed",
        "svg",    "canvas", "input", "select",   "textarea", "button", "footer", "head",
        "link",   "meta",   "audio", "video",    "map",      "dialog"})
    if (tag == known) return true;
  if (node->properties == nullptr) return false;
  const auto role = attribute(node, "role");
  if (role == "navigation" || role == "search" || role == "contentinfo") return true;
  for (const std::string_view known : {"toc", "navheader", "navfooter", "navbar", "breadcrumb", "breadcrumbs",
                                       "headerlink", "sr-only", "anchor-link"})
    if (has_class(node, known)) return true;
  return false;
}

std::optional<std::string> resolve_link(std::string_view link, std::string_view base) {
  link = trim(link);
  if (link.empty() || link.size() > 4000) return std::nullopt;
  std::string resolved(link);
  const auto scheme_end = link.find_first_of(":/?#");
  const bool has_scheme = scheme_end != std::string_view::npos && link[scheme_end] == ':';
  if (!has_scheme) {
    if (base.find("://") == std::string_view::npos) return std::nullopt;
    xmlChar* built = xmlBuildURI(reinterpret_cast<const xmlChar*>(resolved.c_str()),
                                 reinterpret_cast<const xmlChar*>(std::string(base).c_str()));
    resolved = view(built);
    xmlFree(built);
  }
  for (const std::string_view scheme : {"http://", "https://", "mailto:", "tel:"})
    if (starts_with_ignoring_case(resolved, scheme)) return resolved;
  return std::nullopt;
}

}  // namespace quintet::faq
