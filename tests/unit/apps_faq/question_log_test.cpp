#include "apps/faq/question_log.h"

#include <gtest/gtest.h>

#include "apps/chat/conversation_store.h"
#include "apps/faq/knowledge_store.h"
#include "core/error.h"
#include "temporary_database.h"

namespace quintet::faq {
namespace {

class QuestionLogTest : public testing::Test {
 protected:
  QuestionLogTest() {
    KnowledgeStore knowledge(*database_);
    kb_ = knowledge.create("shop", "", "").id;
    entry_ = knowledge.add("shop", make_entry("Do you ship abroad?", "Yes."), "ann").entry.id;
  }
  std::string ask(std::string text, bool refused) {
    const auto conversation = store_.create("", "faq", "shop", "");
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

  TemporaryDatabase database_;
  ConversationStore store_{*database_};
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
