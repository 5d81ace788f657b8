#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/faq/entry.h"
#include "core/error.h"
#include "core/json.h"
#include "core/time.h"
#include "storage/database.h"

namespace quintet::faq {

/// A knowledge base without its entries.
struct KnowledgeBase {
  std::int64_t id = 0;
  std::string name;
  std::string title;
  std::string description;
  std::int64_t revision = 0;  // grows with every change to the entries
  TimestampMs updated_at = 0;
};

/// An entry as it is stored.
struct StoredEntry {
  FaqEntry entry;
  std::int64_t revision = 0;  // of this entry; an editor sends back the one it read
  TimestampMs updated_at = 0;
  std::string updated_by;
};

enum class ChangeKind : std::uint8_t { create, update, remove, import, undo };
std::string_view change_kind_name(ChangeKind kind) noexcept;

struct EntryChange {
  std::string entry_id;
  std::optional<FaqEntry> before;
  std::optional<FaqEntry> after;
};

struct Change {
  std::int64_t id = 0;
  TimestampMs time = 0;
  std::string actor;
  std::string kind;
  std::string summary;
  std::int64_t n_entries = 0;
  bool undone = false;
  std::vector<EntryChange> entries;  // the first kShownEntries
};

/// Two people edited the same entry; `current` is what the later one would overwrite (nothing: it was
/// deleted).
class EditConflict : public Conflict {
 public:
  EditConflict(const std::string& message, std::optional<StoredEntry> current)
      : Conflict(message), current_(std::move(current)) {}
  const std::optional<StoredEntry>& current() const noexcept { return current_; }

 private:
  std::optional<StoredEntry> current_;
};

struct EntryPage {
  std::vector<StoredEntry> entries;
  std::int64_t total = 0;
  std::optional<std::int64_t> next;  // offset of the next page
};

enum class ImportMode : std::uint8_t {
  merge,   // known questions are updated, new ones added, the rest stays
  replace  // afterwards the knowledge base holds exactly the imported entries
};

struct ImportCounts {
  std::int64_t n_new = 0;
  std::int64_t n_changed = 0;
  std::int64_t n_unchanged = 0;
  std::int64_t n_removed = 0;
  std::optional<std::int64_t> change_id;  // nothing when nothing changed
};

/// Knowledge bases with their entries and the history of every change. All methods may be called from any
/// thread; each write is one transaction, durable when it returns. Names that do not exist throw NotFound.
class KnowledgeStore {
 public:
  explicit KnowledgeStore(Database& database) : database_(database) {}

  std::vector<KnowledgeBase> list() const;
  KnowledgeBase get(std::string_view kb) const;
  std::optional<KnowledgeBase> find(std::string_view kb) const;
  /// Throws Conflict when the name is taken, InvalidArgument when it is not a slug [a-z0-9-]{1,64}.
  KnowledgeBase create(std::string_view name, std::string_view title, std::string_view description);
  KnowledgeBase rename(std::string_view kb, std::optional<std::string> title,
                       std::optional<std::string> description);
  void remove(std::string_view kb);

  /// Every entry in order of arrival, with the revision they belong to: what a matcher is trained on.
  struct Snapshot {
    KnowledgeBase kb;
    std::vector<FaqEntry> entries;
  };
  Snapshot snapshot(std::string_view kb) const;

  /// `query` searches question, alternatives, answer and tags, best first, the last word as a prefix; empty =
  /// all.
  EntryPage entries(std::string_view kb, std::string_view query, std::string_view tag, std::int64_t offset,
                    std::int64_t limit) const;
  StoredEntry entry(std::string_view kb, std::string_view id) const;

  /// Throws InvalidArgument for an entry that validate() refuses, Conflict when another entry asks the same.
  StoredEntry add(std::string_view kb, FaqEntry entry, std::string_view actor);
  /// Throws EditConflict when `revision` is not the stored one.
  StoredEntry update(std::string_view kb, FaqEntry entry, std::int64_t revision, std::string_view actor);
  void remove_entry(std::string_view kb, std::string_view id, std::int64_t revision, std::string_view actor);

  /// Entries with an id replace the entry of that id, others the one with the same question (ignoring case
  /// and accents). With `dry_run` counts only.
  ImportCounts import(std::string_view kb, std::vector<FaqEntry> entries, ImportMode mode,
                      std::string_view actor, std::string_view source, bool dry_run);

  struct ChangePage {
    std::vector<Change> changes;  // newest first
    std::optional<std::int64_t> next;
  };
  ChangePage history(std::string_view kb, std::optional<std::int64_t> before, std::int64_t limit) const;
  /// Puts back what `change_id` replaced, as a new change. Throws Conflict when a later change touched the
  /// same entries, or when it is undone already.
  std::int64_t undo(std::string_view kb, std::int64_t change_id, std::string_view actor);

  static constexpr std::int64_t kShownEntries = 20;

 private:
  Database& database_;
};

/// Throws InvalidArgument naming the field: question and answer are needed, each within its limit; valid
/// UTF-8.
void validate(const FaqEntry& entry);

JsonObject to_json_object(const FaqEntry& entry);
FaqEntry entry_from_json(const JsonObject& object);

/// A slug for a knowledge base's name from a file name or a title: "My FAQ.json" gives "my-faq".
std::string slug(std::string_view text);

}  // namespace quintet::faq
