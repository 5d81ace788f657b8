#include <algorithm>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kScript = R"({"turns": [
  {"when": "slowly", "steps": [{"say": "One step after the other, calmly. [E1]", "delta_characters": 2, "delay_ms": 10}]},
  {"when": "for ever", "steps": [{"say": "It begins like this"}, {"stall": true}]},
  {"when": "fail early", "steps": [{"fail": {"code": "unavailable", "message": "the model is away"}}]},
  {"when": "break", "steps": [{"say": "Half of it"}, {"fail": {"code": "unavailable", "message": "cut"}}]},
  {"when": "invent", "steps": [{"say": "Something that no entry says."}]},
  {"when": "give up", "steps": [{"say": "NO_ANSWER"}]},
  "Press the button. [E1]"]})";

class Conversations : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<RunningServer>(std::vector<std::string>{}, kScript);
    server->make_kb("car");
    entry = server->add_entry("car", "How do I start the engine?", "Press the **green** button.",
                              {"engine start"});
    server->add_entry("car", "How long is the warranty?", "Three years.");
  }
  static void TearDownTestSuite() { server.reset(); }
  static std::unique_ptr<RunningServer> server;
  static std::string entry;

  static std::string messages_path(const std::string& conversation, const std::string& message,
                                   std::string_view what) {
    return cat("/api/conversations/", conversation, "/messages/", message, "/", what);
  }
  static JsonObject read(const std::string& conversation) {
    return expect_json(server->client().get(cat("/api/conversations/", conversation)));
  }
  static JsonObject last_message(const std::string& conversation) {
    return array_of(read(conversation), "messages").back().as_object();
  }
};
std::unique_ptr<RunningServer> Conversations::server;
std::string Conversations::entry;

TEST_F(Conversations, AnAnswerStreamsAndIsStored) {
  const auto id = server->begin_conversation("car");
  const auto events = server->chat(id, "How do I start the engine?");
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events.front().type, "start");
  const auto message = final_message(events);
  EXPECT_EQ(text_of(message, "text"), "Press the **green** button.");
  EXPECT_EQ(shown_text(events), text_of(message, "text"));
  EXPECT_EQ(text_of(array_of(message, "entries")[0].as_object(), "id"), entry);
  EXPECT_EQ(text_of(object_of(events.back().json(), "conversation"), "title"), "How do I start the engine?");
  EXPECT_EQ(to_json(last_message(id)), to_json(message)) << "what was streamed is what is stored";
}

TEST_F(Conversations, TheModelsThatInfoNamesCanBeAsked) {
  const auto info = expect_json(server->client().get("/api/info"));
  std::set<std::string> ids;
  for (const auto& model : array_of(info, "models")) ids.insert(text_of(model.as_object(), "id"));
  EXPECT_TRUE(ids.contains("extractive"));
  EXPECT_TRUE(ids.contains("scripted:script"));
  const auto id = server->begin_conversation("car");
  const auto message = final_message(server->chat(id, "engine?", "scripted"));
  EXPECT_EQ(text_of(message, "text"), "Press the button.") << "the citation mark is not shown";
  EXPECT_EQ(text_of(message, "provider"), "scripted");
  EXPECT_FALSE(message.at("prompt").is_null());
}

TEST_F(Conversations, AFollowUpLeansOnTheQuestionBefore) {
  const auto id = server->begin_conversation("car");
  server->chat(id, "How long is the warranty?");
  const auto message = final_message(server->chat(id, "how long is that?"));
  EXPECT_EQ(text_of(message, "text"), "Three years.");
}

TEST_F(Conversations, AreListedSearchedRenamedExportedAndDeleted) {
  const auto id = server->begin_conversation("car");
  server->chat(id, "engine start, with a zeppelin");
  auto& client = server->client();
  const auto found = expect_json(client.get("/api/conversations?query=zeppelin"));
  ASSERT_EQ(array_of(found, "conversations").size(), 1U);
  EXPECT_EQ(text_of(array_of(found, "conversations")[0].as_object(), "id"), id);
  expect_json(client.patch(cat("/api/conversations/", id), {{"title", "Airships"}}));
  EXPECT_EQ(text_of(object_of(read(id), "conversation"), "title"), "Airships");
  const auto exported = client.get(cat("/api/conversations/", id, "/export"));
  EXPECT_THAT(exported.body, HasSubstr("# Airships"));
  EXPECT_THAT(exported.body, HasSubstr("zeppelin"));
  EXPECT_THAT(exported.header("Content-Disposition"), HasSubstr("airships.md"));
  EXPECT_EQ(client.remove(cat("/api/conversations/", id)).status, 204);
  expect_problem(client.get(cat("/api/conversations/", id)), 404);
  EXPECT_TRUE(
      array_of(expect_json(client.get("/api/conversations?query=zeppelin")), "conversations").empty());
}

