#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "apps/faq/answerer.h"
#include "apps/faq/conversation_store.h"
#include "apps/faq/question_log.h"
#include "core/event_log.h"
#include "core/worker_pool.h"

namespace quintet::faq {

/// An answer being written, or written a moment ago: its events can be followed from any point by any number
/// of readers.
struct Run {
  std::string id;  // of this attempt: a retry of the same message is another stream
  std::string message_id;
  std::string conversation_id;
  std::string owner;
  std::shared_ptr<EventLog> events = std::make_shared<EventLog>();
  std::stop_source stop;
};

/// Conversations that answer: stores the question, writes the answer on the worker pool, stores it when done.
/// Any thread; outlives its runs (the destructor stops and waits for them).
///
/// Events (JSON): start, delta, reset, retry, done, error: see the OpenAPI document. A run whose last reader
/// has gone is stopped after `abandon_after`, and forgotten `forget_after` its end.
class ChatService {
 public:
  struct Options {
    std::chrono::milliseconds abandon_after{20'000};
    std::chrono::milliseconds forget_after{60'000};
    std::size_t max_runs = 4096;
  };
  /// Finds a model by its id; empty = the default one. Throws NotFound naming the models there are.
  using ModelFinder = std::function<std::shared_ptr<ChatModel>(std::string_view id)>;

  ChatService(const Options& options, Database& database, ConversationStore& conversations,
              KnowledgeCache& knowledge, const Answerer& answerer, ModelFinder find_model,
              WorkerPool& workers, Log& log);
  ~ChatService();

  struct Asked {
    std::string text;
    std::string model;  // id, empty = default
    TraceContext trace;
  };
  std::shared_ptr<Run> ask(std::string_view owner, std::string_view conversation_id, const Asked& asked);
  std::shared_ptr<Run> retry(std::string_view owner, std::string_view conversation_id,
                             std::string_view message_id, const Asked& asked);
  /// Throws NotFound when the run is no longer held.
  std::shared_ptr<Run> run(std::string_view owner, std::string_view message_id);
  void stop(std::string_view owner, std::string_view message_id);
  /// Called when a reader of `run` has gone.
  void reader_left(const std::shared_ptr<Run>& run);

  std::size_t n_active() const;

 private:
  struct Timer;
  std::shared_ptr<Run> start(std::string_view owner, ConversationStore::Exchange exchange, Asked asked,
                             std::string kb);
  void write_answer(const std::shared_ptr<Run>& run, ConversationStore::Exchange& exchange,
                    const Asked& asked, const std::string& kb);
  void finish(const std::shared_ptr<Run>& run, const ConversationStore::Exchange& exchange,
              const ConversationMessage& message, const std::optional<AskedQuestion>& asked);
  void sweep(std::stop_token stop);

  Options options_;
  Database& database_;
  ConversationStore& conversations_;
  KnowledgeCache& knowledge_;
  const Answerer& answerer_;
  ModelFinder find_model_;
  WorkerPool& workers_;
  Log& log_;

  struct Held {
    std::shared_ptr<Run> run;
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
JsonObject to_json_object(const ConversationMessage& message);
JsonObject to_json_object(const Answer& answer);
JsonObject usage_json(const Usage& usage, std::optional<double> cost_usd);
JsonArray nearest_json(const std::vector<NearestQuestion>& nearest);

}  // namespace quintet::faq
