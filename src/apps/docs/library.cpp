#include "apps/docs/library.h"

#include <algorithm>

#include "apps/docs/library_rows.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/text.h"
#include "documents/chunking.h"
#include "documents/page_codec.h"
#include "retrieval/keyword_index.h"

namespace quintet::docs {

namespace {

constexpr std::size_t kMaxTitleBytes = 200;
constexpr std::size_t kMaxDescriptionBytes = 2000;
constexpr std::size_t kMaxNamePartBytes = 255;
constexpr std::size_t kMaxNameBytes = 1024;

std::string limited(std::string_view text, std::size_t max_bytes) {
  return std::string(truncate_utf8(trim(text), max_bytes));
}

constexpr std::string_view kCollectionColumns =
    "c.id, c.name, c.title, c.description, c.settings, c.created_at, c.updated_at, "
    "(SELECT count(*) FROM docs_document d WHERE d.collection_id = c.id), "
    "(SELECT count(*) FROM docs_document d WHERE d.collection_id = c.id AND d.version > 0), "
    "(SELECT coalesce(sum(d.n_pages), 0) FROM docs_document d WHERE d.collection_id = c.id AND d.version > "
    "0), "
    "(SELECT coalesce(sum(d.n_chunks), 0) FROM docs_document d WHERE d.collection_id = c.id AND d.version > "
    "0)";

Collection read_collection(const Statement& row) {
  Collection collection;
  collection.id = row.integer(0);
  collection.name = row.text(1);
  collection.title = row.text(2);
  collection.description = row.text(3);
  const Json settings = parse_json(row.text(4), "a collection's settings");
  collection.settings = changed({}, require_object(settings, "a collection's settings"));
  collection.created_at = row.integer(5);
  collection.updated_at = row.integer(6);
  collection.n_documents = row.integer(7);
  collection.n_ready = row.integer(8);
  collection.n_pages = row.integer(9);
  collection.n_chunks = row.integer(10);
  return collection;
}

Collection require_whole_collection(Connection& db, std::string_view name) {
  rows::require_collection(db, name);
  Statement find = db.prepare(cat("SELECT ", kCollectionColumns, " FROM docs_collection c WHERE c.name = ?"));
  find.bind(name);
  QN_CHECK(find.step());
  return read_collection(find);
}

Page read_page(const Statement& row) {
  Page page;
  page.number = static_cast<int>(row.integer(0));
  page.label = row.text(1);
  page.width = static_cast<float>(row.number(2));
  page.height = static_cast<float>(row.number(3));
  page.text = row.text(4);
  decode_places(row.blob(5), page);
  page.is_ocr = row.integer(6) != 0;
  page.ocr_confidence = static_cast<float>(row.number(7));
  page.problem = row.text(8);
  return page;
}

}  // namespace

std::string_view document_state_name(DocumentState state) noexcept {
  switch (state) {
    case DocumentState::queued: return "queued";
    case DocumentState::reading: return "reading";
    case DocumentState::ready: return "ready";
    case DocumentState::failed: return "failed";
    case DocumentState::cancelled: return "cancelled";
  }
  return "failed";
}

JsonObject to_json_object(const CollectionSettings& settings) {
  return {{"chunking", settings.chunking}, {"chunk_tokens", settings.chunk_tokens}};
}

CollectionSettings changed(CollectionSettings settings, const JsonObject& changes) {
  for (const auto& member : changes) {
    const std::string_view key = member.key();
    if (key == "chunking") {
      settings.chunking = require_string(changes, key);
      if (!parse_chunk_strategy(settings.chunking))
        throw InvalidArgument(
            cat("\"chunking\" is structure, fixed, sentence_window, semantic or parent_child, not \"",
                truncate_utf8(settings.chunking, 60), "\""));
    } else if (key == "chunk_tokens") {
      settings.chunk_tokens = get_int(changes, key).value_or(CollectionSettings{}.chunk_tokens);
      if (settings.chunk_tokens < 40 || settings.chunk_tokens > 2000)
        throw InvalidArgument("\"chunk_tokens\" is 40 to 2000");
    } else {
      throw InvalidArgument(cat("a collection has no setting \"", truncate_utf8(key, 60),
                                "\"; there are chunking and chunk_tokens"));
    }
  }
  return settings;
}

std::string clean_document_name(std::string_view name) {
  std::string text = sanitize_utf8(name);
  std::replace(text.begin(), text.end(), '\\', '/');
  std::string clean;
  for (const std::string_view part : split(text, '/')) {
    std::string kept;
    for (const char c : part)
      if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) kept += c;
    const std::string_view shown = trim(kept);
    if (shown.empty() || shown == "." || shown == "..") continue;
    if (!clean.empty()) clean += '/';
    clean += truncate_utf8(shown, kMaxNamePartBytes);
  }
  if (clean.size() > kMaxNameBytes) {  // the file's own name is at the end
    std::string_view tail = std::string_view(clean).substr(clean.size() - kMaxNameBytes);
    while (!tail.empty() && (static_cast<unsigned char>(tail.front()) & 0xC0U) == 0x80U)
      tail.remove_prefix(1);
    clean = std::string(tail);
  }
  if (clean.empty()) throw InvalidArgument("the file has no name");
  return clean;
}

