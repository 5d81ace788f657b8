#include "apps/chat/conversation_store.h"

#include "core/error.h"
#include "core/ids.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr std::string_view kConversationColumns =
    "c.id, c.app, c.kb, c.title, c.owner, c.created_at, c.updated_at, "
    "(SELECT count(*) FROM message m WHERE m.conversation_id = c.id)";
constexpr std::string_view kMessageColumns =
    "m.id, m.conversation_id, m.position, m.role, m.text, m.status, m.created_at, m.details, m.rating";
constexpr std::size_t kMaxTitleBytes = 200;
constexpr std::size_t kTitleFromQuestionBytes = 80;

Conversation read_conversation(const Statement& row) {
  return {row.text(0), row.text(1),    row.text(2),    row.text(3),
          row.text(4), row.integer(5), row.integer(6), row.integer(7)};
}

MessageStatus parse_status(std::string_view name) {
  for (const auto status : {MessageStatus::streaming, MessageStatus::complete, MessageStatus::cancelled,
                            MessageStatus::interrupted, MessageStatus::failed})
    if (message_status_name(status) == name) return status;
  throw CorruptData(cat("a stored message has the unknown status \"", name, "\""));
}

ConversationMessage read_message(const Statement& row) {
  ConversationMessage message;
  message.id = row.text(0);
  message.conversation_id = row.text(1);
  message.position = row.integer(2);
  message.role = row.text(3);
  message.text = row.text(4);
  message.status = parse_status(row.text(5));
  message.created_at = row.integer(6);
  message.details = require_object(parse_json(row.text(7), "a stored message"), "a stored message");
  message.rating = row.optional_text(8);
  return message;
}

Conversation require_conversation(Connection& db, std::string_view owner, std::string_view id) {
  Statement find =
      db.prepare(cat("SELECT ", kConversationColumns, " FROM conversation c WHERE c.id = ? AND owner = ?"));
  find.bind(id, owner);
  if (!find.step()) throw NotFound(cat("there is no conversation ", truncate_utf8(sanitize_utf8(id), 80)));
  return read_conversation(find);
}

std::vector<ConversationMessage> read_messages(Connection& db, std::string_view id) {
  std::vector<ConversationMessage> messages;
  Statement rows = db.prepare(
      cat("SELECT ", kMessageColumns, " FROM message m WHERE m.conversation_id = ? ORDER BY m.position"));
  rows.bind(id);
  while (rows.step()) messages.push_back(read_message(rows));
  return messages;
}

void insert_message(Connection& db, const ConversationMessage& message) {
  db.execute(
      "INSERT INTO message (id, conversation_id, position, role, text, status, created_at, details) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      message.id, message.conversation_id, message.position, message.role, message.text,
      message_status_name(message.status), message.created_at, to_json(message.details));
}

std::string title_from(std::string_view question) {
  std::string line(trim(question.substr(0, question.find('\n'))));
  if (line.size() <= kTitleFromQuestionBytes) return line;
  std::string_view cut = truncate_utf8(line, kTitleFromQuestionBytes);
  if (const auto space = cut.find_last_of(' '); space != std::string_view::npos && space > 20)
    cut = cut.substr(0, space);
  return cat(cut, "…");
}

}  // namespace

std::string_view message_status_name(MessageStatus status) noexcept {
  switch (status) {
    case MessageStatus::streaming: return "streaming";
    case MessageStatus::complete: return "complete";
    case MessageStatus::cancelled: return "cancelled";
    case MessageStatus::interrupted: return "interrupted";
    case MessageStatus::failed: return "failed";
  }
  return "failed";
}

ConversationStore::Page ConversationStore::list(std::string_view owner, std::string_view app,
                                                std::string_view kb, std::string_view query,
                                                const std::optional<Position>& after,
                                                std::int64_t limit) const {
  Page page;
  database_.read([&](Connection& db) {
    Statement rows =
        db.prepare(cat("SELECT ", kConversationColumns,
                       " FROM conversation c WHERE c.owner = ?1 AND (?2 = '' OR c.kb = ?2) AND (?3 = '%%' OR "
                       "c.title LIKE ?3 "
                       "ESCAPE '\\' OR EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id AND "
                       "m.text LIKE ?3 ESCAPE "
                       "'\\')) AND (?4 IS NULL OR (c.updated_at, c.id) < (?4, ?5)) AND (?7 = '' OR c.app = "
                       "?7) ORDER BY c.updated_at DESC, c.id DESC "
                       "LIMIT ?6"));
    std::optional<TimestampMs> time;
    std::optional<std::string> id;
    if (after) {
      time = after->updated_at;
      id = after->id;
    }
    rows.bind(owner, kb, like_pattern(trim(query)), time, id, limit + 1, app);
    while (rows.step()) {
      if (static_cast<std::int64_t>(page.conversations.size()) == limit) {
        page.next = {page.conversations.back().updated_at, page.conversations.back().id};
        break;
      }
      page.conversations.push_back(read_conversation(rows));
    }
  });
  return page;
}

