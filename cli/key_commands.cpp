#include <iostream>

#include "commands.h"
#include "core/error.h"
#include "core/text.h"
#include "serving/auth.h"

namespace quintet::cli {

namespace {

/// "90d", "12h" from now on; nothing for "".
std::optional<TimestampMs> expiry(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const char unit = text.back();
  const auto number = parse_int(std::string_view(text).substr(0, text.size() - 1));
  if (!number || *number <= 0 || (unit != 'd' && unit != 'h'))
    throw InvalidArgument(cat("--expires takes days or hours such as 90d or 12h, not \"", text, "\""));
  return now_ms() + *number * (unit == 'd' ? 86'400'000 : 3'600'000);
}

std::string_view state_of(const ApiKey& key) {
  if (key.revoked_at) return "revoked";
  return key.is_active(now_ms()) ? "active" : "expired";
}

Json time_or_null(const std::optional<TimestampMs>& time) {
  return time ? Json(to_iso8601(*time)) : Json(nullptr);
}

JsonObject key_json(const ApiKey& key) {
  return {{"id", key.id},
          {"name", key.name},
          {"scopes", to_json_array(key.scopes)},
          {"state", state_of(key)},
          {"created_at", to_iso8601(key.created_at)},
          {"last_used_at", time_or_null(key.last_used_at)},
          {"expires_at", time_or_null(key.expires_at)},
          {"revoked_at", time_or_null(key.revoked_at)}};
}

}  // namespace

int keys_create(Application& app, const KeysCreateArguments& arguments) {
  KeyStore keys(app.database, {}, app.log);
  const auto created = keys.create(arguments.name, arguments.scopes, expiry(arguments.expires));
  if (arguments.as_json) {
    JsonObject object = key_json(created.key);
    object["key"] = created.secret;
    std::cout << to_json(object) << '\n';
  } else {
    std::cout << created.secret << '\n';
    std::cerr << "This key is shown once and stored only as a hash. Its id, for `quintet keys revoke`, is "
              << created.key.id << ".\n";
  }
  return 0;
}

int keys_list(Application& app, bool as_json) {
  KeyStore keys(app.database, {}, app.log);
  JsonArray rows;
  for (const auto& key : keys.list()) {
    rows.push_back(key_json(key));
    if (as_json) continue;
    std::cout << key.id << "\t" << state_of(key) << "\t" << join(key.scopes, ",") << "\t" << key.name << "\t"
              << (key.last_used_at ? cat("last used ", to_iso8601(*key.last_used_at)) : "never used") << '\n';
  }
  if (as_json) {
    std::cout << to_json(rows) << '\n';
  } else if (rows.empty()) {
    std::cout << "No keys. Make one: quintet keys create NAME\n";
  }
  return 0;
}

int keys_revoke(Application& app, const std::string& id) {
  KeyStore keys(app.database, {}, app.log);
  keys.revoke(id);
  std::cout << "Revoked. A running server refuses it within two seconds.\n";
  return 0;
}

}  // namespace quintet::cli
