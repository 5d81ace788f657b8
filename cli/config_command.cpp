#include <algorithm>
#include <iostream>

#include "commands.h"
#include "core/text.h"
#include "options_table.h"

namespace quintet::cli {

int show_config(const Options& options, bool as_json) {
  JsonArray rows;
  std::size_t name_width = 0;
  std::size_t value_width = 0;
  for (const auto& spec : options.table()) {
    name_width = std::max(name_width, spec.name.size());
    value_width = std::max(value_width, options.shown(spec).text.size());
  }
  value_width = std::min<std::size_t>(value_width, 40);
  for (const auto& spec : options.table()) {
    const auto shown = options.shown(spec);
    if (as_json) {
      rows.push_back(JsonObject{{"name", spec.name},
                                {"value", shown.text},
                                {"origin", shown.origin},
                                {"default", spec.is_secret ? "" : spec.default_value},
                                {"help", spec.help}});
      continue;
    }
    const auto padded = [](std::string text, std::size_t width) {
      if (text.size() < width) text.append(width - text.size(), ' ');
      return text;
    };
    std::cout << padded(std::string(spec.name), name_width) << " = "
              << padded(shown.text.empty() ? "(empty)" : shown.text, value_width) << "  " << shown.origin
              << '\n';
  }
  if (as_json) {
    std::cout << to_pretty_json(rows) << '\n';
  } else {
    std::cout << "\nData is kept in " << home_directory(options).string() << '\n';
  }
  return 0;
}

}  // namespace quintet::cli