std::vector<Collection> Library::collections() const {
  std::vector<Collection> found;
  database_.read([&](Connection& db) {
    Statement rows =
        db.prepare(cat("SELECT ", kCollectionColumns, " FROM docs_collection c ORDER BY c.name"));
    while (rows.step()) found.push_back(read_collection(rows));
  });
  return found;
}

Collection Library::collection(std::string_view name) const {
  Collection found;
  database_.read([&](Connection& db) { found = require_whole_collection(db, name); });
  return found;
}

Collection Library::create_collection(std::string_view name, std::string_view title,
                                      std::string_view description) {
  if (!is_slug(name))
    throw InvalidArgument(cat("a collection's name is 1 to 64 of a-z, 0-9 and '-', not \"",
                              truncate_utf8(sanitize_utf8(name), 80), "\""));
  Collection made;
  database_.write([&](Connection& db) {
    Statement taken = db.prepare("SELECT 1 FROM docs_collection WHERE name = ?");
    taken.bind(name);
    if (taken.step()) throw Conflict(cat("there is a collection \"", name, "\" already"));
    db.execute(
        "INSERT INTO docs_collection (name, title, description, settings, created_at, updated_at) VALUES (?, "
        "?, ?, ?, "
        "?, ?)",
        name, limited(title, kMaxTitleBytes), limited(description, kMaxDescriptionBytes),
        to_json(to_json_object(CollectionSettings{})), now_ms(), now_ms());
    made = require_whole_collection(db, name);
  });
  return made;
}

Collection Library::change_collection(std::string_view name, const std::optional<std::string>& title,
                                      const std::optional<std::string>& description,
                                      const JsonObject& settings) {
  Collection now;
  database_.write([&](Connection& db) {
    now = require_whole_collection(db, name);
    if (title) now.title = limited(*title, kMaxTitleBytes);
    if (description) now.description = limited(*description, kMaxDescriptionBytes);
    now.settings = changed(now.settings, settings);
    now.updated_at = now_ms();
    db.execute(
        "UPDATE docs_collection SET title = ?, description = ?, settings = ?, updated_at = ? WHERE id = ?",
        now.title, now.description, to_json(to_json_object(now.settings)), now.updated_at, now.id);
  });
  return now;
}

Library::Added Library::add(std::string_view collection, std::string_view name, std::string_view source,
                            const BlobStore::Blob& blob) {
  const std::string clean = clean_document_name(name);
  Added added;
  database_.write([&](Connection& db) {
    added = {};
    const std::int64_t collection_id = rows::require_collection(db, collection);
    const TimestampMs now = now_ms();
    Statement known = db.prepare(
        "SELECT id, sha256, name FROM docs_document WHERE collection_id = ?1 AND (name = ?2 OR sha256 = ?3) "
        "ORDER BY "
        "name = ?2 DESC LIMIT 1");
    known.bind(collection_id, clean, blob.sha256);
    if (known.step()) {
      const std::int64_t row = known.integer(0);
      const bool is_same_content = known.text(1) == blob.sha256;
      known.reset();
      added.document = rows::require_document(db, row);
      if (is_same_content && added.document.state != DocumentState::failed &&
          added.document.state != DocumentState::cancelled)
        return;
      db.execute(
          "UPDATE docs_document SET sha256 = ?, size = ?, source = ?, state = 'queued', fault = '', problem "
          "= '' WHERE "
          "id = ?",
          blob.sha256, blob.size, source, row);
      added.document = rows::require_document(db, row);
      added.must_read = true;
      return;
    }
    db.execute(
        "INSERT INTO docs_document (public_id, collection_id, name, source, sha256, size, state, fault, "
        "problem, "
        "version, next_version, shown_sha256, info, warnings, n_pages, n_words, n_chunks, added_at, read_at, "
        "read_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, 'queued', '', '', 0, 1, '', '{}', '[]', 0, 0, 0, ?, 0, 0)",
        new_id("d_"), collection_id, clean, source, blob.sha256, blob.size, now);
    added.document = rows::require_document(db, db.last_insert_rowid());
    added.is_new = true;
    added.must_read = true;
  });
  return added;
}

