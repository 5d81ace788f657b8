#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "apps/faq/html_markdown.h"
#include "apps/faq/html_structured_data.h"
#include "apps/faq/html_tree.h"
#include "apps/faq/import_readers.h"
#include "apps/faq/import_sections.h"
#include "apps/faq/markdown_text.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

int heading_level(const HtmlNode* node) noexcept {
  const auto tag = tag_of(node);
  return tag.size() == 2 && tag[0] == 'h' && tag[1] >= '1' && tag[1] <= '6' ? tag[1] - '0' : 0;
}

HtmlNode* child_named(HtmlNode* node, std::string_view tag) {
  for (HtmlNode* child = first_child(node); child != nullptr; child = next_sibling(child))
    if (is_tag(child, tag)) return child;
  return nullptr;
}

/// The dt and dd of a list, also when they are wrapped in div elements; the parser leaves a dt without end
/// tag open, so that the next one lies in it.
std::vector<HtmlNode*> terms_of(HtmlNode* list) {
  std::vector<HtmlNode*> terms;
  for (HtmlNode* at = first_child(list); at != nullptr;) {
    const bool is_term = is_tag(at, "dt") || is_tag(at, "dd");
    if (is_term) terms.push_back(at);
    at = next_node(at, list, !is_tag(at, "div") && !is_tag(at, "dt"));
  }
  return terms;
}

/// The id by which a heading can be linked to: its own, that of an anchor in it, or that of the section it
/// opens.
std::string anchor_of(HtmlNode* heading) {
  if (auto id = attribute(heading, "id"); !id.empty()) return id;
  for (HtmlNode* at = first_child(heading); at != nullptr; at = next_node(at, heading)) {
    if (auto id = attribute(at, "id"); !id.empty()) return id;
    if (auto name = attribute(at, "name"); is_tag(at, "a") && !name.empty()) return name;
  }
  HtmlNode* parent = parent_of(heading);
  for (int i = 0; i < 2 && parent != nullptr && !is_tag(parent, "body"); ++i, parent = parent_of(parent))
    if (auto id = attribute(parent, "id"); !id.empty()) return id;
  return {};
}

/// Headings often hold a button or a link that folds the answer away; their words are the title.
std::string title_of(HtmlNode* node) {
  std::string out;
  for (HtmlNode* at = first_child(node); at != nullptr;) {
    const bool skip = is_tag(at, "dt") || (!is_tag(at, "button") && is_furniture(at));
    if (is_text(at)) out += raw_text(at);
    if (is_tag(at, "br")) out += ' ';
    if (is_tag(at, "img")) out += attribute(at, "alt");
    at = next_node(at, node, skip);
  }
  std::string title = clean_line(out);
  for (const std::string_view permalink : {"\xC2\xB6", "#", "\xF0\x9F\x94\x97"})
    if (title.ends_with(permalink) && title.size() > permalink.size() + 1 &&
        (permalink != "#" || title[title.size() - 2] == ' '))
      title = std::string(trim(std::string_view(title).substr(0, title.size() - permalink.size())));
  return title;
}

/// Turns a page into sections: what is marked as structure (headings, details, definition lists of questions)
/// opens one, everything between belongs to the one before.
class PageReader {
 public:
  PageReader(HtmlNode* root, std::string page_url, std::string base_url)
      : root_(root), page_url_(std::move(page_url)), base_url_(std::move(base_url)) {}

  std::vector<Section> read() {
    survey();
    sections_.emplace_back();
    for (HtmlNode* at = root_; at != nullptr;) at = step(at);
    flush();
    return std::move(sections_);
  }

 private:
  /// Decides which details and definition lists hold questions, and marks everything that has structure below
  /// it.
  void survey() {
    std::vector<HtmlNode*> details;
    std::vector<HtmlNode*> lists;
    std::vector<HtmlNode*> headings;
    bool question_headings = false;
    std::size_t n_sub_headings = 0;
    for (HtmlNode* at = root_; at != nullptr;) {
      const bool skip = at != root_ && is_furniture(at);
      if (!skip) {
        if (heading_level(at) > 0) {
          const auto title = title_of(at);
          if (!title.empty()) {
            headings.push_back(at);
            question_headings = question_headings || reads_as_question(title);
            if (heading_level(at) > 1) ++n_sub_headings;
          }
        } else if (is_tag(at, "details") && child_named(at, "summary") != nullptr) {
          details.push_back(at);
        } else if (is_tag(at, "dl")) {
          lists.push_back(at);
        }
      }
      at = next_node(at, root_, skip);
    }
    std::size_t n_asking = 0;
    for (HtmlNode* at : details) n_asking += reads_as_question(text_of(child_named(at, "summary"))) ? 1 : 0;
    if (!details.empty() && (!question_headings || 2 * n_asking >= details.size()))
      for (HtmlNode* at : details) mark(at);
    for (HtmlNode* list : lists) {
      std::size_t n_terms = 0;
      std::size_t n_questions = 0;
      for (HtmlNode* term : terms_of(list)) {
        if (!is_tag(term, "dt")) continue;
        ++n_terms;
        n_questions += reads_as_question(text_of(term)) ? 1 : 0;
      }
      const bool is_all_there_is = n_sub_headings == 0 && details.empty();
      if (n_terms > 0 && (2 * n_questions >= n_terms || is_all_there_is)) mark(list);
    }
    for (HtmlNode* at : headings) mark(at);
  }

  void mark(HtmlNode* node) {
    structure_.insert(node);
    for (HtmlNode* at = parent_of(node); at != nullptr && containers_.insert(at).second;) at = parent_of(at);
  }

