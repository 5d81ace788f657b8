#include "apps/faq/html_markdown.h"

#include <algorithm>
#include <vector>

#include "core/text.h"

namespace quintet::faq {

namespace {

constexpr int kMaxDepth = 48;

bool is_word(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_block_tag(std::string_view tag) {
  for (const std::string_view known :
       {"p",       "div",      "ul",         "ol",     "li",     "pre",    "blockquote", "table",   "dl",
        "dt",      "dd",       "h1",         "h2",     "h3",     "h4",     "h5",         "h6",      "hr",
        "section", "article",  "main",       "aside",  "header", "figure", "details",    "summary", "address",
        "form",    "fieldset", "body",       "html",   "tr",     "td",     "th",         "tbody",   "thead",
        "tfoot",   "caption",  "figcaption", "center", "footer", "hgroup"})
    if (tag == known) return true;
  return false;
}

bool holds_block(HtmlNode* node) {
  for (HtmlNode* at = first_child(node); at != nullptr; at = next_node(at, node))
    if (is_block_tag(tag_of(at))) return true;
  return false;
}

std::size_t longest_run(std::string_view text, char c) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char at : text) {
    run = at == c ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

/// White space collapsed as HTML does, across the border to what is there already.
void append_collapsed(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
    if (!space) {
      out += c;
    } else if (out.empty() || (out.back() != ' ' && out.back() != '\n')) {
      out += ' ';
    }
  }
}

/// Marks that are Markdown only at the start of a line: headings, quotes, lists, rules.
std::string escape_line_start(std::string_view line) {
  if (line.empty()) return {};
  const char c = line.front();
  const char next = line.size() > 1 ? line[1] : ' ';
  if (c == '#' || c == '>' || c == '=' || ((c == '-' || c == '+') && (next == ' ' || next == c)))
    return cat('\\', line);
  const auto digits = std::min(line.find_first_not_of("0123456789"), line.size());
  if (digits > 0 && digits < 10 && digits < line.size() && (line[digits] == '.' || line[digits] == ')') &&
      (digits + 1 == line.size() || line[digits + 1] == ' '))
    return cat(line.substr(0, digits), '\\', line.substr(digits));
  return std::string(line);
}

std::string indented(std::string_view text, std::size_t width) {
  const std::string pad(width, ' ');
  std::string out;
  for (const auto line : split(text, '\n')) {
    if (!out.empty()) out += '\n';
    if (!line.empty()) out += out.empty() ? "" : pad;
    out += line;
  }
  return out;
}

std::string code_span(std::string_view raw) {
  std::string text;
  append_collapsed(text, raw);
  const auto trimmed = trim(text);
  if (trimmed.empty()) return text.empty() ? "" : " ";
  const std::string fence(longest_run(trimmed, '`') + 1, '`');
  const bool pad = trimmed.front() == '`' || trimmed.back() == '`';
  return cat(fence, pad ? " " : "", trimmed, pad ? " " : "", fence);
}

class Converter {
 public:
  explicit Converter(std::string_view base_url) : base_url_(base_url) {}

  std::string convert(std::span<HtmlNode* const> nodes) {
    Blocks blocks;
    for (HtmlNode* node : nodes) add(node, blocks, 0);
    return finish(blocks);
  }

 private:
  struct Blocks {
    std::vector<std::string> done;
    std::string line;  // inline text not yet a paragraph
  };

  static void flush(Blocks& blocks) {
    std::string paragraph;
    for (const auto raw : split(trim(blocks.line), '\n')) {
      const auto line = trim(raw);
      if (!paragraph.empty()) paragraph += "\\\n";
      paragraph += escape_line_start(line);
    }
    // A break at the very end breaks nothing.
    while (paragraph.ends_with("\\\n")) paragraph.resize(paragraph.size() - 2);
    if (!paragraph.empty()) blocks.done.push_back(std::move(paragraph));
    blocks.line.clear();
  }

