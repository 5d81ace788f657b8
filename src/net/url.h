#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quintet {

/// "https://host:port" of a URL, without user, path and query; "(no scheme)" when it has none.
std::string url_origin(std::string_view url);

/// A URL as it may be shown and written down: without user and query, where signatures and keys stand.
std::string url_without_secrets(std::string_view url);

/// `reference` (absolute or relative) as seen from `base`, RFC 3986. Nothing when either is not a URL of http
/// or https.
std::optional<std::string> resolve_url(const std::string& base, const std::string& reference);

/// Scheme, host and port are the same, written or implied. False when one is not a URL.
bool is_same_origin(const std::string& a, const std::string& b);

}  // namespace quintet