Conversation ConversationStore::create(std::string_view owner, std::string_view app, std::string_view kb,
                                       std::string_view title) {
  Conversation made{new_id("c_"),       std::string(app),
                    std::string(kb),    std::string(truncate_utf8(trim(title), kMaxTitleBytes)),
                    std::string(owner), now_ms(),
                    now_ms(),           0};
  database_.write([&](Connection& db) {
    db.execute(
        "INSERT INTO conversation (id, app, kb, title, owner, created_at, updated_at) VALUES (?, ?, ?, ?, ?, "
        "?, ?)",
        made.id, made.app, made.kb, made.title, made.owner, made.created_at, made.updated_at);
  });
  return made;
}

Conversation ConversationStore::get(std::string_view owner, std::string_view id) const {
  Conversation found;
  database_.read([&](Connection& db) { found = require_conversation(db, owner, id); });
  return found;
}

std::vector<ConversationMessage> ConversationStore::messages(std::string_view owner,
                                                             std::string_view id) const {
  std::vector<ConversationMessage> found;
  database_.read([&](Connection& db) {
    require_conversation(db, owner, id);
    found = read_messages(db, id);
  });
  return found;
}

ConversationMessage ConversationStore::message(std::string_view owner, std::string_view message_id) const {
  ConversationMessage found;
  database_.read([&](Connection& db) {
    Statement find = db.prepare(cat("SELECT ", kMessageColumns,
                                    " FROM message m JOIN conversation c ON c.id = m.conversation_id "
                                    "WHERE m.id = ? AND c.owner = ?"));
    find.bind(message_id, owner);
    if (!find.step())
      throw NotFound(cat("there is no message ", truncate_utf8(sanitize_utf8(message_id), 80)));
    found = read_message(find);
  });
  return found;
}

Conversation ConversationStore::rename(std::string_view owner, std::string_view id, std::string_view title) {
  title = trim(title);
  if (title.empty()) throw InvalidArgument("a conversation's title cannot be empty");
  Conversation renamed;
  database_.write([&](Connection& db) {
    renamed = require_conversation(db, owner, id);
    renamed.title = truncate_utf8(title, kMaxTitleBytes);
    db.execute("UPDATE conversation SET title = ? WHERE id = ?", renamed.title, id);
  });
  return renamed;
}

void ConversationStore::remove(std::string_view owner, std::string_view id) {
  database_.write([&](Connection& db) {
    require_conversation(db, owner, id);
    db.execute("DELETE FROM conversation WHERE id = ?", id);
  });
}

ConversationStore::Exchange ConversationStore::begin_exchange(std::string_view owner, std::string_view id,
                                                              std::string_view text) {
  Exchange exchange;
  database_.write([&](Connection& db) {
    const Conversation conversation = require_conversation(db, owner, id);
    exchange = {};
    exchange.history = read_messages(db, id);
    if (!exchange.history.empty() && exchange.history.back().status == MessageStatus::streaming)
      throw Conflict("the previous question is still being answered; wait for it or stop it");
    const std::int64_t position = exchange.history.empty() ? 0 : exchange.history.back().position + 1;
    const TimestampMs now = now_ms();
    exchange.question = {new_id("m_"),
                         std::string(id),
                         position,
                         "user",
                         std::string(text),
                         MessageStatus::complete,
                         now,
                         {},
                         {}};
    exchange.answer = {
        new_id("m_"), std::string(id), position + 1, "assistant", "", MessageStatus::streaming, now, {}, {}};
    insert_message(db, exchange.question);
    insert_message(db, exchange.answer);
    db.execute("UPDATE conversation SET updated_at = ?, title = ? WHERE id = ?", now,
               conversation.title.empty() ? title_from(text) : conversation.title, id);
  });
  return exchange;
}

ConversationStore::Exchange ConversationStore::begin_retry(std::string_view owner, std::string_view id,
                                                           std::string_view message_id,
                                                           const std::function<void(Connection&)>& forget) {
  Exchange exchange;
  database_.write([&](Connection& db) {
    require_conversation(db, owner, id);
    exchange = {};
    exchange.history = read_messages(db, id);
    if (exchange.history.size() < 2 || exchange.history.back().id != message_id)
      throw Conflict("only the last answer of a conversation can be tried again");
    if (exchange.history.back().status == MessageStatus::streaming)
      throw Conflict("this answer is still being written; stop it first");
    exchange.answer = std::move(exchange.history.back());
    exchange.history.pop_back();
    exchange.question = std::move(exchange.history.back());
    exchange.history.pop_back();
    exchange.answer.text.clear();
    exchange.answer.details.clear();
    exchange.answer.rating.reset();
    exchange.answer.status = MessageStatus::streaming;
    exchange.answer.created_at = now_ms();
    forget(db);
    db.execute(
        "UPDATE message SET text = '', details = '{}', rating = NULL, comment = NULL, status = 'streaming', "
        "created_at = ? WHERE id = ?",
        exchange.answer.created_at, message_id);
  });
  return exchange;
}

void ConversationStore::finish(Connection& db, const ConversationMessage& answer) {
  db.execute("UPDATE message SET text = ?, status = ?, details = ? WHERE id = ?", answer.text,
             message_status_name(answer.status), to_json(answer.details), answer.id);
  db.execute("UPDATE conversation SET updated_at = ? WHERE id = ?", now_ms(), answer.conversation_id);
}

void ConversationStore::mark_abandoned() {
  database_.write([](Connection& db) {
    db.execute(
        "UPDATE message SET status = 'interrupted', details = json_set(details, '$.error', "
        "'the server stopped while this was being written') WHERE status = 'streaming'");
  });
}

}  // namespace quintet
