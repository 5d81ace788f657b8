#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "apps/chat/conversation_store.h"
#include "core/event_log.h"
#include "core/json.h"
#include "llm/chat_model.h"
#include "storage/connection.h"
#include "telemetry/trace.h"

namespace quintet {

/// A question as it was asked in a conversation.
struct AskedMessage {
  std::string text;   // empty when an earlier question is asked again
  std::string model;  // id, empty = default
  TraceContext trace;
};

/// What the readers of an answer see while it is written.
class AnswerFeed {
 public:
  /// Outlived by both.
  AnswerFeed(EventLog& events, std::string& text) : events_(events), text_(text) {}
  void delta(std::string_view text);
  /// What was shown so far is void.
  void reset(std::string_view reason);
  void retry(const RetryNotice& notice);

 private:
  void send(std::string type, const JsonObject& data);

  EventLog& events_;
  std::string& text_;
};

/// What an application does with its conversations. Any thread.
class Responder {
 public:
  virtual ~Responder() = default;

  /// Each throws for what cannot be answered, before anything is stored: NotFound (no such knowledge base or
  /// model), InvalidArgument (empty or oversized text).
  virtual void check_subject(std::string_view kb) const = 0;
  virtual void check_text(std::string_view text) const = 0;
  /// The id of the model that will answer. Throws NotFound.
  virtual std::string model_id(std::string_view asked) const = 0;

  /// A finished answer, and what to store with it in one transaction.
  struct Written {
    std::string text;
    MessageStatus status = MessageStatus::complete;
    JsonObject details;
    std::function<void(Connection&)> also_store;  // may be empty
  };
  /// What it throws makes a failed message, or an interrupted one when something was shown.
  virtual Written write(const ConversationStore::Exchange& exchange, std::string_view owner,
                        std::string_view kb, const AskedMessage& asked, AnswerFeed& feed,
                        std::stop_token stop) const = 0;

  /// Removes what `also_store` stored, when the answer is to be written anew.
  virtual void forget(Connection& db, std::string_view message_id) const = 0;
  /// The members that every answer shows, as they are before there is an answer.
  virtual JsonObject empty_details() const = 0;
  /// What `kb` is called for people: "Knowledge base".
  virtual std::string_view subject_name() const = 0;
  /// The sources of an answer for an export, as Markdown; empty = none.
  virtual std::string sources_markdown(const JsonObject& details) const = 0;
};

/// The status of a message whose model stopped for `reason`.
MessageStatus message_status(StopReason reason) noexcept;

/// Usage and cost as every answer shows them.
JsonObject usage_json(const Usage& usage, std::optional<double> cost_usd);
/// What the model behind an answer reports: model, provider, usage, cost_usd, latency_ms, first_token_ms,
/// trace_id.
JsonObject response_details(const ChatResponse& response);

}  // namespace quintet
