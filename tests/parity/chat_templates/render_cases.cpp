// Renders templates for compare.mjs: a JSON array of {"template", "variables", "now"} on standard input
// becomes an array of {"text"} or {"error"} on standard output.
#include <iostream>
#include <iterator>
#include <map>

#include "core/error.h"
#include "core/json.h"
#include "tokenizer/chat_template.h"

using namespace quintet;

namespace {

JsonObject render(const JsonObject& entry, std::map<std::string, ChatTemplate>& parsed) {
  JsonObject result;
  try {
    const auto source = require_string(entry, "template");
    auto at = parsed.find(source);
    if (at == parsed.end()) at = parsed.emplace(source, ChatTemplate::parse(source)).first;
    const auto* variables = get_object(entry, "variables");
    result["text"] =
        at->second.render_variables(variables != nullptr ? *variables : JsonObject(), get_int(entry, "now"));
  } catch (const Error& error) {
    result["error"] = error.what();
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--builtin") {
    JsonObject sources;
    for (const auto name : ChatTemplate::builtin_names()) {
      const auto builtin = ChatTemplate::builtin(name);
      sources[name] = builtin.source();
    }
    std::cout << to_json(sources) << '\n';
    return 0;
  }
  const std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  try {
    std::map<std::string, ChatTemplate> parsed;
    JsonArray results;
    const auto cases = parse_json(text, "cases");
    for (const auto& entry : cases.as_array())
      results.push_back(render(require_object(entry, "case"), parsed));
    std::cout << to_json(results) << '\n';
  } catch (const std::exception& error) {
    std::cerr << "render_cases: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
