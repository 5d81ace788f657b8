#include "models/hf_dialect.h"

namespace quintet {

const HfSettings::Value* HfSettings::find(std::string_view key) const {
  const auto at = values_.find(key);
  return at == values_.end() ? nullptr : &at->second;
}

std::optional<std::int64_t> HfSettings::integer(std::string_view key) const {
  const Value* value = find(key);
  const auto* whole = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
  return whole == nullptr ? std::nullopt : std::optional(*whole);
}

void HfSettings::copy_integer(const JsonObject& config, std::string_view member, std::string_view key) {
  if (const auto value = get_int(config, member)) set(key, *value);
}
void HfSettings::copy_number(const JsonObject& config, std::string_view member, std::string_view key) {
  if (const auto value = get_double(config, member)) set(key, *value);
}
void HfSettings::copy_boolean(const JsonObject& config, std::string_view member, std::string_view key) {
  if (const auto value = get_bool(config, member)) set(key, *value);
}

}  // namespace quintet
