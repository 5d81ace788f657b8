#include "apps/faq/knowledge_rows.h"

#include "core/text.h"

namespace quintet::faq::rows {

namespace {

std::vector<std::string> strings_of(std::string_view json) {
  const Json list = parse_json(json, "a stored list");
  std::vector<std::string> strings;
  for (const auto& element : list.as_array()) strings.emplace_back(element.as_string());
  return strings;
}

std::optional<std::string> json_text(const std::optional<FaqEntry>& entry) {
  if (!entry) return std::nullopt;
  return to_json(to_json_object(*entry));
}

}  // namespace

KnowledgeBase read_kb(const Statement& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), row.integer(4), row.integer(5)};
}

KnowledgeBase require_kb(Connection& db, std::string_view name) {
  Statement find = db.prepare(cat("SELECT ", kKbColumns, " FROM faq_kb WHERE name = ?"));
  find.bind(name);
  if (find.step()) return read_kb(find);
  std::vector<std::string> names;
  Statement all = db.prepare("SELECT name FROM faq_kb ORDER BY name LIMIT 11");
  while (all.step()) names.push_back(all.text(0));
  if (names.empty())
    throw NotFound(
        cat("there is no knowledge base \"", name, "\"; none exists yet: import a file to make one"));
  throw NotFound(cat("there is no knowledge base \"", name, "\"; there ", names.size() == 1 ? "is " : "are ",
                     names.size() > 10 ? "many (list them)" : join(names, ", ")));
}

StoredEntry read_entry(const Statement& row) {
  StoredEntry stored;
  stored.entry.id = row.text(0);
  stored.entry.question = row.text(1);
  stored.entry.answer = row.text(2);
  stored.entry.alternatives = strings_of(row.text(3));
  stored.entry.tags = strings_of(row.text(4));
  stored.entry.language = row.text(5);
  stored.entry.url = row.text(6);
  stored.revision = row.integer(7);
  stored.updated_at = row.integer(8);
  stored.updated_by = row.text(9);
  return stored;
}

std::optional<StoredEntry> find_entry(Connection& db, std::int64_t kb_id, std::string_view id) {
  Statement find =
      db.prepare(cat("SELECT ", kEntryColumns, " FROM faq_entry e WHERE e.kb_id = ? AND e.id = ?"));
  find.bind(kb_id, id);
  if (!find.step()) return std::nullopt;
  return read_entry(find);
}

std::optional<StoredEntry> put_entry(Connection& db, std::int64_t kb_id, std::string_view id,
                                     const std::optional<FaqEntry>& after, std::string_view actor) {
  std::optional<std::int64_t> rowid;
  std::int64_t revision = 1;
  {
    Statement find = db.prepare("SELECT rowid, revision FROM faq_entry WHERE kb_id = ? AND id = ?");
    find.bind(kb_id, id);
    if (find.step()) {
      rowid = find.integer(0);
      revision = find.integer(1) + 1;
    }
  }
  if (rowid) db.execute("DELETE FROM faq_search WHERE rowid = ?", *rowid);
  if (!after) {
    if (rowid) db.execute("DELETE FROM faq_entry WHERE rowid = ?", *rowid);
    return std::nullopt;
  }
  const TimestampMs now = now_ms();
  const std::string alternatives = to_json(to_json_array(after->alternatives));
  const std::string tags = to_json(to_json_array(after->tags));
  if (rowid) {
    db.execute(
        "UPDATE faq_entry SET question = ?, answer = ?, alternatives = ?, tags = ?, language = ?, url = ?, "
        "revision = ?, updated_at = ?, updated_by = ? WHERE rowid = ?",
        after->question, after->answer, alternatives, tags, after->language, after->url, revision, now, actor,
        *rowid);
  } else {
    db.execute(
        "INSERT INTO faq_entry (kb_id, id, question, answer, alternatives, tags, language, url, revision, "
        "updated_at, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        kb_id, id, after->question, after->answer, alternatives, tags, after->language, after->url, revision,
        now, actor);
    rowid = db.last_insert_rowid();
  }
  db.execute("INSERT INTO faq_search (rowid, question, alternatives, answer, tags) VALUES (?, ?, ?, ?, ?)",
             *rowid, after->question, join(after->alternatives, "\n"), after->answer,
             join(after->tags, "\n"));
  StoredEntry stored{*after, revision, now, std::string(actor)};
  stored.entry.id = std::string(id);
  return stored;
}

std::int64_t record_change(Connection& db, std::int64_t kb_id, ChangeKind kind, std::string_view summary,
                           std::string_view actor, const std::vector<EntryChange>& entries) {
  const TimestampMs now = now_ms();
  db.execute(
      "INSERT INTO faq_change (kb_id, time, actor, kind, summary, n_entries) VALUES (?, ?, ?, ?, ?, ?)",
      kb_id, now, actor, change_kind_name(kind), summary, entries.size());
  const std::int64_t change_id = db.last_insert_rowid();
  for (const auto& entry : entries) {
    db.execute("INSERT INTO faq_change_entry (change_id, entry_id, before, after) VALUES (?, ?, ?, ?)",
               change_id, entry.entry_id, json_text(entry.before), json_text(entry.after));
  }
  db.execute("UPDATE faq_kb SET revision = revision + 1, updated_at = ? WHERE id = ?", now, kb_id);
  return change_id;
}

}  // namespace quintet::faq::rows
