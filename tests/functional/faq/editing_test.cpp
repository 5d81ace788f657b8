#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

class Editing : public ::testing::Test {
 protected:
  RunningServer server;
  TestClient& client = server.client();

  JsonObject entry(const std::string& id) {
    return expect_json(client.get(cat("/api/faq/kbs/shop/entries/", id)));
  }
  Response edit(const std::string& id, std::string_view answer, std::int64_t revision) {
    return client.put(cat("/api/faq/kbs/shop/entries/", id),
                      {{"question", "How do I return goods?"}, {"answer", answer}, {"revision", revision}});
  }
  JsonArray changes() { return array_of(expect_json(client.get("/api/faq/kbs/shop/history")), "changes"); }
  Response undo(const JsonObject& change) {
    return client.post(cat("/api/faq/kbs/shop/history/", int_of(change, "id"), "/undo"), {});
  }
};

TEST_F(Editing, AChangeAnswersAtOnce) {
  server.make_kb("shop");
  const auto id = server.add_entry("shop", "How do I return goods?", "By post.");
  EXPECT_EQ(text_of(server.ask("shop", "return goods"), "answer"), "By post.");
  expect_json(edit(id, "In the store.", 1));
  EXPECT_EQ(text_of(server.ask("shop", "return goods"), "answer"), "In the store.");
  EXPECT_EQ(client.remove(cat("/api/faq/kbs/shop/entries/", id, "?revision=2")).status, 204);
  EXPECT_TRUE(bool_of(server.ask("shop", "return goods"), "refused"));
}

TEST_F(Editing, TheLaterOfTwoEditorsSeesTheConflictAndNothingIsLost) {
  server.make_kb("shop");
  const auto id = server.add_entry("shop", "How do I return goods?", "By post.");
  expect_json(edit(id, "First editor.", 1));
  const auto conflict = expect_problem(edit(id, "Second editor.", 1), 409);
  EXPECT_EQ(text_of(conflict, "code"), "conflict");
  EXPECT_EQ(text_of(object_of(conflict, "current"), "answer"), "First editor.");
  EXPECT_EQ(text_of(entry(id), "answer"), "First editor.");
  const auto revision = int_of(object_of(conflict, "current"), "revision");
  expect_json(edit(id, "Second editor, who has read the first.", revision));
  EXPECT_EQ(client.remove(cat("/api/faq/kbs/shop/entries/", id, "?revision=1")).status, 409);
  EXPECT_EQ(client.remove(cat("/api/faq/kbs/shop/entries/", id, "?revision=", revision + 1)).status, 204);
  const auto deleted = expect_problem(edit(id, "Too late.", revision + 1), 409);
  EXPECT_TRUE(deleted.at("current").is_null());
}

TEST_F(Editing, HistoryKeepsBeforeAndAfterAndUndoes) {
  server.make_kb("shop");
  const auto id = server.add_entry("shop", "How do I return goods?", "By post.");
  expect_json(edit(id, "In the store.", 1));
  auto history = changes();
  ASSERT_EQ(history.size(), 2U);
  const JsonObject update = history[0].as_object();
  EXPECT_EQ(text_of(update, "kind"), "update");
  const JsonObject& changed = array_of(update, "entries")[0].as_object();
  EXPECT_EQ(text_of(object_of(changed, "before"), "answer"), "By post.");
  EXPECT_EQ(text_of(object_of(changed, "after"), "answer"), "In the store.");
  expect_problem(undo(history[1].as_object()), 409);  // a later change touched the entry

  expect_json(undo(update));
  EXPECT_EQ(text_of(entry(id), "answer"), "By post.");
  EXPECT_EQ(text_of(server.ask("shop", "return goods"), "answer"), "By post.");
  expect_problem(undo(update), 409);  // undone already
  history = changes();
  EXPECT_EQ(text_of(history[0].as_object(), "kind"), "undo");
  EXPECT_TRUE(bool_of(history[1].as_object(), "undone"));

  const auto revision = int_of(entry(id), "revision");
  EXPECT_EQ(client.remove(cat("/api/faq/kbs/shop/entries/", id, "?revision=", revision)).status, 204);
  expect_json(undo(changes()[0].as_object()));
  EXPECT_EQ(text_of(entry(id), "answer"), "By post.") << "a deleted entry comes back";
}