  static std::string finish(Blocks& blocks) {
    flush(blocks);
    return join(blocks.done, "\n\n");
  }

  std::string children(HtmlNode* node, int depth) {
    Blocks blocks;
    for (HtmlNode* child = first_child(node); child != nullptr; child = next_sibling(child))
      add(child, blocks, depth);
    return finish(blocks);
  }

  void add(HtmlNode* node, Blocks& blocks, int depth) {
    const auto tag = tag_of(node);
    if (tag.empty() || depth > kMaxDepth) {
      if (!is_furniture(node)) add_inline(node, blocks.line, depth);
      return;
    }
    if (is_furniture(node)) return;
    if (!is_block_tag(tag) && !holds_block(node)) {
      add_inline(node, blocks.line, depth);
      return;
    }
    flush(blocks);
    std::string block = block_of(node, tag, depth + 1);
    if (!trim(block).empty()) blocks.done.push_back(std::move(block));
  }

  std::string block_of(HtmlNode* node, std::string_view tag, int depth) {
    if (tag == "ul" || tag == "ol") return list(node, tag == "ol", depth);
    if (tag == "pre") return code_block(node);
    if (tag == "table") return table(node, depth);
    if (tag == "hr") return "---";
    if (tag == "blockquote") {
      const auto inner = children(node, depth);
      if (inner.empty()) return {};
      std::string out;
      for (const auto line : split(inner, '\n')) {
        if (!out.empty()) out += '\n';
        out += line.empty() ? ">" : cat("> ", line);
      }
      return out;
    }
    if (tag.size() == 2 && tag[0] == 'h' && tag[1] >= '1' && tag[1] <= '6') {
      const auto text = inline_children(node, depth);
      return text.empty() ? std::string{}
                          : cat(std::string(static_cast<std::size_t>(tag[1] - '0'), '#'), " ", text);
    }
    if (tag == "dt" || tag == "summary" || tag == "caption") {
      const auto text = inline_children(node, depth);
      return text.empty()                          ? std::string{}
             : text.find('*') == std::string::npos ? cat("**", text, "**")
                                                   : text;
    }
    return children(node, depth);
  }

  std::string inline_children(HtmlNode* node, int depth) {
    std::string out;
    for (HtmlNode* child = first_child(node); child != nullptr; child = next_sibling(child))
      add_inline(child, out, depth + 1);
    return std::string(trim(replace_all(std::move(out), "\n", " ")));
  }

  void add_inline(HtmlNode* node, std::string& out, int depth) {
    if (is_text(node)) {
      append_collapsed(out, escape_markdown(raw_text(node)));
      return;
    }
    const auto tag = tag_of(node);
    if (tag.empty() || is_furniture(node)) return;
    if (depth > kMaxDepth) {
      append_collapsed(out, cat(" ", escape_markdown(text_of(node)), " "));
    } else if (tag == "br") {
      while (out.ends_with(' ')) out.pop_back();
      if (!out.empty()) out += '\n';
    } else if (tag == "code" || tag == "kbd" || tag == "samp" || tag == "tt") {
      append_collapsed(out, code_span(text_of(node, true)));
    } else if (tag == "img") {
      append_collapsed(out, escape_markdown(attribute(node, "alt")));
    } else {
      std::string inner;
      for (HtmlNode* child = first_child(node); child != nullptr; child = next_sibling(child)) {
        const bool block = is_block_tag(tag_of(child));
        if (block) append_collapsed(inner, " ");
        add_inline(child, inner, depth + 1);
        if (block) append_collapsed(inner, " ");
      }
      if (tag == "strong" || tag == "b") {
        wrap(out, inner, "**");
      } else if (tag == "em" || tag == "i" || tag == "cite" || tag == "dfn" || tag == "var") {
        wrap(out, inner, "*");
      } else if (tag == "del" || tag == "s" || tag == "strike") {
        wrap(out, inner, "~~");
      } else if (tag == "a") {
        link(out, inner, attribute(node, "href"));
      } else {
        append_pieces(out, inner);
      }
    }
  }

