#include "apps/docs/document_writer.h"

#include <algorithm>

#include "apps/docs/library_rows.h"
#include "core/error.h"
#include "core/text.h"
#include "retrieval/keyword_index.h"

namespace quintet::docs {

namespace {

constexpr std::size_t kBatchPages = 64;
constexpr std::size_t kBatchBytes = 2 << 20;

/// Where the keyword index keeps chunks that are not shown yet: in a collection that no search asks for.
std::int64_t hidden(std::int64_t collection) {
  return -collection;
}

std::vector<std::int64_t> chunk_ids(Connection& db, std::int64_t document, std::int64_t version) {
  std::vector<std::int64_t> ids;
  Statement rows = db.prepare("SELECT id FROM docs_chunk WHERE document_id = ? AND version = ?");
  rows.bind(document, version);
  while (rows.step()) ids.push_back(rows.integer(0));
  return ids;
}

void remove_version(Connection& db, std::int64_t document, std::int64_t version) {
  retrieval::remove_keyword_chunks(db, chunk_ids(db, document, version));
  db.execute("DELETE FROM docs_chunk WHERE document_id = ? AND version = ?", document, version);
  db.execute("DELETE FROM docs_page WHERE document_id = ? AND version = ?", document, version);
}

/// What a person or a model did to a chunk stays with every chunk of the new version that reads the same.
void carry_over(Connection& db, const StoredDocument& document) {
  db.execute(
      "INSERT OR IGNORE INTO docs_embedding (chunk_id, model, vector) "
      "SELECT fresh.id, e.model, e.vector FROM docs_chunk old "
      "JOIN docs_chunk fresh ON fresh.document_id = old.document_id AND fresh.version = ?3 AND fresh.hash = "
      "old.hash "
      "JOIN docs_embedding e ON e.chunk_id = old.id WHERE old.document_id = ?1 AND old.version = ?2",
      document.row, document.version, document.next_version);
  struct Mark {
    std::string hash;
    bool is_excluded;
    std::optional<std::string> edited_text;
  };
  std::vector<Mark> marks;
  {
    Statement rows = db.prepare(
        "SELECT hash, is_excluded, edited_text FROM docs_chunk WHERE document_id = ? AND version = ? AND "
        "(is_excluded != 0 "
        "OR edited_text IS NOT NULL)");
    rows.bind(document.row, document.version);
    while (rows.step()) marks.push_back({rows.blob(0), rows.integer(1) != 0, rows.optional_text(2)});
  }
  for (const Mark& mark : marks) {
    Statement same = db.prepare(
        "UPDATE docs_chunk SET is_excluded = ?, edited_text = ? WHERE document_id = ? AND version = ? AND "
        "hash = ?");
    same.bind(mark.is_excluded, mark.edited_text, document.row, document.next_version, std::nullopt);
    same.bind_blob(5, mark.hash);
    same.run();
    if (!mark.edited_text) continue;
    Statement ids =
        db.prepare("SELECT id, headings FROM docs_chunk WHERE document_id = ? AND version = ? AND hash = ?");
    ids.bind(document.row, document.next_version, std::nullopt);
    ids.bind_blob(3, mark.hash);
    std::vector<std::pair<std::int64_t, std::string>> found;
    while (ids.step()) found.emplace_back(ids.integer(0), ids.text(1));
    for (const auto& [id, headings] : found) {
      const retrieval::KeywordChunk chunk{id, hidden(document.collection_id), document.row, *mark.edited_text,
                                          headings};
      retrieval::put_keyword_chunks(db, std::span(&chunk, 1));
    }
  }
}

std::int64_t n_words_in(std::string_view text) {
  std::int64_t n = 0;
  bool inside = false;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n' || c == '\t';
    n += !is_space && !inside ? 1 : 0;
    inside = !is_space;
  }
  return n;
}

}  // namespace

