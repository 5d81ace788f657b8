#include "apps/faq/conversation_store.h"

#include <optional>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/faq/knowledge_store.h"
#include "apps/faq/question_log.h"
#include "core/error.h"
#include "temporary_database.h"

namespace quintet::faq {
namespace {

using testing::HasSubstr;

class ConversationStoreTest : public testing::Test {
 protected:
  void finish(ConversationMessage answer, std::string text) {
    answer.text = std::move(text);
    answer.status = MessageStatus::complete;
    answer.details = {{"entries", JsonArray{JsonObject{{"id", "e1"}, {"question", "Do you ship?"}}}}};
    database_->write([&](Connection& db) { ConversationStore::finish(db, answer); });
  }

  TemporaryDatabase database_;
  ConversationStore store_{*database_};
  Conversation conversation_ = store_.create("", "shop", "");
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
  const auto retried = store_.begin_retry("", conversation_.id, first.answer.id);
  EXPECT_EQ(retried.question.text, "one");
  EXPECT_EQ(retried.answer.id, first.answer.id);
  finish(retried.answer, "better");
  const auto second = store_.begin_exchange("", conversation_.id, "two");
  EXPECT_THROW(store_.begin_retry("", conversation_.id, first.answer.id), Conflict);
  EXPECT_THROW(store_.begin_retry("", conversation_.id, second.answer.id), Conflict);  // still streaming
}

TEST_F(ConversationStoreTest, AnothersConversationDoesNotExist) {
  EXPECT_THROW(store_.get("key_1", conversation_.id), NotFound);
  EXPECT_THROW(store_.begin_exchange("key_1", conversation_.id, "x"), NotFound);
  EXPECT_THROW(store_.remove("key_1", conversation_.id), NotFound);
  EXPECT_TRUE(store_.list("key_1", "", "", std::nullopt, 10).conversations.empty());
}

TEST_F(ConversationStoreTest, TheListSearchesTitlesAndMessagesLiterally) {
  const auto exchange = store_.begin_exchange("", conversation_.id, "A 100% discount?");
  finish(exchange.answer, "No_thing is free.");
  const auto found = [&](std::string_view query) {
    return store_.list("", "", query, std::nullopt, 10).conversations.size();
  };
  EXPECT_EQ(found("100%"), 1u);
  EXPECT_EQ(found("100_"), 0u);
  EXPECT_EQ(found("no_thing"), 1u);
  EXPECT_EQ(found("zebra"), 0u);
  EXPECT_EQ(store_.list("", "other", "", std::nullopt, 10).conversations.size(), 0u);
}

TEST_F(ConversationStoreTest, PagesHoldEachConversationOnceHoweverFastTheyWereMade) {
  std::set<std::string> made{conversation_.id};
  for (int i = 0; i < 20; ++i) made.insert(store_.create("", conversation_.kb, "").id);
  std::set<std::string> found;
  std::optional<ConversationStore::Position> after;
  do {
    const auto page = store_.list("", "", "", after, 3);
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

TEST_F(ConversationStoreTest, ExportsMarkdownWithItsSources) {
  const auto exchange = store_.begin_exchange("", conversation_.id, "Do you ship?");
  finish(exchange.answer, "Yes.");
  const auto text = to_markdown(store_.get("", conversation_.id), store_.messages("", conversation_.id));
  EXPECT_THAT(text, HasSubstr("# Do you ship?"));
  EXPECT_THAT(text, HasSubstr("## Answer\n\nYes."));
  EXPECT_THAT(text, HasSubstr("- Do you ship? (`e1`)"));
}

class QuestionLogTest : public ConversationStoreTest {
 protected:
  QuestionLogTest() {
    KnowledgeStore knowledge(*database_);
    kb_ = knowledge.create("shop", "", "").id;
    entry_ = knowledge.add("shop", make_entry("Do you ship abroad?", "Yes."), "ann").entry.id;
  }
  std::string ask(std::string text, bool refused) {
    const auto conversation = store_.create("", "shop", "");
    const auto exchange = store_.begin_exchange("", conversation.id, text);
    AskedQuestion asked{"", kb_, text, now_ms(), refused, refused ? "" : "Yes.", {}, exchange.answer.id};
    if (!refused) asked.entry_ids = {entry_};
    database_->write([&](Connection& db) {
      ConversationMessage answer = exchange.answer;
      answer.status = MessageStatus::complete;
      ConversationStore::finish(db, answer);
      QuestionLog::record(db, asked);
    });
    return exchange.answer.id;
  }

  QuestionLog log_{*database_};
  std::int64_t kb_ = 0;
  std::string entry_;
};

TEST_F(QuestionLogTest, UnansweredQuestionsWaitInTheInboxCountedOnce) {
  ask("Do you ship abroad?", false);
  ask("Can I bring my dog?", true);
  ask("can i bring my DOG?", true);
  const auto open = log_.open_questions(kb_);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].count, 2);
  EXPECT_EQ(open[0].reason, "unanswered");
  log_.dismiss(kb_, std::vector{open[0].id});
  EXPECT_TRUE(log_.open_questions(kb_).empty());
}

TEST_F(QuestionLogTest, ARatingMovesCountsAndTheInboxAndCanBeTakenBack) {
  const auto message = ask("Do you ship abroad?", false);
  log_.rate(message, Rating::down, "wrong");
  ASSERT_EQ(log_.open_questions(kb_).size(), 1u);
  EXPECT_EQ(log_.open_questions(kb_)[0].reason, "rated_down");
  EXPECT_EQ(log_.entry_uses(kb_)[0].n_down, 1);
  log_.rate(message, Rating::up, "");
  EXPECT_TRUE(log_.open_questions(kb_).empty());
  EXPECT_EQ(log_.entry_uses(kb_)[0].n_down, 0);
  EXPECT_EQ(log_.entry_uses(kb_)[0].n_up, 1);
  log_.rate(message, std::nullopt, "");
  EXPECT_EQ(log_.entry_uses(kb_)[0].n_up, 0);
  EXPECT_EQ(store_.message("", message).rating, std::nullopt);
  EXPECT_THROW(log_.rate("nonsense", Rating::up, ""), NotFound);
}

TEST_F(QuestionLogTest, StatisticsAddUp) {
  ask("Do you ship abroad?", false);
  ask("Do you ship?", false);
  ask("Can I bring my dog?", true);
  const auto stats = log_.stats(kb_, 7);
  EXPECT_EQ(stats.n_answered, 2);
  EXPECT_EQ(stats.n_refused, 1);
  ASSERT_EQ(stats.days.size(), 1u);
  ASSERT_EQ(stats.entries.size(), 1u);
  EXPECT_EQ(stats.entries[0].n_uses, 2);
}

TEST(Inbox, GroupsWordingsOfOneQuestionAndKeepsOthersApart) {
  std::vector<InboxQuestion> questions;
  for (const char* text :
       {"Can I bring my dog into the shop?", "Are dogs allowed in the shop?", "may i bring a dog",
        "Do you sell gift cards?", "I want to buy a gift card", "What is your tax number?"}) {
    questions.push_back({text, text, 1, "unanswered", "", 1});
  }
  const auto clusters = cluster_questions(questions);
  const auto cluster_of = [&](std::string_view text) {
    for (std::size_t i = 0; i < clusters.size(); ++i)
      for (const auto& question : clusters[i].questions)
        if (question.text == text) return i;
    return clusters.size();
  };
  EXPECT_EQ(cluster_of("Can I bring my dog into the shop?"), cluster_of("may i bring a dog"));
  EXPECT_EQ(cluster_of("Do you sell gift cards?"), cluster_of("I want to buy a gift card"));
  EXPECT_NE(cluster_of("Do you sell gift cards?"), cluster_of("may i bring a dog"));
  EXPECT_NE(cluster_of("What is your tax number?"), cluster_of("may i bring a dog"));
  EXPECT_NE(cluster_of("What is your tax number?"), cluster_of("Do you sell gift cards?"));
}

}  // namespace
}  // namespace quintet::faq