  /// Text that has its line breaks already.
  static void append_pieces(std::string& out, std::string_view text) {
    if (!text.empty() && text.front() == ' ' && (out.empty() || out.back() == ' ' || out.back() == '\n'))
      text.remove_prefix(1);
    out += text;
  }

  /// Emphasis marks must touch the words, so white space moves outside.
  static void wrap(std::string& out, std::string_view inner, std::string_view mark) {
    const auto text = trim(inner);
    // Marks of two neighbours would run together, as in **a****b**.
    const bool nested = text.find(mark) != std::string_view::npos ||
                        text.find('\n') != std::string_view::npos ||
                        (out.ends_with(mark.front()) && !inner.starts_with(' '));
    if (text.empty() || nested) {
      append_pieces(out, inner);
      return;
    }
    if (inner.front() == ' ') append_pieces(out, " ");
    out += cat(mark, text, mark);
    if (inner.back() == ' ') out += ' ';
  }

  void link(std::string& out, std::string_view inner, const std::string& href) const {
    const auto target = resolve_link(href, base_url_);
    const auto text = trim(inner);
    if (!target || text.empty() || text.find('\n') != std::string_view::npos ||
        text.find("](") != std::string_view::npos) {
      append_pieces(out, inner);
      return;
    }
    std::string address;
    for (const char c : *target) {
      switch (c) {
        case ' ': address += "%20"; break;
        case '(': address += "%28"; break;
        case ')': address += "%29"; break;
        case '<': address += "%3C"; break;
        case '>': address += "%3E"; break;
        case '\\': address += "%5C"; break;
        case '\n':
        case '\r':
        case '\t': break;
        default: address += c;
      }
    }
    if (inner.front() == ' ') append_pieces(out, " ");
    out += cat("[", text, "](", address, ")");
    if (inner.back() == ' ') out += ' ';
  }

  std::string list(HtmlNode* node, bool ordered, int depth) {
    std::int64_t number = parse_int(attribute(node, "start")).value_or(1);
    if (number < 0 || number > 99'999'999) number = 1;
    std::vector<std::string> items;
    bool loose = false;
    for (HtmlNode* child = first_child(node); child != nullptr; child = next_sibling(child)) {
      if (is_text(child) || is_furniture(child)) continue;
      Blocks blocks;
      if (is_tag(child, "li")) {
        for (HtmlNode* at = first_child(child); at != nullptr; at = next_sibling(at))
          add(at, blocks, depth + 1);
      } else {
        add(child, blocks, depth + 1);  // a list put straight into a list, and other slips
      }
      flush(blocks);
      std::string text;
      for (const auto& block : blocks.done) {
        const bool is_list = block.starts_with("- ") || block.starts_with("1. ");
        if (!text.empty()) text += is_list && &block == &blocks.done[1] ? "\n" : "\n\n";
        text += block;
      }
      if (text.empty()) continue;
      const std::string mark = ordered ? cat(number++, ". ") : std::string("- ");
      items.push_back(mark + indented(text, mark.size()));
      loose = loose || items.back().find("\n\n") != std::string::npos;
    }
    return join(items, loose ? "\n\n" : "\n");
  }

  static std::string language_of(HtmlNode* pre) {
    for (HtmlNode* at : {pre, first_child(pre)}) {
      if (at == nullptr) continue;
      const std::string classes = attribute(at, "class");
      for (const std::string_view prefix : {"language-", "lang-"}) {
        const auto start = classes.find(prefix);
        if (start == std::string::npos) continue;
        const auto name = std::string_view(classes).substr(start + prefix.size());
        const auto end =
            std::min(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+#-"), name.size());
        return std::string(name.substr(0, end));
      }
    }
    return {};
  }

  static std::string code_block(HtmlNode* node) {
    const std::string raw = clean_text(text_of(node, true));
    std::string_view text = raw;
    while (text.starts_with('\n')) text.remove_prefix(1);
    while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty()) return {};
    const std::string fence(std::max<std::size_t>(3, longest_run(text, '`') + 1), '`');
    return cat(fence, language_of(node), "\n", text, "\n", fence);
  }