DocumentWriter::DocumentWriter(Library& library, const StoredDocument& document, ChunkOptions chunking,
                               std::function<void(const Progress&)> on_progress)
    : library_(library),
      document_(document),
      chunker_(std::move(chunking)),
      on_progress_(std::move(on_progress)) {
  library_.database().write([&](Connection& db) {
    document_ = rows::require_document(db, document.row);
    remove_version(db, document_.row, document_.next_version);  // of a reading that died
    db.execute("UPDATE docs_document SET state = 'reading', fault = '', problem = '' WHERE id = ?",
               document_.row);
  });
}

void DocumentWriter::begin(const DocumentInfo& info) {
  info_ = info;
  progress_.n_pages_total = info.n_pages;
  on_progress_(progress_);
}

void DocumentWriter::page(Page page) {
  chunker_.add(page);
  n_words_ += n_words_in(page.text);
  pages_bytes_ += page.text.size();
  pages_.push_back(std::move(page));
  if (pages_.size() >= kBatchPages || pages_bytes_ >= kBatchBytes) flush();
}

void DocumentWriter::end(const std::vector<std::string>& warnings) {
  warnings_ = warnings;
  chunker_.finish();
  flush();
}

void DocumentWriter::flush() {
  const std::vector<Chunk> chunks = chunker_.take();
  library_.database().write([&](Connection& db) {
    for (const Page& page : pages_) rows::insert_page(db, document_.row, document_.next_version, page);
    std::vector<std::string> headings;
    headings.reserve(chunks.size());
    std::vector<retrieval::KeywordChunk> keyword;
    keyword.reserve(chunks.size());
    std::int64_t position = n_chunks_;
    for (const Chunk& chunk : chunks) {
      const std::int64_t id =
          rows::insert_chunk(db, document_.row, document_.next_version, position++, chunk);
      headings.push_back(join(chunk.headings, "\n"));
      keyword.push_back({id, hidden(document_.collection_id), document_.row, chunk.text, headings.back()});
    }
    retrieval::put_keyword_chunks(db, keyword);
  });
  n_chunks_ += static_cast<std::int64_t>(chunks.size());
  progress_.n_pages += static_cast<int>(pages_.size());
  pages_.clear();
  pages_bytes_ = 0;
  on_progress_(progress_);
}

StoredDocument DocumentWriter::commit(std::int64_t read_ms) {
  StoredDocument shown;
  library_.database().write([&](Connection& db) {
    const StoredDocument now = rows::require_document(db, document_.row);
    if (now.sha256 != document_.sha256)
      throw Conflict(cat(document_.name, " was replaced while it was being read; it is read again"));
    if (document_.version != 0) {
      carry_over(db, document_);
      remove_version(db, document_.row, document_.version);
    }
    retrieval::move_keyword_document(db, document_.row, document_.collection_id);
    db.execute(
        "UPDATE docs_document SET state = 'ready', fault = '', problem = '', version = next_version, "
        "next_version = "
        "next_version + 1, shown_sha256 = sha256, info = ?, warnings = ?, n_pages = ?, n_words = ?, n_chunks "
        "= ?, "
        "read_at = ?, read_ms = ? WHERE id = ?",
        to_json(rows::info_json(info_)), to_json(to_json_array(warnings_)), progress_.n_pages, n_words_,
        n_chunks_, now_ms(), read_ms, document_.row);
    db.execute("UPDATE docs_collection SET updated_at = ? WHERE id = ?", now_ms(), document_.collection_id);
    shown = rows::require_document(db, document_.row);
  });
  return shown;
}

void DocumentWriter::discard(Library& library, const StoredDocument& document, DocumentState state,
                             std::string_view fault, std::string_view problem) {
  library.database().write([&](Connection& db) {
    Statement find = db.prepare("SELECT next_version FROM docs_document WHERE id = ?");
    find.bind(document.row);
    if (!find.step()) return;  // removed meanwhile
    const std::int64_t version = find.integer(0);
    find.reset();
    remove_version(db, document.row, version);
    db.execute("UPDATE docs_document SET state = ?, fault = ?, problem = ? WHERE id = ?",
               document_state_name(state), fault, problem, document.row);
  });
}

}  // namespace quintet::docs
