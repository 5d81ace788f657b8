#include "apps/faq/knowledge_store.h"

#include <algorithm>

#include "apps/faq/knowledge_rows.h"
#include "core/ids.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

/// What a person types, as an FTS5 query: each word quoted (so that nothing is an operator), the last a
/// prefix.
std::string search_expression(std::string_view query) {
  std::string folded = fold_for_search(query);
  std::vector<std::string> words;
  std::string word;
  for (std::size_t pos = 0; pos < folded.size();) {
    const char32_t c = next_code_point(folded, pos);
    if (is_word_code_point(c)) {
      append_utf8(word, c);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  std::string expression;
  constexpr std::size_t kMaxWords = 32;
  for (std::size_t i = 0; i < std::min(words.size(), kMaxWords); ++i) {
    if (i > 0) expression += ' ';
    expression += cat('"', words[i], '"');
  }
  if (!expression.empty()) expression += '*';
  return expression;
}

void check_name(std::string_view name) {
  if (is_slug(name)) return;
  throw InvalidArgument(cat("a knowledge base's name is 1 to 64 of a-z, 0-9 and '-', not \"",
                            truncate_utf8(sanitize_utf8(name), 80), "\"; try \"", slug(name), "\""));
}

/// Another entry that asks exactly the same, if there is one.
void refuse_duplicate(Connection& db, std::int64_t kb_id, const FaqEntry& entry) {
  const std::string folded = fold_for_search(trim(entry.question));
  Statement all = db.prepare("SELECT id, question FROM faq_entry WHERE kb_id = ? AND id <> ?");
  all.bind(kb_id, entry.id);
  while (all.step()) {
    if (fold_for_search(trim(all.text(1))) == folded)
      throw Conflict(cat("entry ", all.text(0), " already asks \"", truncate_utf8(all.text(1), 100),
                         "\"; edit that one, or word the question differently"));
  }
}

StoredEntry require_entry(Connection& db, const KnowledgeBase& kb, std::string_view id) {
  if (auto stored = rows::find_entry(db, kb.id, id)) return std::move(*stored);
  throw NotFound(cat("knowledge base \"", kb.name, "\" has no entry ", id));
}

void require_revision(const std::optional<StoredEntry>& current, std::int64_t revision) {
  if (current && current->revision == revision) return;
  throw EditConflict(current ? cat("the entry was changed by ", current->updated_by, " since you opened it")
                             : "the entry was deleted since you opened it",
                     current);
}

}  // namespace

std::string_view change_kind_name(ChangeKind kind) noexcept {
  switch (kind) {
    case ChangeKind::create: return "create";
    case ChangeKind::update: return "update";
    case ChangeKind::remove: return "delete";
    case ChangeKind::import: return "import";
    case ChangeKind::undo: return "undo";
  }
  return "update";
}

std::vector<KnowledgeBase> KnowledgeStore::list() const {
  std::vector<KnowledgeBase> found;
  database_.read([&](Connection& db) {
    Statement all = db.prepare(cat("SELECT ", rows::kKbColumns, " FROM faq_kb ORDER BY id"));
    while (all.step()) found.push_back(rows::read_kb(all));
  });
  return found;
}

std::optional<KnowledgeBase> KnowledgeStore::find(std::string_view name) const {
  std::optional<KnowledgeBase> found;
  database_.read([&](Connection& db) {
    Statement one = db.prepare(cat("SELECT ", rows::kKbColumns, " FROM faq_kb WHERE name = ?"));
    one.bind(name);
    if (one.step()) found = rows::read_kb(one);
  });
  return found;
}

KnowledgeBase KnowledgeStore::get(std::string_view name) const {
  KnowledgeBase kb;
  database_.read([&](Connection& db) { kb = rows::require_kb(db, name); });
  return kb;
}

KnowledgeBase KnowledgeStore::create(std::string_view name, std::string_view title,
                                     std::string_view description) {
  check_name(name);
  KnowledgeBase kb;
  database_.write([&](Connection& db) {
    Statement taken = db.prepare("SELECT 1 FROM faq_kb WHERE name = ?");
    taken.bind(name);
    if (taken.step()) throw Conflict(cat("there is a knowledge base \"", name, "\" already"));
    const TimestampMs now = now_ms();
    db.execute(
        "INSERT INTO faq_kb (name, title, description, revision, created_at, updated_at) VALUES (?, ?, ?, 0, "
        "?, ?)",
        name, title.empty() ? name : title, description, now, now);
    kb = rows::require_kb(db, name);
  });
  return kb;
}

KnowledgeBase KnowledgeStore::rename(std::string_view name, std::optional<std::string> title,
                                     std::optional<std::string> description) {
  KnowledgeBase kb;
  database_.write([&](Connection& db) {
    kb = rows::require_kb(db, name);
    if (title && !trim(*title).empty()) kb.title = *title;
    if (description) kb.description = *description;
    kb.updated_at = now_ms();
    db.execute("UPDATE faq_kb SET title = ?, description = ?, updated_at = ? WHERE id = ?", kb.title,
               kb.description, kb.updated_at, kb.id);
  });
  return kb;
}

void KnowledgeStore::remove(std::string_view name) {
  database_.write([&](Connection& db) {
    const KnowledgeBase kb = rows::require_kb(db, name);
    db.execute("DELETE FROM faq_search WHERE rowid IN (SELECT rowid FROM faq_entry WHERE kb_id = ?)", kb.id);
    db.execute("DELETE FROM faq_kb WHERE id = ?", kb.id);
  });
}

KnowledgeStore::Snapshot KnowledgeStore::snapshot(std::string_view name) const {
  Snapshot snapshot;
  database_.read([&](Connection& db) {
    snapshot.kb = rows::require_kb(db, name);
    Statement all = db.prepare(
        cat("SELECT ", rows::kEntryColumns, " FROM faq_entry e WHERE e.kb_id = ? ORDER BY e.rowid"));
    all.bind(snapshot.kb.id);
    while (all.step()) snapshot.entries.push_back(rows::read_entry(all).entry);
  });
  return snapshot;
}

EntryPage KnowledgeStore::entries(std::string_view name, std::string_view query, std::string_view tag,
                                  std::int64_t offset, std::int64_t limit) const {
  EntryPage page;
  const std::string expression = search_expression(query);
  const std::string pattern = like_pattern(query);
  // An empty tag matches every entry; a search for signs alone, or in a script that FTS5 does not cut into
  // words, falls back to a plain substring.
  constexpr std::string_view kTagFilter =
      "(?2 = '' OR EXISTS (SELECT 1 FROM json_each(e.tags) t WHERE t.value = ?2))";
  const std::string from_all = cat("FROM faq_entry e WHERE e.kb_id = ?1 AND ", kTagFilter);
  const std::string from_search =
      cat("FROM faq_search s JOIN faq_entry e ON e.rowid = s.rowid WHERE e.kb_id = ?1 AND ", kTagFilter,
          " AND faq_search MATCH ?3");
  const std::string from_like = cat("FROM faq_entry e WHERE e.kb_id = ?1 AND ", kTagFilter,
                                    " AND (e.question LIKE ?3 ESCAPE '\\' OR e.answer LIKE ?3 ESCAPE '\\' OR "
                                    "e.alternatives LIKE ?3 ESCAPE '\\'"
                                    " OR e.id = ?3)");
  database_.read([&](Connection& db) {
    const KnowledgeBase kb = rows::require_kb(db, name);
    const auto run = [&](const std::string& from, std::string_view order, std::string_view third) {
      Statement count = db.prepare(cat("SELECT count(*) ", from));
      count.bind(kb.id, tag);
      if (!third.empty()) count.bind_text(3, third);
      if (count.step()) page.total = count.integer(0);
      Statement rows = db.prepare(cat("SELECT ", rows::kEntryColumns, " ", from, " ORDER BY ", order,
                                      " LIMIT ", limit, " OFFSET ", offset));
      rows.bind(kb.id, tag);
      if (!third.empty()) rows.bind_text(3, third);
      while (rows.step()) page.entries.push_back(rows::read_entry(rows));
    };
    if (trim(query).empty()) {
      run(from_all, "e.rowid", "");
    } else {
      // Weights: a hit in the question or an alternative says more than one in the answer.
      if (!expression.empty()) run(from_search, "bm25(faq_search, 8.0, 4.0, 1.0, 2.0)", expression);
      if (page.total == 0) run(from_like, "e.rowid", pattern);
    }
  });
  const auto end = offset + static_cast<std::int64_t>(page.entries.size());
  if (end < page.total && !page.entries.empty()) page.next = end;
  return page;
}

StoredEntry KnowledgeStore::entry(std::string_view name, std::string_view id) const {
  StoredEntry stored;
  database_.read([&](Connection& db) { stored = require_entry(db, rows::require_kb(db, name), id); });
  return stored;
}

StoredEntry KnowledgeStore::add(std::string_view name, FaqEntry entry, std::string_view actor) {
  validate(entry);
  StoredEntry stored;
  database_.write([&](Connection& db) {
    const KnowledgeBase kb = rows::require_kb(db, name);
    if (entry.id.empty()) entry.id = new_id("e_");
    if (rows::find_entry(db, kb.id, entry.id))
      throw Conflict(cat("there is an entry ", entry.id, " already"));
    refuse_duplicate(db, kb.id, entry);
    stored = *rows::put_entry(db, kb.id, entry.id, entry, actor);
    rows::record_change(db, kb.id, ChangeKind::create, cat("Added: ", truncate_utf8(entry.question, 120)),
                        actor, {{entry.id, std::nullopt, entry}});
  });
  return stored;
}

StoredEntry KnowledgeStore::update(std::string_view name, FaqEntry entry, std::int64_t revision,
                                   std::string_view actor) {
  validate(entry);
  StoredEntry stored;
  database_.write([&](Connection& db) {
    const KnowledgeBase kb = rows::require_kb(db, name);
    const auto current = rows::find_entry(db, kb.id, entry.id);
    require_revision(current, revision);
    if (current->entry == entry) {
      stored = *current;
      return;
    }
    refuse_duplicate(db, kb.id, entry);
    stored = *rows::put_entry(db, kb.id, entry.id, entry, actor);
    rows::record_change(db, kb.id, ChangeKind::update, cat("Edited: ", truncate_utf8(entry.question, 120)),
                        actor, {{entry.id, current->entry, entry}});
  });
  return stored;
}

void KnowledgeStore::remove_entry(std::string_view name, std::string_view id, std::int64_t revision,
                                  std::string_view actor) {
  database_.write([&](Connection& db) {
    const KnowledgeBase kb = rows::require_kb(db, name);
    const StoredEntry current = require_entry(db, kb, id);
    require_revision(current, revision);
    rows::put_entry(db, kb.id, id, std::nullopt, actor);
    rows::record_change(db, kb.id, ChangeKind::remove,
                        cat("Deleted: ", truncate_utf8(current.entry.question, 120)), actor,
                        {{std::string(id), current.entry, std::nullopt}});
  });
}

}  // namespace quintet::faq
