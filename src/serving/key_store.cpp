#include <array>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/text.h"
#include "serving/auth.h"

namespace quintet {
namespace {

constexpr std::array<Migration, 1> kMigrations = {{
    {"keys", 1, R"sql(
      CREATE TABLE api_keys (
        id           TEXT PRIMARY KEY,
        name         TEXT NOT NULL,
        hash         TEXT NOT NULL UNIQUE,  -- SHA-256 of the key, hexadecimal
        scopes       TEXT NOT NULL,         -- separated by spaces
        created_at   INTEGER NOT NULL,
        last_used_at INTEGER,
        expires_at   INTEGER,
        revoked_at   INTEGER
      ) STRICT;
      CREATE TABLE api_keys_revision (revision INTEGER NOT NULL) STRICT;  -- counts changes, for other processes
      INSERT INTO api_keys_revision VALUES (0);
    )sql"},
}};

/// last_used_at is for people who clean up: a minute is exact enough and spares the disk.
constexpr TimestampMs kUseResolutionMs = 60'000;

struct StoredKey {
  ApiKey key;
  std::string hash;  // raw SHA-256
};

/// Immutable once published.
struct Snapshot {
  std::int64_t revision = -1;
  std::unordered_map<std::string, StoredKey> by_hash;
};

std::string hash_of(std::string_view secret) {
  return sha256(secret);
}

std::string new_secret() {
  std::string text = base64_encode(random_bytes(32));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return "qn_" + text;
}

ApiKey read_key(const Statement& row) {
  ApiKey key;
  key.id = row.text(0);
  key.name = row.text(1);
  const std::string scopes = row.text(2);
  for (const std::string_view scope : split(scopes, ' ')) key.scopes.emplace_back(scope);
  key.created_at = row.integer(3);
  key.last_used_at = row.optional_integer(4);
  key.expires_at = row.optional_integer(5);
  key.revoked_at = row.optional_integer(6);
  return key;
}

constexpr std::string_view kColumns = "id, name, scopes, created_at, last_used_at, expires_at, revoked_at";

std::string hex_to_bytes(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

std::int64_t read_revision(Connection& connection) {
  Statement statement = connection.prepare("SELECT revision FROM api_keys_revision");
  return statement.step() ? statement.integer(0) : 0;
}

void count_change(Connection& connection) {
  connection.execute("UPDATE api_keys_revision SET revision = revision + 1");
}

}  // namespace

struct KeyStore::Impl {
  Impl(Database& database_in, const Options& options_in, Log& log_in)
      : database(database_in), options(options_in), log(log_in) {}

  Database& database;
  const Options options;
  Log& log;

  mutable std::mutex snapshot_mutex;
  std::shared_ptr<const Snapshot> snapshot = std::make_shared<Snapshot>();  // guarded by snapshot_mutex

  mutable std::mutex uses_mutex;
  std::unordered_map<std::string, TimestampMs> uses;  // by key id, not stored yet; guarded by uses_mutex
  std::unordered_map<std::string, TimestampMs>
      written;  // by key id, the last one stored; guarded by uses_mutex

  std::mutex wait_mutex;
  std::condition_variable_any stopped;
  std::jthread poller;  // last: it uses all of the above

  std::shared_ptr<const Snapshot> current() const {
    const std::lock_guard lock(snapshot_mutex);
    return snapshot;
  }

  void reload() {
    auto fresh = std::make_shared<Snapshot>();
    const std::int64_t known = current()->revision;
    bool changed = false;
    database.read([&](Connection& connection) {
      fresh->revision = read_revision(connection);
      changed = fresh->revision != known;
      if (!changed) return;
      Statement rows = connection.prepare(cat("SELECT ", kColumns, ", hash FROM api_keys"));
      while (rows.step()) {
        std::string hash = hex_to_bytes(rows.text(7));
        fresh->by_hash.emplace(hash, StoredKey{read_key(rows), hash});
      }
    });
    if (!changed) return;
    const std::lock_guard lock(snapshot_mutex);
    // Two reloads may race; the later revision stays.
    if (fresh->revision > snapshot->revision) snapshot = std::move(fresh);
  }

  void record_use(const std::string& id, TimestampMs now) {
    const std::lock_guard lock(uses_mutex);
    auto& last = written[id];
    if (now - last < kUseResolutionMs) return;
    last = now;
    uses[id] = now;
  }

