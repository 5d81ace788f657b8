#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "apps/chat/conversation_store.h"
#include "apps/chat/responder.h"
#include "core/event_log.h"
#include "core/worker_pool.h"

namespace quintet {

/// An answer being written, or written a moment ago: its events can be followed from any point by any number
/// of readers.
struct AnswerRun {
  std::string id;  // of this attempt: a retry of the same message is another stream
  std::string message_id;
  std::string conversation_id;
  std::string owner;
  std::shared_ptr<EventLog> events = std::make_shared<EventLog>();
  std::stop_source stop;
};

/// Conversations that answer: stores the question, has the application's responder write the answer on the
/// worker pool, stores it when done. Any thread; outlives its runs (the destructor stops and waits for them).
///
/// Events (JSON): start, delta, reset, retry, done, error: see the OpenAPI document.
/// A run whose last reader has gone is stopped after `abandon_after`, and forgotten `forget_after` its end.
class ChatService {
 public:
  struct Options {
    std::chrono::milliseconds abandon_after{20'000};
    std::chrono::milliseconds forget_after{60'000};
  };
  /// Who answers the conversations of an application: "faq" → its responder. They outlive the service.
  using Responders = std::map<std::string, const Responder*, std::less<>>;

  ChatService(const Options& options, Database& database, ConversationStore& conversations,
              Responders responders, WorkerPool& workers, Log& log);
  ~ChatService();

  std::shared_ptr<AnswerRun> ask(std::string_view owner, std::string_view conversation_id,
                                 const AskedMessage& asked);
  std::shared_ptr<AnswerRun> retry(std::string_view owner, std::string_view conversation_id,
                                   std::string_view message_id, const AskedMessage& asked);
  /// Throws NotFound when the run is no longer held.
  std::shared_ptr<AnswerRun> run(std::string_view owner, std::string_view message_id);
  void stop(std::string_view owner, std::string_view message_id);
  /// Called when a reader of `run` has gone.
  void reader_left(const std::shared_ptr<AnswerRun>& run);

  std::size_t n_active() const;
  /// Throws NotFound naming the applications there are.
  const Responder& responder(std::string_view app) const;

 private:
  struct Work;
  std::shared_ptr<AnswerRun> start(const Conversation& conversation, ConversationStore::Exchange exchange,
                                   AskedMessage asked);
  void write_answer(const Work& work);
  void finish(const Work& work, const ConversationMessage& message, const Responder::Written& written);
  void sweep(std::stop_token stop);

  Options options_;
  Database& database_;
  ConversationStore& conversations_;
  Responders responders_;
  WorkerPool& workers_;
  Log& log_;

  struct Held {
    std::shared_ptr<AnswerRun> run;
    std::optional<std::chrono::steady_clock::time_point> unread_since;
    std::optional<std::chrono::steady_clock::time_point> ended_at;
  };
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::unordered_map<std::string, Held> runs_;  // by message id; guarded by mutex_
  std::size_t n_active_ = 0;                    // guarded by mutex_
  std::jthread sweeper_;
};

/// The forms in which the HTTP API and the event stream show these.
JsonObject to_json_object(const Conversation& conversation);
JsonObject to_json_object(const ConversationMessage& message, const Responder& responder);

/// A conversation as Markdown, for people.
std::string to_markdown(const Conversation& conversation, const std::vector<ConversationMessage>& messages,
                        const Responder& responder);

}  // namespace quintet
