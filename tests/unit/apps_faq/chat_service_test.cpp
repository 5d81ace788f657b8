#include "apps/chat/chat_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/faq/chat_responder.h"
#include "apps/faq/prompts.h"
#include "apps/faq/question_log.h"
#include "core/error.h"
#include "llm/scripted_model.h"
#include "temporary_database.h"

namespace quintet::faq {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

class ChatServiceTest : public testing::Test {
 protected:
  ChatServiceTest() {
    store_.create("shop", "", "");
    store_.add("shop", make_entry("Do you ship abroad?", "Yes."), "ann");
    conversation_ = conversations_.create("", "faq", "shop", "").id;
  }

  void use(std::vector<ScriptedTurn> turns, ChatService::Options options = {}) {
    model_ = std::make_shared<ScriptedModel>(std::move(turns));
    chat_ =
        std::make_unique<ChatService>(options, *database_, conversations_,
                                      ChatService::Responders{{"faq", &responder_}}, workers_, null_log());
  }
  std::shared_ptr<AnswerRun> ask(std::string text) {
    return chat_->ask("", conversation_, {std::move(text), "", {}});
  }

  /// Reads a run to its end, however long it takes.
  static std::vector<EventLog::Event> read_all(const AnswerRun& run) {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t n_wakes = 0;
    const auto subscription = run.events->subscribe([&] {
      const std::lock_guard lock(mutex);
      ++n_wakes;
      changed.notify_all();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return run.events->closed(); });
    return run.events->read(0, 10'000).events;
  }
  static std::vector<std::string> types(const std::vector<EventLog::Event>& events) {
    std::vector<std::string> names;
    for (const auto& event : events) names.push_back(event.type);
    return names;
  }
  ConversationMessage last_message() { return conversations_.messages("", conversation_).back(); }

  TemporaryDatabase database_;
  KnowledgeStore store_{*database_};
  KnowledgeCache cache_{store_};
  QuestionLog questions_{*database_};
  ConversationStore conversations_{*database_};
  PromptLibrary prompts_{built_in_prompts()};
  Answerer answerer_{{}, prompts_};
  ChatResponder responder_{cache_, answerer_, [this](std::string_view) { return model_; }};
  WorkerPool workers_{{}, null_log()};
  std::shared_ptr<ChatModel> model_;
  std::unique_ptr<ChatService> chat_;
  std::string conversation_;
};

TEST_F(ChatServiceTest, ARunStreamsAndIsStored) {
  use({ScriptedTurn().say("Yes, abroad [E1].", 4)});
  const auto events = read_all(*ask("Do you ship?"));
  EXPECT_EQ(events.front().type, "start");
  EXPECT_EQ(events.back().type, "done");
  std::string text;
  for (const auto& event : events)
    if (event.type == "delta") text += require_string(parse_json(event.data).as_object(), "text");
  EXPECT_EQ(text, "Yes, abroad.");
  EXPECT_EQ(last_message().text, "Yes, abroad.");
  EXPECT_EQ(last_message().status, MessageStatus::complete);
  EXPECT_EQ(questions_.stats(store_.get("shop").id, 1).n_answered, 1);
}

TEST_F(ChatServiceTest, AFailureBeforeTheFirstTokenIsAnErrorEventAndCanBeRetried) {
  use({ScriptedTurn().fail(ErrorCode::unavailable, "nobody home"), ScriptedTurn().say("Yes [E1].")});
  const auto events = read_all(*ask("Do you ship?"));
  EXPECT_THAT(types(events), ElementsAre("start", "error"));
  EXPECT_EQ(last_message().status, MessageStatus::failed);
  const auto retried = read_all(*chat_->retry("", conversation_, last_message().id, {"", "", {}}));
  EXPECT_EQ(retried.back().type, "done");
  EXPECT_EQ(last_message().text, "Yes.");
  EXPECT_EQ(conversations_.messages("", conversation_).size(), 2u);
}

TEST_F(ChatServiceTest, StopKeepsWhatWasWritten) {
  use({ScriptedTurn().say("Yes, abroad").stall()});
  const auto run = ask("Do you ship?");
  while (run->events->size() < 2) std::this_thread::yield();
  chat_->stop("", run->message_id);
  EXPECT_EQ(read_all(*run).back().type, "done");
  EXPECT_EQ(last_message().status, MessageStatus::cancelled);
  EXPECT_EQ(last_message().text, "Yes, abroad");
}

TEST_F(ChatServiceTest, ARunThatNobodyReadsIsStopped) {
  ChatService::Options options;
  options.abandon_after = 30ms;
  use({ScriptedTurn().say("Yes, abroad").stall()}, options);
  const auto run = ask("Do you ship?");
  chat_->reader_left(run);
  while (!run->events->closed()) std::this_thread::sleep_for(1ms);  // reading would keep it alive
  EXPECT_EQ(last_message().status, MessageStatus::cancelled);
}

TEST_F(ChatServiceTest, ARunIsHeldForReadersThatComeBackAndOnlyForItsOwner) {
  use({ScriptedTurn().say("Yes [E1].")});
  const auto run = ask("Do you ship?");
  read_all(*run);
  EXPECT_EQ(chat_->run("", run->message_id), run);
  EXPECT_THROW(chat_->run("key_1", run->message_id), NotFound);
  EXPECT_THROW(chat_->run("", "m_other"), NotFound);
}

TEST_F(ChatServiceTest, AnEmptyQuestionOrAGoneKnowledgeBaseStoresNothing) {
  use({ScriptedTurn().say("Yes [E1].")});
  EXPECT_THROW(ask("  "), InvalidArgument);
  store_.remove("shop");
  cache_.refresh("shop");
  EXPECT_THROW(ask("Do you ship?"), NotFound);
  EXPECT_TRUE(conversations_.messages("", conversation_).empty());
}

TEST_F(ChatServiceTest, DestructionStopsWhatRuns) {
  use({ScriptedTurn().say("Yes").stall()});
  const auto run = ask("Do you ship?");
  while (run->events->size() < 2) std::this_thread::yield();
  chat_.reset();
  EXPECT_TRUE(run->events->closed());
  EXPECT_EQ(last_message().status, MessageStatus::cancelled);
}

TEST_F(ChatServiceTest, ExportsMarkdownWithItsSources) {
  use({ScriptedTurn().say("Yes [E1].")});
  read_all(*ask("Do you ship?"));
  const auto text = to_markdown(conversations_.get("", conversation_),
                                conversations_.messages("", conversation_), responder_);
  EXPECT_THAT(text, HasSubstr("# Do you ship?"));
  EXPECT_THAT(text, HasSubstr("## Answer\n\nYes."));
  EXPECT_THAT(text, HasSubstr("- Do you ship abroad? (`"));
}

}  // namespace
}  // namespace quintet::faq
