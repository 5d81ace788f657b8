#include "apps/faq/question_log.h"

#include "core/error.h"
#include "core/ids.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

constexpr std::size_t kMaxLoggedBytes = 4000;

void count_rating(Connection& db, std::int64_t kb_id, std::string_view entry_id, std::string_view rating,
                  int delta) {
  const bool up = rating == "up";
  db.execute(
      "INSERT INTO faq_entry_use (kb_id, entry_id, n_up, n_down) VALUES (?1, ?2, max(?3, 0), max(?4, 0)) "
      "ON CONFLICT (kb_id, entry_id) DO UPDATE SET n_up = max(n_up + ?3, 0), n_down = max(n_down + ?4, 0)",
      kb_id, entry_id, up ? delta : 0, up ? 0 : delta);
}

}  // namespace

std::optional<Rating> parse_rating(std::string_view name) noexcept {
  if (name == "up") return Rating::up;
  if (name == "down") return Rating::down;
  return std::nullopt;
}

std::string_view rating_name(Rating rating) noexcept {
  return rating == Rating::up ? "up" : "down";
}

void QuestionLog::record(Connection& db, const AskedQuestion& asked) {
  const std::string text(truncate_utf8(asked.text, kMaxLoggedBytes));
  std::optional<std::string> entry_id;
  if (!asked.entry_ids.empty()) entry_id = asked.entry_ids.front();
  std::optional<std::string> message_id;
  if (!asked.message_id.empty()) message_id = asked.message_id;
  db.execute(
      "INSERT INTO faq_question (id, kb_id, text, folded, asked_at, refused, answer, entry_id, message_id, "
      "state) "
      "SELECT ?, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM faq_kb WHERE id = ?2",
      asked.id.empty() ? new_id("q_") : asked.id, asked.kb_id, text, fold_for_search(trim(text)),
      asked.asked_at, asked.refused, truncate_utf8(asked.answer, kMaxLoggedBytes), entry_id, message_id,
      asked.refused ? "open" : "none");
  for (const auto& id : asked.entry_ids) {
    db.execute(
        "INSERT INTO faq_entry_use (kb_id, entry_id, n_uses, last_used) SELECT id, ?2, 1, ?3 FROM faq_kb "
        "WHERE id = ?1 "
        "ON CONFLICT (kb_id, entry_id) DO UPDATE SET n_uses = n_uses + 1, last_used = excluded.last_used",
        asked.kb_id, id, asked.asked_at);
  }
}

void QuestionLog::record_later(AskedQuestion asked) {
  database_.write_later([asked = std::move(asked)](Connection& db) { record(db, asked); });
}

void QuestionLog::rate(std::string_view message_id, std::optional<Rating> rating, std::string_view comment) {
  database_.write([&](Connection& db) {
    Statement find = db.prepare("SELECT rating FROM message WHERE id = ? AND role = 'assistant'");
    find.bind(message_id);
    if (!find.step()) throw NotFound(cat("there is no answer ", message_id));
    const auto old = find.optional_text(0);
    std::optional<std::string> now;
    if (rating) now = rating_name(*rating);
    db.execute("UPDATE message SET rating = ?, comment = ? WHERE id = ?", now,
               truncate_utf8(comment, kMaxLoggedBytes), message_id);
    Statement question =
        db.prepare("SELECT kb_id, entry_id, refused, state FROM faq_question WHERE message_id = ?");
    question.bind(message_id);
    if (!question.step()) return;
    const std::int64_t kb_id = question.integer(0);
    if (const auto entry_id = question.optional_text(1)) {
      if (old) count_rating(db, kb_id, *entry_id, *old, -1);
      if (now) count_rating(db, kb_id, *entry_id, *now, 1);
    }
    const bool wanted = question.integer(2) != 0 || now == "down";
    const std::string state = question.text(3);
    const bool settled = state == "dismissed" || state == "resolved";
    db.execute("UPDATE faq_question SET rating = ?, state = ? WHERE message_id = ?", now,
               wanted ? (settled && now != "down" ? state : "open") : "none", message_id);
  });
}