  void store_uses() {
    std::unordered_map<std::string, TimestampMs> pending;
    {
      const std::lock_guard lock(uses_mutex);
      pending.swap(uses);
    }
    if (pending.empty()) return;
    database.write_later([pending = std::move(pending)](Connection& connection) {
      for (const auto& [id, time] : pending)
        connection.execute("UPDATE api_keys SET last_used_at = ? WHERE id = ?", time, id);
    });
  }

  void poll(std::stop_token stop) {
    std::unique_lock lock(wait_mutex);
    while (!stop.stop_requested()) {
      stopped.wait_for(lock, stop, options.reload_interval, [] { return false; });
      try {
        store_uses();
        if (!stop.stop_requested()) reload();
      } catch (const std::exception& error) {
        log.warning("cannot read the API keys; those read before stay in force", {{"error", error.what()}});
      }
    }
  }
};

std::span<const Migration> KeyStore::migrations() noexcept {
  return kMigrations;
}

KeyStore::KeyStore(Database& database, const Options& options, Log& log)
    : impl_(std::make_unique<Impl>(database, options, log)) {
  impl_->reload();
  impl_->poller = std::jthread([impl = impl_.get()](std::stop_token stop) { impl->poll(std::move(stop)); });
}

KeyStore::~KeyStore() = default;

KeyStore::Created KeyStore::create(const std::string& name, const std::vector<std::string>& scopes,
                                   std::optional<TimestampMs> expires_at) {
  if (trim(name).empty() || name.size() > 200 || find_invalid_utf8(name))
    throw InvalidArgument("keys create: the name must have 1 to 200 bytes of text");
  if (scopes.empty()) throw InvalidArgument("keys create: at least one scope is needed (chat, faq, admin)");
  for (const auto& scope : scopes)
    if (scope != "chat" && scope != "faq" && scope != "admin")
      throw InvalidArgument(cat("keys create: unknown scope '", scope, "'; known are chat, faq and admin"));
  Created created;
  created.secret = new_secret();
  created.key = {new_id("key_"), name, scopes, now_ms(), std::nullopt, expires_at, std::nullopt};
  const ApiKey& key = created.key;
  impl_->database.write([&](Connection& connection) {
    connection.execute(
        "INSERT INTO api_keys (id, name, hash, scopes, created_at, expires_at) VALUES (?,?,?,?,?,?)", key.id,
        key.name, hex_encode(hash_of(created.secret)), join(key.scopes, " "), key.created_at, key.expires_at);
    count_change(connection);
  });
  impl_->reload();
  return created;
}

void KeyStore::revoke(const std::string& id) {
  const std::string hash = hex_encode(hash_of(id));
  impl_->database.write([&](Connection& connection) {
    Statement row = connection.prepare("SELECT id FROM api_keys WHERE id = ? OR hash = ?");
    row.bind(id, hash);
    if (!row.step())
      throw NotFound(id.starts_with("qn_") ? std::string("keys revoke: this key is not known here")
                                           : cat("keys revoke: there is no key '", id, "'"));
    const std::string found = row.text(0);
    row.reset();
    connection.execute("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", now_ms(),
                       found);
    count_change(connection);
  });
  impl_->reload();
}

std::vector<ApiKey> KeyStore::list() const {
  std::vector<ApiKey> keys;
  impl_->database.read([&](Connection& connection) {
    Statement rows =
        connection.prepare(cat("SELECT ", kColumns, " FROM api_keys ORDER BY created_at DESC, id DESC"));
    while (rows.step()) keys.push_back(read_key(rows));
  });
  return keys;
}

bool KeyStore::has_active_keys() const {
  const TimestampMs now = now_ms();
  for (const auto& [hash, stored] : impl_->current()->by_hash)
    if (stored.key.is_active(now)) return true;
  return false;
}

std::optional<ApiKey> KeyStore::find(std::string_view secret) const {
  if (!secret.starts_with("qn_") || secret.size() > 100) return std::nullopt;
  const std::string hash = hash_of(secret);
  const auto snapshot = impl_->current();
  const auto found = snapshot->by_hash.find(hash);
  if (found == snapshot->by_hash.end() || !constant_time_equal(found->second.hash, hash)) return std::nullopt;
  impl_->record_use(found->second.key.id, now_ms());
  return found->second.key;
}

void KeyStore::reload() {
  impl_->reload();
}

}  // namespace quintet
