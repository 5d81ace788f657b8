#include "apps/docs/schema.h"

namespace quintet::docs {

namespace {

// A document is read under a new version beside the one that answers; pages and chunks belong to a version,
// and the document's row says in one word which of them is shown. So a reading that dies half way is never
// seen.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE docs_collection (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  name        TEXT NOT NULL UNIQUE,
  title       TEXT NOT NULL,
  description TEXT NOT NULL,
  settings    TEXT NOT NULL,  -- JSON
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE docs_document (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id     TEXT NOT NULL UNIQUE,
  collection_id INTEGER NOT NULL REFERENCES docs_collection(id) ON DELETE CASCADE,
  name          TEXT NOT NULL,     -- the file's, with the folders below the one that was added
  source        TEXT NOT NULL,     -- where it came from: a path, a URL; '' = uploaded
  sha256        TEXT NOT NULL,     -- of the file that was given last
  size          INTEGER NOT NULL,
  state         TEXT NOT NULL,     -- queued, reading, ready, failed, cancelled
  fault         TEXT NOT NULL,     -- of the last reading, '' = none
  problem       TEXT NOT NULL,
  version       INTEGER NOT NULL,  -- what is shown; 0 = nothing yet
  next_version  INTEGER NOT NULL,  -- what is being read, or the next reading
  shown_sha256  TEXT NOT NULL,     -- of the file behind `version`
  info          TEXT NOT NULL,     -- JSON: format, title, outline …, of `version`
  warnings      TEXT NOT NULL,     -- JSON array
  n_pages       INTEGER NOT NULL,
  n_words       INTEGER NOT NULL,
  n_chunks      INTEGER NOT NULL,
  added_at      INTEGER NOT NULL,
  read_at       INTEGER NOT NULL,
  read_ms       INTEGER NOT NULL,
  UNIQUE (collection_id, name)
) STRICT;
CREATE INDEX docs_document_by_content ON docs_document(collection_id, sha256);
CREATE INDEX docs_document_by_state ON docs_document(state);

CREATE TABLE docs_page (
  document_id    INTEGER NOT NULL REFERENCES docs_document(id) ON DELETE CASCADE,
  version        INTEGER NOT NULL,
  number         INTEGER NOT NULL,
  label          TEXT NOT NULL,
  width          REAL NOT NULL,
  height         REAL NOT NULL,
  text           TEXT NOT NULL,
  places         BLOB NOT NULL,  -- documents/page_codec.h
  is_ocr         INTEGER NOT NULL,
  ocr_confidence REAL NOT NULL,
  problem        TEXT NOT NULL,
  PRIMARY KEY (document_id, version, number)
) STRICT;

CREATE TABLE docs_chunk (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL REFERENCES docs_document(id) ON DELETE CASCADE,
  version     INTEGER NOT NULL,
  position    INTEGER NOT NULL,  -- in the document, from 0
  text        TEXT NOT NULL,
  spans       TEXT NOT NULL,     -- JSON: [[begin, page, page_begin, page_end], …]
  headings    TEXT NOT NULL,     -- JSON array
  n_tokens    INTEGER NOT NULL,
  parent      INTEGER NOT NULL,  -- position, -1 = none
  hash        BLOB NOT NULL,     -- SHA-256 of headings and text: what an embedding depends on
  is_excluded INTEGER NOT NULL DEFAULT 0,
  edited_text TEXT,              -- what a person made of the text, for finding; citations quote the page
  UNIQUE (document_id, version, position)
) STRICT;

CREATE TABLE docs_embedding (
  chunk_id INTEGER NOT NULL REFERENCES docs_chunk(id) ON DELETE CASCADE,
  model    TEXT NOT NULL,
  vector   BLOB NOT NULL,  -- float32, little endian
  PRIMARY KEY (chunk_id, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE docs_watched_folder (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES docs_collection(id) ON DELETE CASCADE,
  path          TEXT NOT NULL,
  added_at      INTEGER NOT NULL,
  UNIQUE (collection_id, path)
) STRICT;
)sql";

constexpr Migration kMigrations[] = {{"docs", 1, kVersion1}};

}  // namespace

std::span<const Migration> migrations() {
  return kMigrations;
}

}  // namespace quintet::docs