std::vector<StoredDocument> Library::documents(std::string_view collection) const {
  std::vector<StoredDocument> found;
  database_.read([&](Connection& db) {
    const std::int64_t id = rows::require_collection(db, collection);
    Statement rows =
        db.prepare(cat("SELECT ", rows::kDocumentColumns,
                       " FROM docs_document d JOIN docs_collection c ON c.id = d.collection_id WHERE "
                       "c.id = ? ORDER BY d.name"));
    rows.bind(id);
    while (rows.step()) found.push_back(rows::read_document(rows));
  });
  return found;
}

StoredDocument Library::document(std::string_view id) const {
  StoredDocument found;
  database_.read([&](Connection& db) { found = rows::require_document(db, id); });
  return found;
}

StoredDocument Library::document(std::int64_t row) const {
  StoredDocument found;
  database_.read([&](Connection& db) { found = rows::require_document(db, row); });
  return found;
}

void Library::remove_document(std::string_view id) {
  database_.write([&](Connection& db) {
    const std::int64_t row = rows::require_document(db, id).row;
    retrieval::remove_keyword_document(db, row);
    db.execute("DELETE FROM docs_document WHERE id = ?", row);
  });
}

void Library::remove_collection(std::string_view name) {
  database_.write([&](Connection& db) {
    const std::int64_t id = rows::require_collection(db, name);
    std::vector<std::int64_t> documents;
    Statement rows = db.prepare("SELECT id FROM docs_document WHERE collection_id = ?");
    rows.bind(id);
    while (rows.step()) documents.push_back(rows.integer(0));
    for (const std::int64_t document : documents) retrieval::remove_keyword_document(db, document);
    db.execute("DELETE FROM docs_collection WHERE id = ?", id);
  });
}

StoredDocument Library::requeue(std::string_view id) {
  StoredDocument found;
  database_.write([&](Connection& db) {
    const std::int64_t row = rows::require_document(db, id).row;
    db.execute("UPDATE docs_document SET state = 'queued', fault = '', problem = '' WHERE id = ?", row);
    found = rows::require_document(db, row);
  });
  return found;
}

std::vector<PageProblem> Library::page_problems(const StoredDocument& document) const {
  std::vector<PageProblem> problems;
  database_.read([&](Connection& db) {
    Statement rows = db.prepare(
        "SELECT number, problem FROM docs_page WHERE document_id = ? AND version = ? AND problem != '' ORDER "
        "BY number");
    rows.bind(document.row, document.version);
    while (rows.step()) problems.push_back({static_cast<int>(rows.integer(0)), rows.text(1)});
  });
  return problems;
}

std::vector<Page> Library::pages(const StoredDocument& document, int first, int last) const {
  std::vector<Page> found;
  database_.read([&](Connection& db) {
    Statement rows = db.prepare(
        "SELECT number, label, width, height, text, places, is_ocr, ocr_confidence, problem FROM docs_page "
        "WHERE "
        "document_id = ? AND version = ? AND number BETWEEN ? AND ? ORDER BY number");
    rows.bind(document.row, document.version, first, last);
    while (rows.step()) found.push_back(read_page(rows));
  });
  return found;
}

Page Library::page(const StoredDocument& document, int number) const {
  auto found = pages(document, number, number);
  if (!found.empty()) return std::move(found.front());
  const std::string_view unit = page_unit_name(document.info.unit);
  if (document.version == 0)
    throw NotFound(
        cat(document.name, " is ", document_state_name(document.state), "; it has no ", unit, "s to show"));
  throw NotFound(cat(document.name, " has no ", unit, " ", number, "; it has ", document.n_pages));
}

std::vector<StoredChunk> Library::chunks(const StoredDocument& document, std::int64_t first,
                                         std::int64_t limit) const {
  std::vector<StoredChunk> found;
  database_.read([&](Connection& db) {
    Statement rows =
        db.prepare(cat("SELECT ", rows::kChunkColumns,
                       " FROM docs_chunk h WHERE h.document_id = ? AND h.version = ? AND h.position >= ? "
                       "ORDER BY h.position LIMIT ?"));
    rows.bind(document.row, document.version, first, limit);
    while (rows.step()) found.push_back(rows::read_chunk(rows));
  });
  return found;
}

std::vector<StoredChunk> Library::chunks(const std::vector<std::int64_t>& ids) const {
  std::vector<StoredChunk> found;
  database_.read([&](Connection& db) {
    Statement find =
        db.prepare(cat("SELECT ", rows::kChunkColumns,
                       " FROM docs_chunk h JOIN docs_document d ON d.id = h.document_id AND d.version = "
                       "h.version WHERE h.id = ?"));
    for (const std::int64_t id : ids) {
      find.reset();
      find.bind(id);
      if (find.step()) found.push_back(rows::read_chunk(find));
    }
  });
  return found;
}

StoredChunk Library::chunk(std::int64_t id) const {
  auto found = chunks(std::vector{id});
  if (found.empty()) throw NotFound(cat("there is no chunk ", id));
  return std::move(found.front());
}

}  // namespace quintet::docs
