// Who may do what: keys, origins, addresses, rates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;

std::string make_key(const std::filesystem::path& folder, const std::string& scope) {
  const auto result = run_quintet(folder, {"keys", "create", cat("for ", scope), "--scope", scope});
  if (result.status != 0) throw std::runtime_error(result.err);
  return std::string(trim(result.out));
}

Fields bearer(const std::string& key) {
  return {{"Authorization", cat("Bearer ", key)}};
}

TEST(Access, AnOpenAddressNeedsAKey) {
  const ScratchFolder folder;
  const auto refused = run_quintet(folder.path(), {"serve", "--host", "0.0.0.0", "--port", "0"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("keys create"));
  const auto key = make_key(folder.path(), "faq");
  ServerProcess server(folder.path(), {"--host", "0.0.0.0"});
  TestClient client(server.port());
  expect_problem(client.get("/api/faq/kbs"), 401);
  expect_json(client.get("/api/faq/kbs", bearer(key)));
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_TRUE(bool_of(expect_json(client.get("/api/info")), "auth_required"));
}

TEST(Access, KeysOfARunningServer) {
  RunningServer server;
  const auto faq = make_key(server.folder().path(), "faq");
  const auto admin = make_key(server.folder().path(), "admin");
  server.restart();  // from now on there are keys, so one is needed
  auto& client = server.client();
  const auto nobody = client.get("/api/faq/kbs");
  expect_problem(nobody, 401);
  EXPECT_THAT(nobody.header("WWW-Authenticate"), HasSubstr("Bearer"));
  expect_problem(client.get("/api/faq/kbs", bearer("qn_wrong")), 401);
  expect_problem(client.get("/api/faq/kbs", {{"Authorization", "Basic YTpi"}}), 401);
  expect_json(client.get("/api/faq/kbs", bearer(faq)));
  expect_json(client.get("/api/faq/kbs", {{"X-API-Key", faq}}));
  expect_problem(client.get("/api/keys", bearer(faq)), 403);
  expect_json(client.get("/api/keys", bearer(admin)));

  const auto later = make_key(server.folder().path(), "faq");
  EXPECT_TRUE(eventually([&] { return client.get("/api/faq/kbs", bearer(later)).status == 200; }));
  EXPECT_EQ(server.command({"keys", "revoke", later}).status, 0);
  EXPECT_TRUE(eventually([&] { return client.get("/api/faq/kbs", bearer(later)).status == 401; }));
  EXPECT_EQ(server.process().log().find(admin), std::string::npos) << "no key in the log";
  EXPECT_EQ(client.get("/api/keys", bearer(admin)).body.find(admin), std::string::npos);
}

TEST(Access, ConversationsBelongToTheirKey) {
  RunningServer server;
  server.make_kb("shop");
  const auto anna = make_key(server.folder().path(), "faq");
  const auto ben = make_key(server.folder().path(), "faq");
  server.restart();
  auto& client = server.client();
  const auto made = expect_json(client.post("/api/conversations", {{"kb", "shop"}}, bearer(anna)), 201);
  const std::string path = cat("/api/conversations/", text_of(made, "id"));
  EXPECT_EQ(client.get(path, bearer(anna)).status, 200);
  expect_problem(client.get(path, bearer(ben)), 404);
  expect_problem(client.remove(path, bearer(ben)), 404);
  expect_problem(client.patch(path, {{"title", "mine"}}, bearer(ben)), 404);
}

TEST(Access, PagesOfOtherOriginsChangeNothing) {
  RunningServer server({"--set", "serve.allowed_origins=https://shop.example"});
  auto& client = server.client();
  const std::string own = server.process().url();
  const Fields evil{{"Origin", "https://evil.example"}};
  expect_problem(client.post("/api/faq/kbs", {{"name", "evil"}}, evil), 403);
  expect_problem(client.post("/api/faq/kbs", {{"name", "evil"}}, {{"Origin", "null"}}), 403);
  EXPECT_EQ(client.get("/api/faq/kbs", evil).header("Access-Control-Allow-Origin"), "");
  expect_json(client.post("/api/faq/kbs", {{"name", "own"}}, {{"Origin", own}}), 201);
  const auto friendly =
      client.post("/api/faq/kbs", {{"name", "friend"}}, {{"Origin", "https://shop.example"}});
  expect_json(friendly, 201);
  EXPECT_EQ(friendly.header("Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(client.get("/api/info").json().at("widget").as_object().at("allowed_origins").as_array().size(),
            1U);
  EXPECT_EQ(client.get("/api/faq/kbs/evil").status, 404);
}

TEST(Access, AForeignHostNameIsRefusedOnLoopback) {
  const RunningServer server;
  RawConnection connection(server.port());
  connection.send("GET /api/faq/kbs HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  EXPECT_EQ(read_response(connection).status, 421);
}

TEST(Access, TheRateIsLimitedPerClientAndSaid) {
  RunningServer server({"--set", "serve.requests_per_second=0.01", "--set", "serve.burst=3"});
  auto& client = server.client();
  for (int left = 2; left >= 0; --left) {
    const auto response = client.get("/api/faq/kbs");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("RateLimit-Limit"), "3");
    EXPECT_EQ(response.header("RateLimit-Remaining"), cat(left));
  }
  const auto refused = client.get("/api/faq/kbs");
  EXPECT_EQ(text_of(expect_problem(refused, 429), "code"), "exhausted");
  EXPECT_GE(parse_int(refused.header("Retry-After")).value_or(0), 1);
  EXPECT_GE(parse_int(refused.header("RateLimit-Reset")).value_or(0), 1);
  EXPECT_EQ(client.get("/healthz").status, 200) << "health checks are not limited";
}

TEST(Access, ASecondServerOnThePortSaysSo) {
  RunningServer first;
  const ScratchFolder folder;
  const auto second = run_quintet(folder.path(), {"serve", "--port", cat(first.port())});
  EXPECT_NE(second.status, 0);
  EXPECT_THAT(second.err, HasSubstr(cat(first.port())));
  EXPECT_THAT(second.err, ::testing::Not(HasSubstr("internal error")));
  EXPECT_EQ(first.client().get("/healthz").status, 200);
}

TEST(Access, TwoServersMayShareAHome) {
  RunningServer first;
  first.make_kb("shop");
  first.add_entry("shop", "How do I return goods?", "By post.");
  ServerProcess second(first.folder().path());
  TestClient client(second.port());
  const auto answer = expect_json(client.post("/api/faq/kbs/shop/ask", {{"question", "return goods"}}));
  EXPECT_EQ(text_of(answer, "answer"), "By post.");
}

}  // namespace
}  // namespace quintet::functional
