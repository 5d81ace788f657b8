#include "serving/auth.h"

#include <cstdlib>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "core/log.h"
#include "core/text.h"

namespace quintet {
namespace {

class KeyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "quintet_keys_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    database = open();
  }
  void TearDown() override {
    database.reset();
    std::filesystem::remove_all(folder);
  }
  std::unique_ptr<Database> open() const {
    Database::Options options;
    options.path = folder / "quintet.db";
    return std::make_unique<Database>(options, KeyStore::migrations(), null_log());
  }

  std::filesystem::path folder;
  std::unique_ptr<Database> database;
};

HttpRequest request_with(std::string_view secret) {
  HttpRequest request;
  request.headers.add("Authorization", cat("Bearer ", secret));
  return request;
}

TEST_F(KeyStoreTest, MakesKeysThatAreKnownByTheirHashOnly) {
  KeyStore keys(*database, {}, null_log());
  EXPECT_FALSE(keys.has_active_keys());
  const auto created = keys.create("laptop", {"faq"});
  EXPECT_EQ(created.secret.size(), 3 + 43U);
  EXPECT_TRUE(created.secret.starts_with("qn_"));
  EXPECT_EQ(created.secret.find_first_of("+/="), std::string::npos);
  EXPECT_TRUE(keys.has_active_keys());
  const auto authenticate = make_authenticator(&keys, {.keys_required = true});
  const auto result = authenticate(request_with(created.secret));
  EXPECT_TRUE(result.is_accepted);
  EXPECT_EQ(result.caller.key_id, created.key.id);
  EXPECT_TRUE(result.caller.has_scope("faq"));
  EXPECT_FALSE(result.caller.has_scope("admin"));
  HttpRequest other;
  other.headers.add("X-API-Key", created.secret);
  EXPECT_TRUE(authenticate(other).is_accepted);
  EXPECT_FALSE(authenticate(request_with(created.secret + "x")).is_accepted);
  EXPECT_FALSE(authenticate(request_with("")).is_accepted);
  EXPECT_FALSE(authenticate(HttpRequest()).is_accepted);
  database->flush();
  database->read([&](Connection& connection) {
    auto rows = connection.prepare("SELECT id || name || hash || scopes FROM api_keys");
    ASSERT_TRUE(rows.step());
    EXPECT_EQ(rows.text(0).find(created.secret.substr(3)), std::string::npos);
  });
}

TEST_F(KeyStoreTest, RefusesRevokedAndExpiredKeys) {
  KeyStore keys(*database, {}, null_log());
  const auto authenticate = make_authenticator(&keys, {});
  const auto revoked = keys.create("revoked", {"admin"});
  const auto by_secret = keys.create("by secret", {"faq"});
  const auto expired = keys.create("expired", {"faq"}, now_ms() - 1);
  keys.revoke(revoked.key.id);
  keys.revoke(revoked.key.id);
  keys.revoke(by_secret.secret);
  EXPECT_THROW(keys.revoke("key_none"), NotFound);
  for (const auto& secret : {revoked.secret, by_secret.secret, expired.secret})
    EXPECT_FALSE(authenticate(request_with(secret)).is_accepted);
  EXPECT_FALSE(keys.has_active_keys());
  const auto list = keys.list();
  ASSERT_EQ(list.size(), 3U);
  for (const auto& key : list) EXPECT_EQ(key.revoked_at.has_value(), key.name != "expired");
}

TEST_F(KeyStoreTest, NoticesWhatAnotherProcessDoes) {
  KeyStore serving(*database, {.reload_interval = std::chrono::milliseconds(20)}, null_log());
  const auto other_database = open();
  KeyStore other(*other_database, {}, null_log());
  const auto created = other.create("made elsewhere", {"faq"});
  const auto is_known = [&] {
    const auto key = serving.find(created.secret);
    return key && !key->revoked_at;
  };
  for (int i = 0; i < 1000 && !is_known(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(is_known());
  other.revoke(created.key.id);
  for (int i = 0; i < 1000 && is_known(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(is_known());
}

TEST_F(KeyStoreTest, RemembersWhenAKeyWasUsed) {
  KeyStore keys(*database, {.reload_interval = std::chrono::milliseconds(10)}, null_log());
  const auto created = keys.create("used", {"faq"});
  EXPECT_FALSE(keys.list().front().last_used_at);
  keys.find(created.secret);
  for (int i = 0; i < 1000 && !keys.list().front().last_used_at; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(keys.list().front().last_used_at);
}

TEST_F(KeyStoreTest, SaysWhatIsWrongWithANewKey) {
  KeyStore keys(*database, {}, null_log());
  EXPECT_THROW(keys.create(" ", {"faq"}), InvalidArgument);
  EXPECT_THROW(keys.create("a", {}), InvalidArgument);
  EXPECT_THROW(keys.create("a", {"root"}), InvalidArgument);
}

TEST(Authenticator, AcceptsNobodyInParticularWhenNoKeyIsRequired) {
  const auto result = make_authenticator(nullptr, {})(HttpRequest());
  EXPECT_TRUE(result.is_accepted);
  EXPECT_EQ(result.caller.key_id, "");
  EXPECT_TRUE(result.caller.has_scope("admin"));
  EXPECT_FALSE(make_authenticator(nullptr, {})(request_with("qn_wrong")).is_accepted)
      << "a wrong key is a mistake worth telling";
}

TEST(Authenticator, LetsVisitorsChatWhereThePolicySaysSo) {
  HttpRequest request;
  request.headers.add("X-Quintet-Visitor", "0123456789abcdef");
  const auto result =
      make_authenticator(nullptr, {.keys_required = true, .visitors_may_chat = true})(request);
  EXPECT_TRUE(result.is_accepted);
  EXPECT_TRUE(is_visitor(result.caller.key_id));
  EXPECT_TRUE(result.caller.has_scope("chat"));
  EXPECT_FALSE(result.caller.has_scope("faq"));
  EXPECT_FALSE(make_authenticator(nullptr, {.keys_required = true})(request).is_accepted);
  request.headers.set("X-Quintet-Visitor", "short");
  EXPECT_FALSE(make_authenticator(nullptr, {})(request).is_accepted);
}

TEST(BindPolicy, AsksForAKeyBeyondLoopback) {
  for (const std::string_view address : {"127.0.0.1", "127.1.2.3", "::1", "localhost"})
    EXPECT_NO_THROW(check_bind_policy(address, false)) << address;
  for (const std::string_view address : {"0.0.0.0", "::", "192.168.1.5", ""}) {
    EXPECT_THROW(check_bind_policy(address, false), InvalidArgument) << address;
    EXPECT_NO_THROW(check_bind_policy(address, true)) << address;
  }
}

}  // namespace
}  // namespace quintet