  std::string table(HtmlNode* node, int depth) {
    std::vector<std::vector<HtmlNode*>> rows;
    std::size_t n_columns = 0;
    bool is_layout = false;
    std::string caption;
    for (HtmlNode* at = first_child(node); at != nullptr;) {
      const auto tag = tag_of(at);
      if (tag == "tr") rows.emplace_back();
      if (tag == "caption") caption = block_of(at, tag, depth);
      if (tag == "td" || tag == "th") {
        if (rows.empty()) rows.emplace_back();
        rows.back().push_back(at);
        n_columns = std::max(n_columns, rows.back().size());
        for (HtmlNode* inner = first_child(at); inner != nullptr; inner = next_node(inner, at)) {
          const auto inner_tag = tag_of(inner);
          if (inner_tag == "table" || inner_tag == "pre" || inner_tag == "ul" || inner_tag == "ol")
            is_layout = true;
        }
      }
      at = next_node(at, node, tag == "td" || tag == "th" || tag == "caption");
    }
    if (is_layout || n_columns < 2) {
      Blocks blocks;
      for (const auto& row : rows)
        for (HtmlNode* cell : row)
          if (auto text = children(cell, depth + 1); !text.empty()) blocks.done.push_back(std::move(text));
      return finish(blocks);
    }
    const auto is_header_cell = [](HtmlNode* cell) { return is_tag(cell, "th"); };
    const bool has_header = std::all_of(rows.front().begin(), rows.front().end(), is_header_cell);
    std::string out = caption.empty() ? "" : caption + "\n\n";
    out += '|';
    for (std::size_t i = 0; i < n_columns; ++i) {
      const bool filled = has_header && i < rows.front().size();
      out += cat(" ", filled ? cell_text(rows.front()[i], depth) : "", " |");
    }
    out += "\n|";
    for (std::size_t i = 0; i < n_columns; ++i) out += " --- |";
    for (std::size_t r = has_header ? 1 : 0; r < rows.size(); ++r) {
      if (rows[r].empty()) continue;
      out += "\n|";
      for (HtmlNode* cell : rows[r]) out += cat(" ", cell_text(cell, depth), " |");
    }
    return out;
  }

  std::string cell_text(HtmlNode* cell, int depth) {
    std::string out;
    std::size_t n_backslashes = 0;  // an odd number escapes what follows
    for (const char c : inline_children(cell, depth)) {
      if (c == '|' && n_backslashes % 2 == 0) out += '\\';
      n_backslashes = c == '\\' ? n_backslashes + 1 : 0;
      out += c;
    }
    return out;
  }

  std::string_view base_url_;
};

}  // namespace

std::string escape_markdown(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char before = i > 0 ? text[i - 1] : ' ';
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    switch (c) {
      case '\\':
      case '`':
      case '*':
      case '[':
      case ']':
      case '<':
      case '$':  // pages that render maths take $...$ for it
        out += '\\';
        break;
      case '_':
        if (!is_word(before) || !is_word(next)) out += '\\';
        break;
      case '~':
        if (before == '~' || next == '~') out += '\\';
        break;
      case '&':
        if (is_word(next) || next == '#') out += '\\';
        break;
      default: break;
    }
    out += c;
  }
  return out;
}

std::string html_to_markdown(std::span<HtmlNode* const> nodes, std::string_view base_url) {
  return Converter(base_url).convert(nodes);
}

std::string html_to_markdown(std::string_view fragment, std::string_view base_url) {
  const HtmlDocument document(cat("<body>", fragment));
  if (document.root() == nullptr) return {};
  HtmlNode* const nodes[] = {document.root()};
  return html_to_markdown(nodes, base_url);
}

}  // namespace quintet::faq
