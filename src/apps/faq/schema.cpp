#include "apps/faq/schema.h"

namespace quintet::faq {

namespace {

// faq_search holds a copy of the searchable text under the entry's rowid: SQLite 3.40 cannot delete from a
// contentless FTS5 table, and an external-content one needs the old text to delete a row.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE faq_kb (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  title       TEXT NOT NULL,
  description TEXT NOT NULL,
  revision    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE faq_entry (
  rowid        INTEGER PRIMARY KEY,
  kb_id        INTEGER NOT NULL REFERENCES faq_kb(id) ON DELETE CASCADE,
  id           TEXT NOT NULL,
  question     TEXT NOT NULL,
  answer       TEXT NOT NULL,
  alternatives TEXT NOT NULL,  -- JSON array
  tags         TEXT NOT NULL,  -- JSON array
  language     TEXT NOT NULL,
  url          TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  updated_by   TEXT NOT NULL,
  UNIQUE (kb_id, id)
) STRICT;

CREATE VIRTUAL TABLE faq_search USING fts5(
  question, alternatives, answer, tags, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
);

CREATE TABLE faq_change (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  kb_id     INTEGER NOT NULL REFERENCES faq_kb(id) ON DELETE CASCADE,
  time      INTEGER NOT NULL,
  actor     TEXT NOT NULL,
  kind      TEXT NOT NULL,
  summary   TEXT NOT NULL,
  n_entries INTEGER NOT NULL,
  undone_by INTEGER
) STRICT;
CREATE INDEX faq_change_by_kb ON faq_change(kb_id, id);

CREATE TABLE faq_change_entry (
  change_id INTEGER NOT NULL REFERENCES faq_change(id) ON DELETE CASCADE,
  entry_id  TEXT NOT NULL,
  before    TEXT,  -- JSON of the entry, NULL = it did not exist
  after     TEXT,  -- JSON of the entry, NULL = it was deleted
  PRIMARY KEY (change_id, entry_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX faq_change_entry_by_entry ON faq_change_entry(entry_id, change_id);

CREATE TABLE conversation (
  id         TEXT PRIMARY KEY,
  kb         TEXT NOT NULL,
  title      TEXT NOT NULL,
  owner      TEXT NOT NULL,  -- key id, '' on loopback without keys
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_by_time ON conversation(owner, updated_at);

CREATE TABLE message (
  id              TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
  position        INTEGER NOT NULL,
  role            TEXT NOT NULL,
  text            TEXT NOT NULL,
  status          TEXT NOT NULL,
  created_at      INTEGER NOT NULL,
  details         TEXT NOT NULL,  -- JSON: what an assistant message knows about itself
  rating          TEXT,
  comment         TEXT,
  UNIQUE (conversation_id, position)
) STRICT;

CREATE TABLE faq_question (
  id         TEXT PRIMARY KEY,
  kb_id      INTEGER NOT NULL REFERENCES faq_kb(id) ON DELETE CASCADE,
  text       TEXT NOT NULL,
  folded     TEXT NOT NULL,
  asked_at   INTEGER NOT NULL,
  refused    INTEGER NOT NULL,
  answer     TEXT NOT NULL,
  entry_id   TEXT,           -- the first entry that was used
  message_id TEXT,
  rating     TEXT,
  state      TEXT NOT NULL   -- 'none' | 'open' (in the inbox) | 'dismissed' | 'resolved'
) STRICT;
CREATE INDEX faq_question_open ON faq_question(kb_id, state, asked_at);
CREATE INDEX faq_question_by_message ON faq_question(message_id);
CREATE INDEX faq_question_by_time ON faq_question(kb_id, asked_at);

CREATE TABLE faq_entry_use (
  kb_id     INTEGER NOT NULL REFERENCES faq_kb(id) ON DELETE CASCADE,
  entry_id  TEXT NOT NULL,
  n_uses    INTEGER NOT NULL DEFAULT 0,
  n_up      INTEGER NOT NULL DEFAULT 0,
  n_down    INTEGER NOT NULL DEFAULT 0,
  last_used INTEGER,
  PRIMARY KEY (kb_id, entry_id)
) STRICT, WITHOUT ROWID;
)sql";

constexpr Migration kMigrations[] = {{"faq", 1, kVersion1}};

}  // namespace

std::span<const Migration> migrations() {
  return kMigrations;
}

}  // namespace quintet::faq
