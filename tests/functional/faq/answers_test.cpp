#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class Answers : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<RunningServer>();
    server->make_kb("bank");
    card = server->add_entry("bank", "How do I block a lost card?", "Call **0800 1**, day and night.",
                             {"my card was stolen", "I lost my credit card"});
    fee = server->add_entry("bank", "How much does a transfer abroad cost?", "Five euros.",
                            {"fee for foreign transfers"});
    server->add_entry("bank", "How do I open a savings account?", "In the app, under *Accounts*.");
    server->add_entry("bank", "What are your opening hours?", "From nine to five.", {"when are you open"});
    server->add_entry("bank", "How do I change my PIN?", "At any of our machines.", {"new PIN for my card"});
  }
  static void TearDownTestSuite() { server.reset(); }
  static std::unique_ptr<RunningServer> server;
  static std::string card;
  static std::string fee;

  static JsonObject inbox_question(const std::string& text) {
    JsonObject found;
    eventually([&] {  // a stateless question is logged after its answer
      const auto inbox = expect_json(server->client().get("/api/faq/kbs/bank/inbox"));
      for (const auto& cluster : array_of(inbox, "clusters"))
        for (const auto& question : array_of(cluster.as_object(), "questions"))
          if (text_of(question.as_object(), "text") == text) found = question.as_object();
      return !found.empty();
    });
    return found;
  }
  static bool is_in_inbox(const std::string& text) {
    return expect_json(server->client().get("/api/faq/kbs/bank/inbox")).contains("clusters") &&
           server->client().get("/api/faq/kbs/bank/inbox").body.find(text) != std::string::npos;
  }
};
std::unique_ptr<RunningServer> Answers::server;
std::string Answers::card;
std::string Answers::fee;

TEST_F(Answers, QuotesTheEntryAndSaysWhichOne) {
  const auto answer = server->ask("bank", "somebody stole my card, what now?");
  EXPECT_FALSE(bool_of(answer, "refused"));
  EXPECT_EQ(text_of(answer, "answer"), "Call **0800 1**, day and night.");
  ASSERT_EQ(array_of(answer, "entries").size(), 1U);
  EXPECT_EQ(array_of(answer, "entries")[0].as_string(), card);
  EXPECT_EQ(text_of(answer, "provider"), "extractive");
  EXPECT_GT(get_double(answer, "confidence").value(), 0.5);
  for (const char* key : {"nearest", "usage", "latency_ms", "trace_id", "model"})
    EXPECT_TRUE(answer.contains(key)) << key;
  for (const char* typo : {"LOST CARD BLOCK", "how do i blok a lost card", "transfer abroad cost"})
    EXPECT_FALSE(bool_of(server->ask("bank", typo), "refused")) << typo;
}

TEST_F(Answers, RefusesWhatIsOutsideAndOffersTheNearest) {
  const auto answer = server->ask("bank", "Who won the chess world championship in 1972?");
  EXPECT_TRUE(bool_of(answer, "refused"));
  EXPECT_TRUE(array_of(answer, "entries").empty());
  EXPECT_FALSE(text_of(answer, "answer").empty());
}

