#include "serving/auth.h"

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

}  // namespace

Authenticator make_authenticator(const KeyStore* keys, bool keys_required) {
  return [keys, keys_required](const HttpRequest& request) -> AuthResult {
    const std::string_view secret = presented_key(request);
    if (secret.empty()) {
      if (keys_required)
        return refused(
            "this server needs a key: send 'Authorization: Bearer qn_…' (made by 'quintet keys create')");
      return {true, {"", {"faq", "admin"}, ""}, ""};
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