TEST_F(Conversations, PagesOfTheListHoldEachConversationOnce) {
  std::set<std::string> made;
  for (int i = 0; i < 12; ++i) made.insert(server->begin_conversation("car"));
  std::set<std::string> found;
  std::string cursor;
  std::size_t n = 0;
  do {
    const std::string more = cursor.empty() ? "" : cat("&cursor=", cursor);
    const auto page = expect_json(server->client().get(cat("/api/conversations?kb=car&limit=5", more)));
    for (const auto& one : array_of(page, "conversations")) {
      found.insert(text_of(one.as_object(), "id"));
      ++n;
    }
    cursor = get_string(page, "next_cursor").value_or("");
  } while (!cursor.empty());
  EXPECT_EQ(found.size(), n) << "one was listed twice";
  EXPECT_TRUE(std::includes(found.begin(), found.end(), made.begin(), made.end())) << "one is missing";
}

TEST_F(Conversations, AReaderThatComesBackMissesNothing) {
  const auto id = server->begin_conversation("car");
  std::string message;
  std::string last_id;
  std::string text;
  {
    auto events = server->send_message(id, "tell me slowly", "scripted");
    for (int i = 0; i < 5; ++i) {
      const auto event = events.next();
      ASSERT_TRUE(event);
      if (event->type == "start") message = text_of(event->json(), "message_id");
      if (event->type == "delta") text += text_of(event->json(), "text");
      last_id = event->id;
    }
  }  // the connection is gone
  auto resumed =
      server->client().events("GET", messages_path(id, message, "events"), {}, {{"Last-Event-ID", last_id}});
  ASSERT_EQ(resumed.head().status, 200) << resumed.head().body;
  const auto rest = resumed.rest();
  text += shown_text(rest);
  EXPECT_EQ(text, "One step after the other, calmly.");
  EXPECT_EQ(text_of(final_message(rest), "text"), text);
  // From the beginning, by the query parameter, after the end.
  auto again =
      server->client().events("GET", cat(messages_path(id, message, "events"), "?after=", message, ":0"));
  EXPECT_EQ(shown_text(again.rest()), text);
}

TEST_F(Conversations, TwoReadersFollowOneAnswer) {
  const auto id = server->begin_conversation("car");
  auto first = server->send_message(id, "tell me slowly", "scripted");
  const std::string message = text_of(first.next()->json(), "message_id");
  auto second = server->client().events("GET", messages_path(id, message, "events"));
  std::string second_text;
  std::jthread reader([&] { second_text = shown_text(second.rest()); });
  const std::string first_text = shown_text(first.rest());
  reader.join();
  EXPECT_EQ(first_text, "One step after the other, calmly.");
  EXPECT_EQ(second_text, first_text);
}

TEST_F(Conversations, StoppingKeepsWhatHadArrived) {
  const auto id = server->begin_conversation("car");
  auto events = server->send_message(id, "go on for ever", "scripted");
  const std::string message = text_of(events.next()->json(), "message_id");
  const auto delta = events.next();
  ASSERT_TRUE(delta && delta->type == "delta");
  expect_problem(server->client().post(cat("/api/conversations/", id, "/messages"), {{"text", "another"}}),
                 409);
  EXPECT_EQ(server->client().post(messages_path(id, message, "stop"), {}).status, 204);
  const auto stopped = final_message(events.rest());
  EXPECT_EQ(text_of(stopped, "status"), "cancelled");
  EXPECT_EQ(text_of(stopped, "text"), "It begins like this");
  EXPECT_EQ(text_of(last_message(id), "status"), "cancelled");
  // The conversation goes on.
  EXPECT_EQ(text_of(final_message(server->chat(id, "engine start")), "status"), "complete");
}

TEST_F(Conversations, RetryReplacesTheLastAnswer) {
  const auto id = server->begin_conversation("car");
  const auto first = final_message(server->chat(id, "engine start"));
  const std::string message = text_of(first, "id");
  auto retried =
      server->client().events("POST", messages_path(id, message, "retry"), R"({"model": "scripted"})");
  const auto second = final_message(retried.rest());
  EXPECT_EQ(text_of(second, "id"), message);
  EXPECT_EQ(text_of(second, "text"), "Press the button.");
  EXPECT_EQ(array_of(read(id), "messages").size(), 2U);
  server->chat(id, "How long is the warranty?");
  expect_problem(server->client().post(messages_path(id, message, "retry"), {}), 409);
}

