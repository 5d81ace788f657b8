#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "serving/http.h"
#include "storage/database.h"

namespace quintet {

class Log;

/// What an authenticator says about a request.
struct AuthResult {
  bool is_accepted = false;
  Caller caller;        // when accepted
  std::string problem;  // else: what to tell the client
};

/// Called on an I/O thread before the body is read: must not block.
using Authenticator = std::function<AuthResult(const HttpRequest&)>;

struct ApiKey {
  std::string id;  // names the key in lists and logs; not a secret
  std::string name;
  std::vector<std::string> scopes;  // "chat" < "faq" < "admin", each including the ones before
  TimestampMs created_at = 0;
  std::optional<TimestampMs> last_used_at;
  std::optional<TimestampMs> expires_at;
  std::optional<TimestampMs> revoked_at;
  bool is_active(TimestampMs now) const noexcept { return !revoked_at && (!expires_at || now < *expires_at); }
};

/// API keys: "qn_" + 256 random bits in base64url, of which only the SHA-256 is stored (a key is random, so a
/// fast hash is enough). Checks read an in-memory snapshot; a thread notices what another process changed and
/// writes back when keys were last used.
///
/// All methods may be called from any thread.
class KeyStore {
 public:
  struct Options {
    std::chrono::milliseconds reload_interval{1'000};
  };

  /// Steps for the component "keys"; pass them to Database.
  static std::span<const Migration> migrations() noexcept;

  KeyStore(Database& database, const Options& options, Log& log);
  ~KeyStore();
  KeyStore(const KeyStore&) = delete;
  KeyStore& operator=(const KeyStore&) = delete;

  struct Created {
    ApiKey key;
    std::string secret;  // shown once, never stored
  };
  /// Throws InvalidArgument for an empty name, a name over 200 bytes, no scope or an unknown scope.
  Created create(const std::string& name, const std::vector<std::string>& scopes,
                 std::optional<TimestampMs> expires_at = std::nullopt);
  /// `id` is a key's id or the whole key. Throws NotFound. Revoking again changes nothing.
  void revoke(const std::string& id);
  /// Newest first, revoked ones included.
  std::vector<ApiKey> list() const;
  bool has_active_keys() const;

  /// The key with this secret, whatever its state; records its use. A few microseconds.
  std::optional<ApiKey> find(std::string_view secret) const;

  /// Reads what other processes changed now rather than at the next interval.
  void reload();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct AuthPolicy {
  bool keys_required = false;      // even while no key exists; the first key makes them required anyway
  bool visitors_may_chat = false;  // without a key, where keys are required
};

/// "Authorization: Bearer qn_…", or "X-API-Key"; a key that is presented must be valid in any case. Without
/// one:
/// - with "X-Quintet-Visitor: <16 to 64 of A-Z a-z 0-9 - _>", which the widget draws at random for each
/// browser, the
///   caller is that visitor and may chat, seeing only the visitor's own conversations;
/// - otherwise the caller is the owner with every scope, unless keys are required.
/// `keys` may be null and outlives the result.
Authenticator make_authenticator(const KeyStore* keys, const AuthPolicy& policy);

/// Whether a request needs a key now.
bool are_keys_required(const KeyStore* keys, const AuthPolicy& policy);

/// True for the key_id of a caller without a key whom the header above named.
bool is_visitor(std::string_view key_id) noexcept;

/// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback_address(std::string_view address) noexcept;

/// Throws InvalidArgument when `address` can be reached from other machines although there is no key to ask
/// for.
void check_bind_policy(std::string_view address, bool has_keys);

}  // namespace quintet
