#include "apps/faq/html_structured_data.h"

#include <vector>

#include "apps/faq/html_markdown.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

std::string_view text_member(const JsonObject& object, std::string_view key) {
  const Json* member = object.if_contains(key);
  return member != nullptr && member->is_string() ? std::string_view(member->get_string())
                                                  : std::string_view{};
}

bool has_type(const JsonObject& object, std::string_view name) {
  const Json* type = object.if_contains("@type");
  if (type == nullptr) return false;
  const auto matches = [&](const Json& value) {
    return value.is_string() &&
           (value.get_string() == name || std::string_view(value.get_string()).ends_with(cat("/", name)));
  };
  if (const auto* types = type->if_array())
    for (const auto& one : *types)
      if (matches(one)) return true;
  return matches(*type);
}

struct Context {
  std::string_view page_url;
  std::string_view base_url;
  const std::string& language;
  TextPosition position;
  ImportCollector& collector;
};

/// A question's text may hold markup and entities; a title is plain text.
std::string plain_text(std::string_view html) {
  if (html.find_first_of("<&") == std::string_view::npos) return std::string(html);
  const HtmlDocument document(cat("<body>", html));
  return document.root() == nullptr ? std::string(html) : text_of(document.root());
}

bool add_question(const JsonObject& question, const Context& context) {
  const Json* answer = question.if_contains("acceptedAnswer");
  if (answer == nullptr) answer = question.if_contains("suggestedAnswer");
  if (answer != nullptr && answer->is_array() && !answer->get_array().empty())
    answer = &answer->get_array().front();
  const auto name = text_member(question, "name");
  FoundEntry found{{}, context.position};
  found.entry.question = plain_text(name.empty() ? text_member(question, "text") : name);
  if (answer != nullptr && answer->is_object())
    found.entry.answer = html_to_markdown(text_member(answer->get_object(), "text"), context.base_url);
  found.entry.language = context.language;
  found.entry.url = context.page_url;
  if (const auto url = resolve_link(text_member(question, "url"), context.base_url)) found.entry.url = *url;
  context.collector.add(std::move(found));
  return true;
}

/// Questions anywhere in the value; parse_json bounds the depth.
bool find_questions(const Json& value, const Context& context) {
  bool found = false;
  if (const auto* array = value.if_array()) {
    for (const auto& element : *array) found = find_questions(element, context) || found;
  } else if (const auto* object = value.if_object()) {
    if (has_type(*object, "Question")) return add_question(*object, context);
    for (const auto& member : *object) found = find_questions(member.value(), context) || found;
  }
  return found;
}

bool read_json_ld(HtmlNode* root, Context context) {
  bool found = false;
  for (HtmlNode* at = root; at != nullptr; at = next_node(at, root)) {
    if (!is_tag(at, "script") || !iequals_ascii(trim(attribute(at, "type")), "application/ld+json")) continue;
    const std::string text = text_of(at, true);
    context.position = {line_of(at), 0};
    if (text.find("Question") == std::string::npos) continue;
    JsonFault fault;
    if (const auto json = try_parse_json(trim(text), &fault)) {
      found = find_questions(*json, context) || found;
    } else {
      context.collector.warning(context.position,
                                cat("the JSON-LD that begins here is not valid JSON: ", fault.reason));
    }
  }
  return found;
}

bool is_item(const HtmlNode* node, std::string_view type) {
  return attribute(node, "itemtype").ends_with(cat("schema.org/", type));
}

HtmlNode* property_below(HtmlNode* item, std::string_view name) {
  for (HtmlNode* at = first_child(item); at != nullptr; at = next_node(at, item))
    if (attribute(at, "itemprop") == name) return at;
  return nullptr;
}

bool read_microdata(HtmlNode* root, const Context& context) {
  bool found_any = false;
  for (HtmlNode* at = root; at != nullptr;) {
    const bool is_question = is_item(at, "Question");
    if (is_question) {
      HtmlNode* name = property_below(at, "name");
      HtmlNode* answer = property_below(at, "acceptedAnswer");
      HtmlNode* text = answer == nullptr ? nullptr : property_below(answer, "text");
      if (name != nullptr && answer != nullptr) {
        FoundEntry found{{}, {line_of(at), 0}};
        found.entry.question = is_tag(name, "meta") ? attribute(name, "content") : text_of(name);
        HtmlNode* const nodes[] = {text != nullptr ? text : answer};
        found.entry.answer = is_tag(nodes[0], "meta") ? escape_markdown(attribute(nodes[0], "content"))
                                                      : html_to_markdown(nodes, context.base_url);
        found.entry.language = context.language;
        found.entry.url = context.page_url;
        if (const auto id = attribute(at, "id"); !id.empty() && !context.page_url.empty())
          found.entry.url = cat(context.page_url, "#", id);
        context.collector.add(std::move(found));
        found_any = true;
      }
    }
    at = next_node(at, root, is_question);
  }
  return found_any;
}

}  // namespace

bool import_structured_data(HtmlNode* root, std::string_view page_url, std::string_view base_url,
                            const std::string& language, ImportCollector& collector) {
  const Context context{page_url, base_url, language, {0, 0}, collector};
  return read_json_ld(root, context) || read_microdata(root, context);
}

}  // namespace quintet::faq