TEST_F(Editing, AWholeImportIsUndoneAsOne) {
  server.make_kb("shop");
  server.add_entry("shop", "How do I return goods?", "By post.");
  expect_json(client.upload("/api/faq/kbs/shop/import?mode=replace&format=csv",
                            "question,answer\nHow do I return goods?,Never.\nIs it new?,Yes.\n"));
  EXPECT_EQ(int_of(expect_json(client.get("/api/faq/kbs/shop")), "n_entries"), 2);
  expect_json(undo(changes()[0].as_object()));
  const auto kb = expect_json(client.get("/api/faq/kbs/shop"));
  EXPECT_EQ(int_of(kb, "n_entries"), 1);
  EXPECT_EQ(text_of(server.ask("shop", "return goods"), "answer"), "By post.");
}

TEST_F(Editing, LiveSearchRanksAndPages) {
  server.make_kb("shop");
  for (int i = 0; i < 30; ++i)
    server.add_entry("shop", cat("Question number ", i, "?"), cat("Plain answer ", i));
  server.add_entry("shop", "Where do I find the zebra?", "In the zoo.");
  const auto found = expect_json(client.get("/api/faq/kbs/shop/entries?query=zeb"));
  ASSERT_EQ(array_of(found, "entries").size(), 1U) << "the last word is a prefix";
  std::size_t n = 0;
  std::string cursor;
  do {
    const auto page = expect_json(client.get(cat("/api/faq/kbs/shop/entries?limit=7&cursor=", cursor)));
    n += array_of(page, "entries").size();
    EXPECT_EQ(int_of(page, "total"), 31);
    cursor = get_string(page, "next_cursor").value_or("");
  } while (!cursor.empty());
  EXPECT_EQ(n, 31U);
  for (const char* query : {"%22", "*", "NEAR(", "a%20AND", "-x", "%27", "question%3A"})
    EXPECT_EQ(client.get(cat("/api/faq/kbs/shop/entries?query=", query)).status, 200) << query;
}

TEST_F(Editing, AKnowledgeBaseIsRenamedAndDeleted) {
  server.make_kb("shop");
  server.add_entry("shop", "How do I return goods?", "By post.");
  EXPECT_EQ(text_of(expect_json(client.patch("/api/faq/kbs/shop", {{"title", "Our shop"}})), "title"),
            "Our shop");
  expect_problem(client.post("/api/faq/kbs", {{"name", "shop"}}), 409);
  EXPECT_EQ(client.remove("/api/faq/kbs/shop").status, 204);
  expect_problem(client.get("/api/faq/kbs/shop"), 404);
  expect_problem(client.post("/api/faq/kbs/shop/ask", {{"question", "return goods"}}), 404);
}

TEST_F(Editing, EverythingIsThereAfterARestart) {
  server.make_kb("shop");
  const auto id = server.add_entry("shop", "How do I return goods?", "By post.");
  const auto conversation = server.begin_conversation("shop");
  server.chat(conversation, "return goods");
  server.restart();
  const auto stored = expect_json(server.client().get(cat("/api/conversations/", conversation)));
  EXPECT_EQ(array_of(stored, "messages").size(), 2U);
  EXPECT_EQ(text_of(expect_json(server.client().get(cat("/api/faq/kbs/shop/entries/", id))), "answer"),
            "By post.");
  EXPECT_EQ(text_of(server.ask("shop", "return goods"), "answer"), "By post.");
}

}  // namespace
}  // namespace quintet::functional
