#include "serving/request_target.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace quintet {
namespace {

bool is_clean_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos && !find_invalid_utf8(text);
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  auto decoded = percent_decode(text, plus_is_space);
  if (!decoded || !is_clean_text(*decoded)) return std::nullopt;
  return decoded;
}

/// Cuts "http://host" off the absolute form, which proxies and RFC 9112 §3.2.2 allow.
bool take_authority(std::string_view& target, std::string& authority) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_ignoring_case(target, scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    authority = target.substr(0, end);
    target.remove_prefix(end);
    return !authority.empty() && authority.find('@') == std::string::npos;
  }
  return false;
}

}  // namespace

std::optional<QueryMap> parse_query(std::string_view query) {
  QueryMap map;
  if (query.empty()) return map;
  for (const std::string_view pair : split(query, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals), true);
    auto value = decode(equals < pair.size() ? pair.substr(equals + 1) : std::string_view(), true);
    if (!name || !value) return std::nullopt;
    map.insert_or_assign(std::move(*name), std::move(*value));
  }
  return map;
}

std::optional<RequestTarget> parse_request_target(std::string_view target) {
  RequestTarget result;
  if (target == "*") {
    result.is_asterisk = true;
    return result;
  }
  if (!target.starts_with('/') && !take_authority(target, result.authority)) return std::nullopt;
  const std::size_t question = std::min(target.find('?'), target.size());
  result.raw_path = target.substr(0, question);
  if (result.raw_path.empty()) result.raw_path = "/";
  if (result.raw_path.find('#') != std::string::npos) return std::nullopt;
  auto path = decode(result.raw_path, false);
  auto query = parse_query(question < target.size() ? target.substr(question + 1) : std::string_view());
  if (!path || !query) return std::nullopt;
  result.path = std::move(*path);
  result.query = std::move(*query);
  return result;
}

}  // namespace quintet