TEST_F(Conversations, AModelThatFailsLeavesTheQuestionAndSaysWhy) {
  const auto id = server->begin_conversation("car");
  const auto events = server->chat(id, "please fail early", "scripted");
  ASSERT_EQ(events.back().type, "error");
  EXPECT_THAT(text_of(events.back().json(), "detail"), HasSubstr("the model is away"));
  const auto stored = read(id);
  ASSERT_EQ(array_of(stored, "messages").size(), 2U);
  EXPECT_EQ(text_of(array_of(stored, "messages")[0].as_object(), "text"), "please fail early");
  EXPECT_EQ(text_of(last_message(id), "status"), "failed");
  const std::string message = text_of(last_message(id), "id");
  auto retried =
      server->client().events("POST", messages_path(id, message, "retry"), R"({"model": "extractive"})");
  EXPECT_EQ(text_of(final_message(retried.rest()), "status"), "complete") << "another model may do better";
}

TEST_F(Conversations, AnAnswerThatBreaksOffKeepsWhatArrived) {
  const auto id = server->begin_conversation("car");
  const auto message = final_message(server->chat(id, "now break", "scripted"));
  EXPECT_EQ(text_of(message, "status"), "interrupted");
  EXPECT_EQ(text_of(message, "text"), "Half of it");
  EXPECT_THAT(text_of(message, "error"), HasSubstr("cut"));
}

TEST_F(Conversations, AnAnswerWithoutAnEntryIsTakenBack) {
  const auto id = server->begin_conversation("car");
  const auto events = server->chat(id, "invent something", "scripted");
  EXPECT_TRUE(
      std::any_of(events.begin(), events.end(), [](const auto& event) { return event.type == "reset"; }));
  const auto message = final_message(events);
  EXPECT_TRUE(bool_of(message, "refused"));
  EXPECT_EQ(text_of(message, "text").find("no entry says"), std::string::npos);
  EXPECT_TRUE(bool_of(final_message(server->chat(id, "give up", "scripted")), "refused"));
}

TEST_F(Conversations, ADrainedServerFinishesTheAnswerThatRuns) {
  RunningServer draining({}, kScript);
  draining.make_kb("car");
  draining.add_entry("car", "How do I start the engine?", "Press the button.");
  const auto id = draining.begin_conversation("car");
  auto events = draining.send_message(id, "tell me slowly", "scripted");
  events.next();
  std::jthread stopping([&] { EXPECT_EQ(draining.process().stop(), 0); });
  EXPECT_EQ(text_of(final_message(events.rest()), "status"), "complete");
}

TEST_F(Conversations, ASecondAppearanceOfTheStopSignalCutsAnAnswerShort) {
  RunningServer draining({"--set", "serve.drain_time=200ms"}, kScript);
  draining.make_kb("car");
  draining.add_entry("car", "How do I start the engine?", "Press the button.");
  const auto id = draining.begin_conversation("car");
  auto events = draining.send_message(id, "go on for ever", "scripted");
  events.next();
  events.next();
  EXPECT_EQ(draining.process().stop(), 0) << "an answer that never ends does not hold the server";
  draining.restart({"--set", "model.script=script.json"});
  const auto stored = expect_json(draining.client().get(cat("/api/conversations/", id)));
  const auto& answer = array_of(stored, "messages")[1].as_object();
  EXPECT_NE(text_of(answer, "status"), "streaming");
  EXPECT_EQ(text_of(answer, "text"), "It begins like this");
}

TEST_F(Conversations, EachVisitorSeesOnlyTheirOwn) {
  TestClient anna(server->port(), {{"X-Quintet-Visitor", "anna-0123456789abcdef"}});
  TestClient ben(server->port(), {{"X-Quintet-Visitor", "ben-0123456789abcdef"}});
  const auto made = expect_json(anna.post("/api/conversations", {{"kb", "car"}}), 201);
  const std::string path = cat("/api/conversations/", text_of(made, "id"));
  EXPECT_EQ(anna.get(path).status, 200);
  expect_problem(ben.get(path), 404);
  expect_problem(ben.post(cat(path, "/messages"), {{"text", "hello"}}), 404);
  EXPECT_EQ(array_of(expect_json(ben.get("/api/conversations")), "conversations").size(), 0U);
  expect_problem(ben.post("/api/faq/kbs", {{"name", "mine"}}), 403);
}

}  // namespace
}  // namespace quintet::functional