TEST_F(Answers, TheCommandLineAnswersTheSame) {
  const auto result = server->command({"faq", "ask", "--kb", "bank", "--json", "fee for a foreign transfer"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto answer = result.json();
  for (const char* key : {"answer", "refused", "confidence", "entries", "nearest", "usage"})
    EXPECT_TRUE(answer.contains(key)) << key;
  EXPECT_EQ(text_of(answer, "answer"), "Five euros.");
  const auto plain = server->command({"faq", "ask", "--kb", "bank", "fee for a foreign transfer"});
  EXPECT_THAT(plain.out, HasSubstr("Five euros."));
  EXPECT_THAT(plain.out, HasSubstr(fee));
  const auto unknown = server->command({"faq", "ask", "--kb", "none", "x"});
  EXPECT_NE(unknown.status, 0);
  EXPECT_THAT(unknown.err, HasSubstr("none"));
}

TEST_F(Answers, AFollowUpIsUnderstoodFromTheHistory) {
  const JsonArray history{JsonObject{{"role", "user"}, {"text", "How much does a transfer abroad cost?"}},
                          JsonObject{{"role", "assistant"}, {"text", "Five euros."}}};
  const auto answer = expect_json(server->client().post(
      "/api/faq/kbs/bank/ask", {{"question", "and how much is that?"}, {"history", history}}));
  EXPECT_FALSE(bool_of(answer, "refused"));
  EXPECT_EQ(text_of(answer, "answer"), "Five euros.");
}

TEST_F(Answers, AnUnansweredQuestionGoesToTheInboxAndAnEntryAnswersItAtOnce) {
  const std::string text = "Do you sell gold bars to pensioners?";
  EXPECT_TRUE(bool_of(server->ask("bank", text), "refused"));
  const auto question = inbox_question(text);
  ASSERT_FALSE(question.empty());
  EXPECT_EQ(text_of(question, "reason"), "unanswered");
  expect_json(
      server->client().post("/api/faq/kbs/bank/entries", {{"question", text},
                                                          {"answer", "Yes, at the counter."},
                                                          {"inbox_ids", JsonArray{text_of(question, "id")}}}),
      201);
  EXPECT_EQ(text_of(server->ask("bank", text), "answer"), "Yes, at the counter.");
  EXPECT_FALSE(is_in_inbox(text));
}

TEST_F(Answers, AQuestionIsAssignedToAnEntryAndItsWordingLearned) {
  const std::string text = "Zahle ich etwas für Geld nach Übersee?";
  EXPECT_TRUE(bool_of(server->ask("bank", text), "refused"));
  const auto question = inbox_question(text);
  ASSERT_FALSE(question.empty());
  const auto entry = expect_json(server->client().post(
      "/api/faq/kbs/bank/inbox/assign", {{"ids", JsonArray{text_of(question, "id")}}, {"entry_id", fee}}));
  EXPECT_NE(to_json(array_of(entry, "alternatives")).find("Geld"), std::string::npos);
  EXPECT_EQ(text_of(server->ask("bank", text), "answer"), "Five euros.");
  EXPECT_FALSE(is_in_inbox(text));
}

TEST_F(Answers, ADismissedQuestionLeavesTheInbox) {
  const std::string text = "What is the airspeed of a swallow?";
  server->ask("bank", text);
  const auto question = inbox_question(text);
  ASSERT_FALSE(question.empty());
  EXPECT_EQ(server->client()
                .post("/api/faq/kbs/bank/inbox/dismiss", {{"ids", JsonArray{text_of(question, "id")}}})
                .status,
            204);
  EXPECT_FALSE(is_in_inbox(text));
}

TEST_F(Answers, ABadlyRatedAnswerGoesToTheInboxWithWhatWasSaid) {
  const auto conversation = server->begin_conversation("bank");
  const auto message = final_message(server->chat(conversation, "when are you open"));
  const std::string id = text_of(message, "id");
  EXPECT_EQ(server->client()
                .put(cat("/api/messages/", id, "/rating"), {{"rating", "down"}, {"comment", "no"}})
                .status,
            204);
  const auto question = inbox_question("when are you open");
  ASSERT_FALSE(question.empty());
  EXPECT_EQ(text_of(question, "reason"), "rated_down");
  EXPECT_EQ(text_of(question, "answer"), "From nine to five.");
  EXPECT_EQ(server->client().put(cat("/api/messages/", id, "/rating"), {{"rating", nullptr}}).status, 204);
  EXPECT_FALSE(is_in_inbox("when are you open")) << "a rating that is taken back";
}

TEST_F(Answers, StatisticsCountUsesAndRatings) {
  const auto conversation = server->begin_conversation("bank");
  const auto message = final_message(server->chat(conversation, "How do I change my PIN?"));
  server->client().put(cat("/api/messages/", text_of(message, "id"), "/rating"), {{"rating", "up"}});
  server->chat(conversation, "Who painted the Mona Lisa?");
  const auto stats = expect_json(server->client().get("/api/faq/kbs/bank/stats?days=7"));
  EXPECT_EQ(int_of(stats, "n_questions"), int_of(stats, "n_answered") + int_of(stats, "n_refused"));
  EXPECT_GE(int_of(stats, "n_answered"), 1);
  EXPECT_GE(int_of(stats, "n_refused"), 1);
  EXPECT_GE(int_of(stats, "n_up"), 1);
  const std::string pin = text_of(array_of(message, "entries")[0].as_object(), "id");
  bool found = false;
  for (const auto& row : array_of(stats, "entries")) {
    if (text_of(row.as_object(), "id") != pin) continue;
    found = true;
    EXPECT_GE(int_of(row.as_object(), "n_uses"), 1);
    EXPECT_EQ(int_of(row.as_object(), "n_up"), 1);
    EXPECT_FALSE(row.as_object().at("last_used").is_null());
  }
  EXPECT_TRUE(found);
  EXPECT_GE(int_of(expect_json(server->client().get(cat("/api/faq/kbs/bank/entries/", pin))), "n_uses"), 1);
  const auto usage = expect_json(server->client().get("/api/usage?days=2"));
  EXPECT_GE(int_of(object_of(usage, "totals"), "n_calls"), 1);
}

TEST_F(Answers, EachAnswerLeavesATrace) {
  const auto answer = server->ask("bank", "How do I block a lost card?");
  const std::string target = cat("/api/traces/", text_of(answer, "trace_id"));
  ASSERT_TRUE(eventually([&] { return server->client().get(target).status == 200; }));
  const auto trace = expect_json(server->client().get(target));
  EXPECT_THAT(to_json(trace), HasSubstr("gen_ai."));
}

TEST_F(Answers, OtherScriptsAndAccentsAreFound) {
  server->make_kb("world");
  server->add_entry("world", "Où est la gare?", "Au bout de la rue.");
  server->add_entry("world", "如何重置密码？", "在设置中。");
  server->add_entry("world", "Как вернуть товар?", "В течение 14 дней.");
  EXPECT_EQ(text_of(server->ask("world", "ou est la GARE"), "answer"), "Au bout de la rue.");
  EXPECT_EQ(text_of(server->ask("world", "重置密码"), "answer"), "在设置中。");
  EXPECT_EQ(text_of(server->ask("world", "как вернуть товар"), "answer"), "В течение 14 дней.");
}

}  // namespace
}  // namespace quintet::functional
