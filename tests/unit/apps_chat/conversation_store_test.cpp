#include "apps/chat/conversation_store.h"

#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "apps/chat/schema.h"
#include "core/error.h"
#include "core/log.h"
#include "storage/database.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

void forget_nothing(Connection&) {}

class ConversationStoreTest : public testing::Test {
 protected:
  void finish(ConversationMessage answer, std::string text) {
    answer.text = std::move(text);
    answer.status = MessageStatus::complete;
    answer.details = {{"entries", JsonArray{JsonObject{{"id", "e1"}, {"question", "Do you ship?"}}}}};
    database_->write([&](Connection& db) { ConversationStore::finish(db, answer); });
  }

  ScratchFolder folder_;
  Database::Options options_{.path = folder_.path() / "test.db"};
  std::unique_ptr<Database> database_ =
      std::make_unique<Database>(options_, conversation_migrations(), null_log());
  ConversationStore store_{*database_};
  Conversation conversation_ = store_.create("", "faq", "shop", "");
};

TEST_F(ConversationStoreTest, AnExchangeIsStoredBeforeItIsAnsweredAndTitlesTheConversation) {
  const auto exchange = store_.begin_exchange("", conversation_.id, "Do you ship abroad?\nI live in Norway.");
  const auto messages = store_.messages("", conversation_.id);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].text, "Do you ship abroad?\nI live in Norway.");
  EXPECT_EQ(messages[1].status, MessageStatus::streaming);
  EXPECT_EQ(store_.get("", conversation_.id).title, "Do you ship abroad?");
  finish(exchange.answer, "Yes.");
  EXPECT_EQ(store_.messages("", conversation_.id)[1].text, "Yes.");
  const auto next = store_.begin_exchange("", conversation_.id, "And how fast?");
  EXPECT_EQ(next.history.size(), 2u);
}

TEST_F(ConversationStoreTest, ASecondQuestionWaitsForTheFirstAnswer) {
  store_.begin_exchange("", conversation_.id, "one");
  EXPECT_THROW(store_.begin_exchange("", conversation_.id, "two"), Conflict);
  EXPECT_EQ(store_.messages("", conversation_.id).size(), 2u);
}

TEST_F(ConversationStoreTest, AnswersLeftStreamingByADeadProcessAreMarked) {
  store_.begin_exchange("", conversation_.id, "one");
  store_.mark_abandoned();
  EXPECT_EQ(store_.messages("", conversation_.id)[1].status, MessageStatus::interrupted);
  EXPECT_NO_THROW(store_.begin_exchange("", conversation_.id, "two"));
}

TEST_F(ConversationStoreTest, RetryEmptiesTheLastAnswerOnly) {
  const auto first = store_.begin_exchange("", conversation_.id, "one");
  finish(first.answer, "first answer");
  const auto retried = store_.begin_retry("", conversation_.id, first.answer.id, forget_nothing);
  EXPECT_EQ(retried.question.text, "one");
  EXPECT_EQ(retried.answer.id, first.answer.id);
  finish(retried.answer, "better");
  const auto second = store_.begin_exchange("", conversation_.id, "two");
  EXPECT_THROW(store_.begin_retry("", conversation_.id, first.answer.id, forget_nothing), Conflict);
  EXPECT_THROW(store_.begin_retry("", conversation_.id, second.answer.id, forget_nothing),
               Conflict);  // still streaming
}

TEST_F(ConversationStoreTest, AnothersConversationDoesNotExist) {
  EXPECT_THROW(store_.get("key_1", conversation_.id), NotFound);
  EXPECT_THROW(store_.begin_exchange("key_1", conversation_.id, "x"), NotFound);
  EXPECT_THROW(store_.remove("key_1", conversation_.id), NotFound);
  EXPECT_TRUE(store_.list("key_1", "", "", "", std::nullopt, 10).conversations.empty());
}

TEST_F(ConversationStoreTest, TheListSearchesTitlesAndMessagesLiterally) {
  const auto exchange = store_.begin_exchange("", conversation_.id, "A 100% discount?");
  finish(exchange.answer, "No_thing is free.");
  const auto found = [&](std::string_view query) {
    return store_.list("", "", "", query, std::nullopt, 10).conversations.size();
  };
  EXPECT_EQ(found("100%"), 1u);
  EXPECT_EQ(found("100_"), 0u);
  EXPECT_EQ(found("no_thing"), 1u);
  EXPECT_EQ(found("zebra"), 0u);
  EXPECT_EQ(store_.list("", "", "other", "", std::nullopt, 10).conversations.size(), 0u);
}

TEST_F(ConversationStoreTest, PagesHoldEachConversationOnceHoweverFastTheyWereMade) {
  std::set<std::string> made{conversation_.id};
  for (int i = 0; i < 20; ++i) made.insert(store_.create("", "faq", conversation_.kb, "").id);
  std::set<std::string> found;
  std::optional<ConversationStore::Position> after;
  do {
    const auto page = store_.list("", "", "", "", after, 3);
    for (const auto& one : page.conversations) EXPECT_TRUE(found.insert(one.id).second) << one.id;
    after = page.next;
  } while (after);
  EXPECT_EQ(found, made);
}

TEST_F(ConversationStoreTest, RenameAndDeleteDoWhatTheySay) {
  EXPECT_EQ(store_.rename("", conversation_.id, "  Shipping ").title, "Shipping");
  EXPECT_THROW(store_.rename("", conversation_.id, "  "), InvalidArgument);
  store_.begin_exchange("", conversation_.id, "one");
  store_.remove("", conversation_.id);
  EXPECT_THROW(store_.messages("", conversation_.id), NotFound);
}

}  // namespace
}  // namespace quintet