  /// Handles one node and gives the next.
  HtmlNode* step(HtmlNode* node) {
    if (structure_.contains(node)) {
      if (const int level = heading_level(node); level > 0) {
        begin(level, node, title_of(node), false);
        return next_node(node, root_, true);
      }
      if (is_tag(node, "details")) {
        add_details(node);
        return next_node(node, root_, true);
      }
      if (is_tag(node, "dl")) {
        add_list(node);
        return next_node(node, root_, true);
      }
    }
    if (node != root_ && is_furniture(node)) return next_node(node, root_, true);
    if (node == root_ || containers_.contains(node)) return next_node(node, root_);
    pending_.push_back(node);
    return next_node(node, root_, true);
  }

  void begin(int level, HtmlNode* node, std::string_view raw_title, bool is_entry) {
    flush();
    Section section;
    section.level = level;
    bool numbered = false;
    section.title = strip_number(raw_title, &numbered);
    section.is_numbered = numbered;
    section.is_entry = is_entry;
    section.heading = cat(std::string(static_cast<std::size_t>(std::min(level, 6)), '#'), " ",
                          escape_markdown(section.title));
    section.position = {line_of(node), 0};
    if (!page_url_.empty()) {
      const auto anchor = anchor_of(node);
      section.url = anchor.empty() ? page_url_ : cat(page_url_, "#", anchor);
    }
    sections_.push_back(std::move(section));
  }

  void add_details(HtmlNode* details) {
    HtmlNode* summary = child_named(details, "summary");
    begin(7, details, title_of(summary), true);
    for (HtmlNode* child = first_child(details); child != nullptr; child = next_sibling(child))
      if (child != summary) pending_.push_back(child);
    flush();
    resume_section(details);
  }

  void add_list(HtmlNode* list) {
    bool previous_is_question = false;
    for (HtmlNode* term : terms_of(list)) {
      if (is_tag(term, "dt")) {
        if (previous_is_question) {  // several ways to ask, one answer
          sections_.back().alternatives.push_back(title_of(term));
        } else {
          begin(7, term, title_of(term), true);
        }
        previous_is_question = true;
      } else {
        pending_.push_back(term);
        flush();
        previous_is_question = false;
      }
    }
    resume_section(list);
  }

  /// Text after a list of entries is none of the last entry's answer.
  void resume_section(HtmlNode* node) {
    flush();
    after_entry_ = node;
  }

  void flush() {
    if (!pending_.empty() && after_entry_ != nullptr) {
      pending_.clear();  // stray text between or after entries
    } else if (!pending_.empty()) {
      const auto text = html_to_markdown(pending_, base_url_);
      auto& body = sections_.back().body;
      if (!body.empty() && !text.empty()) body += "\n\n";
      body += text;
      pending_.clear();
    }
    after_entry_ = nullptr;
  }

  HtmlNode* root_;
  std::string page_url_;
  std::string base_url_;
  std::unordered_set<const HtmlNode*> structure_;   // opens a section
  std::unordered_set<const HtmlNode*> containers_;  // has structure below it
  std::vector<Section> sections_;
  std::vector<HtmlNode*> pending_;  // content of the current section
  HtmlNode* after_entry_ = nullptr;
};

/// What the page says of itself.
struct PageFacts {
  std::string language;
  std::string url;       // of the page, without fragment
  std::string base_url;  // for its links
};

PageFacts facts_of(HtmlNode* root, std::string_view given_url) {
  PageFacts facts;
  facts.language = attribute(root, "lang");
  if (facts.language.empty()) facts.language = attribute(root, "xml:lang");
  std::string canonical;
  std::string base;
  for (HtmlNode* at = root; at != nullptr; at = next_node(at, root)) {
    if (is_tag(at, "body")) break;
    if (is_tag(at, "link") && iequals_ascii(attribute(at, "rel"), "canonical"))
      canonical = attribute(at, "href");
    if (is_tag(at, "base")) base = attribute(at, "href");
  }
  facts.url = given_url;
  if (given_url.find("://") == std::string_view::npos)
    if (auto resolved = resolve_link(canonical, {})) facts.url = *resolved;
  facts.url = facts.url.substr(0, facts.url.find('#'));
  facts.base_url = resolve_link(base, facts.url).value_or(facts.url);
  return facts;
}

/// "basic-defs.en.html" → "en", as web servers choose between languages.
std::string language_of_name(std::string_view name) {
  name = name.substr(0, name.find_first_of("?#"));
  const auto extension = name.rfind('.');
  if (extension == std::string_view::npos || extension < 3) return {};
  const auto dot = name.rfind('.', extension - 1);
  if (dot == std::string_view::npos || extension - dot != 3) return {};
  const auto code = name.substr(dot + 1, 2);
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return std::all_of(code.begin(), code.end(), is_lower) ? std::string(code) : std::string{};
}

}  // namespace

void import_html(std::string_view bytes, std::string_view url, ImportCollector& collector) {
  const std::string text = decode_html(bytes, collector);
  const HtmlDocument document(text);
  if (document.root() == nullptr) {
    collector.error({0, 0}, "there is no HTML in this file");
    return;
  }
  auto facts = facts_of(document.root(), url);
  if (facts.language.empty()) facts.language = language_of_name(url);
  // A page that describes its questions for machines does it more exactly than its looks can.
  if (import_structured_data(document.root(), facts.url, facts.base_url, facts.language, collector)) return;
  auto sections = PageReader(document.root(), facts.url, facts.base_url).read();
  add_sections(sections, false, facts.language, collector);
}

}  // namespace quintet::faq
