#pragma once

#include <cstdint>
#include <string_view>

#include "core/json.h"

namespace quintet {

/// Reads of a peer's JSON that may lack anything: a member of another type counts as absent. The views and
/// pointers live as long as the object.
inline std::string_view text_at(const JsonObject& object, std::string_view key) noexcept {
  const Json* member = object.if_contains(key);
  if (member == nullptr || !member->is_string()) return {};
  return std::string_view(member->get_string().data(), member->get_string().size());
}

inline const JsonObject* object_at(const JsonObject& object, std::string_view key) noexcept {
  const Json* member = object.if_contains(key);
  return member != nullptr ? member->if_object() : nullptr;
}

inline const JsonArray* array_at(const JsonObject& object, std::string_view key) noexcept {
  const Json* member = object.if_contains(key);
  return member != nullptr ? member->if_array() : nullptr;
}

/// Nothing also for negative and fractional numbers: it reads counts and indexes.
inline std::optional<std::int64_t> count_at(const JsonObject& object, std::string_view key) noexcept {
  const Json* member = object.if_contains(key);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  boost::json::error_code error;
  const auto value = member->to_number<std::int64_t>(error);
  if (error || value < 0) return std::nullopt;
  return value;
}

}  // namespace quintet
