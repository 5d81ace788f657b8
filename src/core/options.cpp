#include "core/options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <toml++/toml.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet {

namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};
constexpr Unit kDurationUnits[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kByteUnits[] = {{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1}};

/// A non-negative number with one of `units`; without a unit it counts `default_factor`. Nothing when
/// malformed.
std::optional<std::int64_t> parse_quantity(std::string_view text, std::span<const Unit> units,
                                           std::optional<std::int64_t> default_factor) {
  text = trim(text);
  const auto digits = text.find_first_not_of("0123456789");
  const auto number = parse_int(text.substr(0, digits));
  if (!number || *number < 0) return std::nullopt;
  const auto suffix = digits == std::string_view::npos ? std::string_view{} : trim(text.substr(digits));
  if (suffix.empty()) {
    if (*number == 0) return 0;
    if (!default_factor) return std::nullopt;
    return *number * *default_factor;
  }
  for (const auto& unit : units) {
    if (!iequals_ascii(suffix, unit.suffix)) continue;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(*number, unit.factor, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  return std::nullopt;
}

std::string_view expectation(OptionType type) {
  switch (type) {
    case OptionType::text: return "text";
    case OptionType::integer: return "a whole number";
    case OptionType::number: return "a number";
    case OptionType::boolean: return "true or false";
    case OptionType::duration: return "a duration such as 500ms, 10s, 5m or 2h";
    case OptionType::bytes: return "a size such as 64KB, 16MB or 1GB";
    case OptionType::text_list: return "a comma-separated list";
  }
  return "text";
}

bool is_valid(OptionType type, std::string_view text) {
  switch (type) {
    case OptionType::text:
    case OptionType::text_list: return true;
    case OptionType::integer: return parse_int(text).has_value();
    case OptionType::number: {
      const auto number = parse_double(text);
      return number && std::isfinite(*number);
    }
    case OptionType::boolean: return parse_boolean(text).has_value();
    case OptionType::duration: return parse_quantity(text, kDurationUnits, std::nullopt).has_value();
    case OptionType::bytes: return parse_quantity(text, kByteUnits, 1).has_value();
  }
  return false;
}

std::string toml_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return cat(number->get());
  if (const auto* number = node.as_floating_point()) return cat(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* array = node.as_array()) {
    std::vector<std::string> parts;
    for (const auto& element : *array) parts.push_back(toml_text(element));
    return join(parts, ",");
  }
  throw InvalidArgument("expected a string, number, boolean or list");
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::string environment_name(std::string_view option_name) {
  std::string name = "QUINTET_";
  for (const char c : option_name)
    name += c == '.' || c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return name;
}

std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> known) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

Options::Options(std::span<const OptionSpec> table) : table_(table) {
  for (const auto& row : table_) {
    QN_CHECK(is_valid(row.type, row.default_value));
    values_.emplace(std::string(row.name), Value{std::string(row.default_value), "default"});
  }
}

void Options::read_toml(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  toml::table root;
  try {
    root = toml::parse(content);
  } catch (const toml::parse_error& error) {
    throw InvalidArgument(cat(path.string(), " line ", error.source().begin.line, ", column ",
                              error.source().begin.column, ": ", error.description()));
  }
  const std::string file = path.filename().string();
  const auto read_table = [&](const auto& self, const std::string& prefix, const toml::table& table) -> void {
    for (const auto& [key, node] : table) {
      const std::string name = cat(prefix, key.str());
      if (const auto* inner = node.as_table()) {
        self(self, name + ".", *inner);
        continue;
      }
      const auto line = node.source().begin.line;
      try {
        if (const auto type = spec(name).type; node.is_array() && type != OptionType::text_list)
          throw InvalidArgument(cat("option ", name, " must be ", expectation(type), ", not a list"));
        set(name, toml_text(node), cat(file, " line ", line));
      } catch (const InvalidArgument& error) {
        throw InvalidArgument(cat(path.string(), " line ", line, ": ", error.what()));
      }
    }
  };
  read_table(read_table, "", root);
}

void Options::read_environment(const char* (*get)(const char*)) {
  for (const auto& row : table_) {
    for (const std::string& name : {std::string(row.environment), environment_name(row.name)}) {
      if (name.empty()) continue;
      const char* const text = get(name.c_str());
      if (text == nullptr) continue;
      // `NAME=` in a service file means "not given"; only a text can be given as empty.
      if (*text == '\0' && !is_valid(row.type, text)) continue;
      try {
        set(row.name, text, cat("environment ", name));
      } catch (const InvalidArgument& error) {
        throw InvalidArgument(cat("environment ", name, ": ", error.what()));
      }
    }
  }
}

void Options::set(std::string_view name, std::string_view text, std::string origin) {
  const OptionSpec& row = spec(name);
  if (!is_valid(row.type, text)) {
    throw InvalidArgument(cat("option ", name, " must be ", expectation(row.type),
                              row.is_secret ? "" : cat(", not \"", text, "\"")));
  }
  values_.find(name)->second = Value{std::string(text), std::move(origin)};
}

const OptionSpec& Options::spec(std::string_view name) const {
  const auto found =
      std::find_if(table_.begin(), table_.end(), [&](const auto& row) { return row.name == name; });
  if (found != table_.end()) return *found;
  std::vector<std::string> known;
  for (const auto& row : table_) known.emplace_back(row.name);
  const auto near = nearest_word(name, known);
  throw InvalidArgument(cat("there is no option ", name, near ? cat("; did you mean ", *near, "?") : "",
                            " (`quintet config` lists them)"));
}

const Options::Value& Options::value(std::string_view name, OptionType type) const {
  QN_CHECK(spec(name).type == type);
  return values_.find(name)->second;
}

std::string Options::text(std::string_view name) const {
  return value(name, OptionType::text).text;
}

std::optional<std::string> Options::text_if_set(std::string_view name) const {
  std::string found = text(name);
  if (found.empty()) return std::nullopt;
  return found;
}

std::int64_t Options::integer(std::string_view name) const {
  return *parse_int(value(name, OptionType::integer).text);
}
double Options::number(std::string_view name) const {
  return *parse_double(value(name, OptionType::number).text);
}
bool Options::boolean(std::string_view name) const {
  return *parse_boolean(value(name, OptionType::boolean).text);
}
std::int64_t Options::milliseconds(std::string_view name) const {
  return *parse_quantity(value(name, OptionType::duration).text, kDurationUnits, std::nullopt);
}
std::size_t Options::bytes(std::string_view name) const {
  return static_cast<std::size_t>(*parse_quantity(value(name, OptionType::bytes).text, kByteUnits, 1));
}

std::vector<std::string> Options::text_list(std::string_view name) const {
  std::vector<std::string> items;
  for (const auto part : split(value(name, OptionType::text_list).text, ','))
    if (const auto item = trim(part); !item.empty()) items.emplace_back(item);
  return items;
}

Options::Value Options::shown(const OptionSpec& row) const {
  Value copy = values_.find(row.name)->second;
  if (row.is_secret && !copy.text.empty()) {
    const bool long_enough = copy.text.size() >= 16;
    copy.text = cat("****", long_enough ? copy.text.substr(copy.text.size() - 4) : "");
  }
  return copy;
}

}  // namespace quintet
