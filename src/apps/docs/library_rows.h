#pragma once

#include <string>
#include <string_view>

#include "apps/docs/library.h"

/// SQL of single rows, shared by the files that implement the library. Not for use outside this folder.
namespace quintet::docs::rows {

constexpr std::string_view kDocumentColumns =
    "d.id, d.public_id, d.collection_id, c.name, d.name, d.source, d.sha256, d.size, d.state, d.fault, "
    "d.problem, "
    "d.version, d.next_version, d.shown_sha256, d.info, d.warnings, d.n_pages, d.n_words, d.n_chunks, "
    "d.added_at, "
    "d.read_at, d.read_ms";
/// Of docs_document d JOIN docs_collection c.
StoredDocument read_document(const Statement& row);
StoredDocument require_document(Connection& db, std::string_view id);
StoredDocument require_document(Connection& db, std::int64_t row);

/// Throws NotFound naming the collection and, when there are few, the ones that exist.
std::int64_t require_collection(Connection& db, std::string_view name);

constexpr std::string_view kChunkColumns =
    "h.id, h.document_id, h.version, h.position, h.is_excluded, h.edited_text, h.text, h.spans, h.headings, "
    "h.n_tokens, h.parent";
/// Of docs_chunk h.
StoredChunk read_chunk(const Statement& row);

void insert_page(Connection& db, std::int64_t document, std::int64_t version, const Page& page);
/// Returns the chunk's id.
std::int64_t insert_chunk(Connection& db, std::int64_t document, std::int64_t version, std::int64_t position,
                          const Chunk& chunk);

JsonObject info_json(const DocumentInfo& info);
DocumentInfo info_from(const JsonObject& object);

}  // namespace quintet::docs::rows
