#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/faq/knowledge_store.h"

/// SQL of single rows, shared by the files that implement KnowledgeStore. Not for use outside this folder.
namespace quintet::faq::rows {

/// Throws NotFound naming the knowledge base and, when there are few, the ones that exist.
KnowledgeBase require_kb(Connection& db, std::string_view name);
KnowledgeBase read_kb(const Statement& row);
constexpr std::string_view kKbColumns = "id, name, title, description, revision, updated_at";

constexpr std::string_view kEntryColumns =
    "e.id, e.question, e.answer, e.alternatives, e.tags, e.language, e.url, e.revision, e.updated_at, "
    "e.updated_by";
StoredEntry read_entry(const Statement& row);
std::optional<StoredEntry> find_entry(Connection& db, std::int64_t kb_id, std::string_view id);

/// Writes `after` over whatever has its id (or `before`'s), keeping the search index in step; a missing
/// `after` deletes. Returns the stored form.
std::optional<StoredEntry> put_entry(Connection& db, std::int64_t kb_id, std::string_view id,
                                     const std::optional<FaqEntry>& after, std::string_view actor);

/// Records the change and moves the knowledge base's revision on. Returns the change's id.
std::int64_t record_change(Connection& db, std::int64_t kb_id, ChangeKind kind, std::string_view summary,
                           std::string_view actor, const std::vector<EntryChange>& entries);

}  // namespace quintet::faq::rows
