#include "serving/auth.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

std::string_view presented_key(const HttpRequest& request) {
  if (const auto authorization = request.headers.get("Authorization")) {
    constexpr std::string_view kBearer = "Bearer ";
    if (starts_with_ignoring_case(*authorization, kBearer))
      return trim(authorization->substr(kBearer.size()));
    return {};
  }
  return trim(request.headers.get("X-API-Key").value_or(""));
}

AuthResult refused(std::string problem) {
  return {false, {}, std::move(problem)};
}

constexpr std::string_view kVisitorPrefix = "visitor:";

bool is_visitor_name(std::string_view name) {
  return name.size() >= 16 && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
           return c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z');
         });
}

}  // namespace

bool is_visitor(std::string_view key_id) noexcept {
  return key_id.starts_with(kVisitorPrefix);
}

bool are_keys_required(const KeyStore* keys, const AuthPolicy& policy) {
  return policy.keys_required || (keys != nullptr && keys->has_active_keys());
}

Authenticator make_authenticator(const KeyStore* keys, const AuthPolicy& policy) {
  return [keys, policy](const HttpRequest& request) -> AuthResult {
    const std::string_view secret = presented_key(request);
    if (secret.empty()) {
      const bool keys_required = are_keys_required(keys, policy);
      const auto visitor = request.headers.get("X-Quintet-Visitor");
      if (visitor && (!keys_required || policy.visitors_may_chat)) {
        if (!is_visitor_name(*visitor))
          return refused("X-Quintet-Visitor must be 16 to 64 of A-Z, a-z, 0-9, '-' and '_'");
        return {true, {cat(kVisitorPrefix, *visitor), {"chat"}, ""}, ""};
      }
      if (keys_required)
        return refused(
            "this server needs a key: send 'Authorization: Bearer qn_…' (made by 'quintet keys create')");
      return {true, {"", {"admin"}, ""}, ""};
    }
    const auto key = keys ? keys->find(secret) : std::nullopt;
    if (!key) return refused("the key is not known here");
    if (key->revoked_at) return refused("the key was revoked");
    if (!key->is_active(now_ms())) return refused("the key has expired");
    return {true, {key->id, key->scopes, ""}, ""};
  };
}

bool is_loopback_address(std::string_view address) noexcept {
  return address.starts_with("127.") || address == "::1" || address == "[::1]" || address == "localhost";
}

void check_bind_policy(std::string_view address, bool has_keys) {
  if (has_keys || is_loopback_address(address)) return;
  throw InvalidArgument(cat("serve: the address ", address,
                            " can be reached from other machines, but there is no API key; make one with "
                            "'quintet keys create NAME', or bind to 127.0.0.1"));
}

}  // namespace quintet
