#include "apps/chat/schema.h"

namespace quintet {

namespace {

// Databases of the time when conversations were the FAQ's have these tables from faq's first step.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE IF NOT EXISTS conversation (
  id         TEXT PRIMARY KEY,
  kb         TEXT NOT NULL,
  title      TEXT NOT NULL,
  owner      TEXT NOT NULL,  -- key id, '' on loopback without keys
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS conversation_by_time ON conversation(owner, updated_at);

CREATE TABLE IF NOT EXISTS message (
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
)sql";

constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE conversation ADD COLUMN app TEXT NOT NULL DEFAULT 'faq';
)sql";

constexpr Migration kMigrations[] = {{"chat", 1, kVersion1}, {"chat", 2, kVersion2}};

}  // namespace

std::span<const Migration> conversation_migrations() {
  return kMigrations;
}

}  // namespace quintet
