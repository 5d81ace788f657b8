// KnowledgeStore: whole-file imports, the history of changes and their undoing.
#include <unordered_map>
#include <unordered_set>

#include "apps/faq/knowledge_rows.h"
#include "apps/faq/knowledge_store.h"
#include "core/ids.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

/// The entries of a knowledge base by id and by folded question, to tell new ones from known ones.
class KnownEntries {
 public:
  KnownEntries(Connection& db, std::int64_t kb_id) {
    Statement all = db.prepare(
        cat("SELECT ", rows::kEntryColumns, " FROM faq_entry e WHERE e.kb_id = ? ORDER BY e.rowid"));
    all.bind(kb_id);
    while (all.step()) {
      FaqEntry entry = rows::read_entry(all).entry;
      by_question_.emplace(fold_for_search(trim(entry.question)), entry.id);
      by_id_.emplace(entry.id, std::move(entry));
    }
  }

  const FaqEntry* find(const FaqEntry& entry) const {
    if (!entry.id.empty()) {
      if (const auto found = by_id_.find(entry.id); found != by_id_.end()) return &found->second;
    }
    const auto same = by_question_.find(fold_for_search(trim(entry.question)));
    return same == by_question_.end() ? nullptr : &by_id_.at(same->second);
  }

  const std::unordered_map<std::string, FaqEntry>& by_id() const noexcept { return by_id_; }

 private:
  std::unordered_map<std::string, FaqEntry> by_id_;
  std::unordered_map<std::string, std::string> by_question_;
};

std::optional<FaqEntry> entry_or_nothing(const std::optional<std::string>& json) {
  if (!json) return std::nullopt;
  return entry_from_json(require_object(parse_json(*json, "a stored entry"), "a stored entry"));
}

std::vector<EntryChange> read_change_entries(Connection& db, std::int64_t change_id, std::int64_t limit) {
  std::vector<EntryChange> entries;
  Statement rows = db.prepare(
      "SELECT entry_id, before, after FROM faq_change_entry WHERE change_id = ? ORDER BY entry_id LIMIT ?");
  rows.bind(change_id, limit);
  while (rows.step())
    entries.push_back(
        {rows.text(0), entry_or_nothing(rows.optional_text(1)), entry_or_nothing(rows.optional_text(2))});
  return entries;
}

}  // namespace

ImportCounts KnowledgeStore::import(std::string_view name, std::vector<FaqEntry> entries, ImportMode mode,
                                    std::string_view actor, std::string_view source, bool dry_run) {
  for (const auto& entry : entries) validate(entry);
  ImportCounts counts;
  const auto work = [&](Connection& db) {
    counts = {};
    const KnowledgeBase kb = rows::require_kb(db, name);
    const KnownEntries known(db, kb.id);
    std::vector<EntryChange> changes;
    std::unordered_set<std::string> kept;
    for (auto& entry : entries) {
      const FaqEntry* before = known.find(entry);
      if (before == nullptr) {
        if (entry.id.empty()) entry.id = new_id("e_");
        if (!kept.insert(entry.id).second) continue;  // the same id twice in one file: the first wins
        ++counts.n_new;
        changes.push_back({entry.id, std::nullopt, entry});
        continue;
      }
      entry.id = before->id;
      if (!kept.insert(entry.id).second) continue;
      if (*before == entry) {
        ++counts.n_unchanged;
      } else {
        ++counts.n_changed;
        changes.push_back({entry.id, *before, entry});
      }
    }
    if (mode == ImportMode::replace) {
      for (const auto& [id, entry] : known.by_id()) {
        if (kept.contains(id)) continue;
        ++counts.n_removed;
        changes.push_back({id, entry, std::nullopt});
      }
    }
    if (dry_run || changes.empty()) return;
    for (const auto& change : changes) rows::put_entry(db, kb.id, change.entry_id, change.after, actor);
    const std::string summary = cat("Imported ", source, ": ", counts.n_new, " new, ", counts.n_changed,
                                    " changed, ", counts.n_removed, " removed");
    counts.change_id = rows::record_change(db, kb.id, ChangeKind::import, summary, actor, changes);
  };
  if (dry_run) {
    database_.read(work);
  } else {
    database_.write(work);
  }
  return counts;
}

KnowledgeStore::ChangePage KnowledgeStore::history(std::string_view name, std::optional<std::int64_t> before,
                                                   std::int64_t limit) const {
  ChangePage page;
  database_.read([&](Connection& db) {
    const KnowledgeBase kb = rows::require_kb(db, name);
    Statement rows = db.prepare(
        "SELECT id, time, actor, kind, summary, n_entries, undone_by IS NOT NULL FROM faq_change "
        "WHERE kb_id = ? AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3");
    rows.bind(kb.id, before, limit + 1);
    while (rows.step()) {
      if (static_cast<std::int64_t>(page.changes.size()) == limit) {
        page.next = page.changes.back().id;
        break;
      }
      page.changes.push_back({rows.integer(0),
                              rows.integer(1),
                              rows.text(2),
                              rows.text(3),
                              rows.text(4),
                              rows.integer(5),
                              rows.integer(6) != 0,
                              {}});
    }
    for (auto& change : page.changes) change.entries = read_change_entries(db, change.id, kShownEntries);
  });
  return page;
}

std::int64_t KnowledgeStore::undo(std::string_view name, std::int64_t change_id, std::string_view actor) {
  std::int64_t undo_id = 0;
  database_.write([&](Connection& db) {
    const KnowledgeBase kb = rows::require_kb(db, name);
    Statement find = db.prepare("SELECT summary, undone_by FROM faq_change WHERE kb_id = ? AND id = ?");
    find.bind(kb.id, change_id);
    if (!find.step()) throw NotFound(cat("knowledge base \"", kb.name, "\" has no change ", change_id));
    if (!find.is_null(1)) throw Conflict("this change is undone already");
    const std::string summary = find.text(0);
    Statement later = db.prepare(
        "SELECT c.summary FROM faq_change_entry mine JOIN faq_change_entry theirs ON theirs.entry_id = "
        "mine.entry_id "
        "AND theirs.change_id > mine.change_id JOIN faq_change c ON c.id = theirs.change_id "
        "WHERE mine.change_id = ? AND c.kb_id = ? AND c.undone_by IS NULL AND c.kind <> 'undo' LIMIT 1");
    later.bind(change_id, kb.id);
    if (later.step())
      throw Conflict(
          cat("a later change touched the same entries (\"", later.text(0), "\"); undo that one first"));
    std::vector<EntryChange> reversed;
    for (auto& change : read_change_entries(db, change_id, -1)) {
      rows::put_entry(db, kb.id, change.entry_id, change.before, actor);
      reversed.push_back({change.entry_id, std::move(change.after), std::move(change.before)});
    }
    undo_id = rows::record_change(db, kb.id, ChangeKind::undo, cat("Undid: ", summary), actor, reversed);
    db.execute("UPDATE faq_change SET undone_by = ? WHERE id = ?", undo_id, change_id);
  });
  return undo_id;
}

}  // namespace quintet::faq
