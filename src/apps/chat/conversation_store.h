#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/time.h"
#include "storage/database.h"

namespace quintet {

struct Conversation {
  std::string id;
  std::string app;  // whose it is: "faq", "docs"
  std::string kb;   // what it is about: a knowledge base, a collection
  std::string title;
  std::string owner;
  TimestampMs created_at = 0;
  TimestampMs updated_at = 0;
  std::int64_t n_messages = 0;
};

enum class MessageStatus : std::uint8_t { streaming, complete, cancelled, interrupted, failed };
std::string_view message_status_name(MessageStatus status) noexcept;

/// A message as a person sees it. `details` is what an assistant message knows about itself (sources,
/// confidence, model, cost …), in the form the HTTP API shows.
struct ConversationMessage {
  std::string id;
  std::string conversation_id;
  std::int64_t position = 0;
  std::string role;  // "user" | "assistant"
  std::string text;
  MessageStatus status = MessageStatus::complete;
  TimestampMs created_at = 0;
  JsonObject details;
  std::optional<std::string> rating;
};

/// Conversations and their messages, each owned by the key that began it: another owner's is NotFound. Any
/// thread; writes are durable when they return.
class ConversationStore {
 public:
  explicit ConversationStore(Database& database) : database_(database) {}

  /// A conversation's place in the list: several may have changed in one millisecond.
  struct Position {
    TimestampMs updated_at = 0;
    std::string id;
  };
  struct Page {
    std::vector<Conversation> conversations;  // newest first
    std::optional<Position> next;             // `after` of the next page
  };
  /// `app`, `kb` and `query` empty = all; `query` is looked for in titles and messages.
  Page list(std::string_view owner, std::string_view app, std::string_view kb, std::string_view query,
            const std::optional<Position>& after, std::int64_t limit) const;
  Conversation create(std::string_view owner, std::string_view app, std::string_view kb,
                      std::string_view title);
  Conversation get(std::string_view owner, std::string_view id) const;
  std::vector<ConversationMessage> messages(std::string_view owner, std::string_view id) const;
  /// With the owner of its conversation checked.
  ConversationMessage message(std::string_view owner, std::string_view message_id) const;
  Conversation rename(std::string_view owner, std::string_view id, std::string_view title);
  void remove(std::string_view owner, std::string_view id);

  /// Appends the user's message and an empty assistant message in state `streaming`, as one step. The first
  /// question becomes the title of a conversation that has none.
  struct Exchange {
    ConversationMessage question;
    ConversationMessage answer;
    std::vector<ConversationMessage> history;  // what came before
  };
  Exchange begin_exchange(std::string_view owner, std::string_view id, std::string_view text);
  /// Empties the last assistant message for another try; `forget` removes what else was stored about it, in
  /// the same transaction. Throws Conflict when it is not the last or still streaming.
  Exchange begin_retry(std::string_view owner, std::string_view id, std::string_view message_id,
                       const std::function<void(Connection&)>& forget);
  /// Stores a finished answer; used inside a caller's write.
  static void finish(Connection& db, const ConversationMessage& answer);
  /// Answers that were streaming when a process died become `interrupted`; called once at start.
  void mark_abandoned();

 private:
  Database& database_;
};

}  // namespace quintet