std::vector<InboxQuestion> QuestionLog::open_questions(std::int64_t kb_id) const {
  std::vector<InboxQuestion> questions;
  database_.read([&](Connection& db) {
    // SQLite takes the bare columns from the row that holds the maximum (documented for a lone max()).
    Statement rows = db.prepare(
        "SELECT id, text, max(asked_at), rating IS 'down', answer, count(*) FROM faq_question "
        "WHERE kb_id = ? AND state = 'open' GROUP BY folded, rating IS 'down' ORDER BY max(asked_at) DESC "
        "LIMIT 2000");
    rows.bind(kb_id);
    while (rows.step()) {
      const bool rated_down = rows.integer(3) != 0;
      questions.push_back({rows.text(0), rows.text(1), rows.integer(2),
                           rated_down ? "rated_down" : "unanswered", rated_down ? rows.text(4) : "",
                           rows.integer(5)});
    }
  });
  return questions;
}

void QuestionLog::settle(std::int64_t kb_id, std::span<const std::string> ids, std::string_view state) {
  database_.write([&](Connection& db) {
    for (const auto& id : ids) {
      db.execute(
          "UPDATE faq_question SET state = ?1 WHERE kb_id = ?2 AND state = 'open' AND folded = "
          "(SELECT folded FROM faq_question WHERE id = ?3 AND kb_id = ?2)",
          state, kb_id, id);
    }
  });
}

void QuestionLog::dismiss(std::int64_t kb_id, std::span<const std::string> ids) {
  settle(kb_id, ids, "dismissed");
}
void QuestionLog::resolve(std::int64_t kb_id, std::span<const std::string> ids) {
  settle(kb_id, ids, "resolved");
}

std::vector<std::string> QuestionLog::texts(std::int64_t kb_id, std::span<const std::string> ids) const {
  std::vector<std::string> texts;
  database_.read([&](Connection& db) {
    for (const auto& id : ids) {
      Statement find = db.prepare("SELECT text FROM faq_question WHERE kb_id = ? AND id = ?");
      find.bind(kb_id, id);
      if (!find.step()) throw NotFound(cat("the inbox has no question ", id));
      texts.push_back(find.text(0));
    }
  });
  return texts;
}

std::vector<EntryUse> QuestionLog::entry_uses(std::int64_t kb_id) const {
  std::vector<EntryUse> uses;
  database_.read([&](Connection& db) {
    Statement rows = db.prepare(
        "SELECT e.id, e.question, coalesce(u.n_uses, 0), coalesce(u.n_up, 0), coalesce(u.n_down, 0), "
        "u.last_used "
        "FROM faq_entry e LEFT JOIN faq_entry_use u ON u.kb_id = e.kb_id AND u.entry_id = e.id "
        "WHERE e.kb_id = ? ORDER BY coalesce(u.n_uses, 0) DESC, e.rowid");
    rows.bind(kb_id);
    while (rows.step()) {
      uses.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.integer(3), rows.integer(4),
                      rows.optional_integer(5)});
    }
  });
  return uses;
}

FaqStats QuestionLog::stats(std::int64_t kb_id, int n_days) const {
  FaqStats stats;
  const TimestampMs since = now_ms() - static_cast<TimestampMs>(n_days) * 86'400'000;
  database_.read([&](Connection& db) {
    Statement days = db.prepare(
        "SELECT date(asked_at / 1000, 'unixepoch'), sum(refused = 0), sum(refused), sum(rating IS 'up'), "
        "sum(rating IS 'down') FROM faq_question WHERE kb_id = ? AND asked_at >= ? GROUP BY 1 ORDER BY 1");
    days.bind(kb_id, since);
    while (days.step()) {
      stats.days.push_back({days.text(0), days.integer(1), days.integer(2)});
      stats.n_answered += days.integer(1);
      stats.n_refused += days.integer(2);
      stats.n_up += days.integer(3);
      stats.n_down += days.integer(4);
    }
  });
  stats.entries = entry_uses(kb_id);
  return stats;
}

}  // namespace quintet::faq
