#include "apps/docs/library_rows.h"

#include <array>

#include "core/error.h"
#include "core/ids.h"
#include "core/text.h"
#include "documents/page_codec.h"

namespace quintet::docs::rows {

namespace {

constexpr std::string_view kStored = "a stored document";

JsonArray stored_array(const std::string& text) {
  const Json value = parse_json(text, kStored);
  const JsonArray* array = value.if_array();
  if (array == nullptr) throw CorruptData("the database is damaged: a list of a stored document is none");
  return *array;
}

std::vector<std::string> stored_strings(const std::string& text) {
  std::vector<std::string> strings;
  for (const Json& value : stored_array(text))
    if (const auto* string = value.if_string()) strings.emplace_back(string->data(), string->size());
  return strings;
}

DocumentState parse_state(std::string_view name) {
  for (const auto state : {DocumentState::queued, DocumentState::reading, DocumentState::ready,
                           DocumentState::failed, DocumentState::cancelled})
    if (document_state_name(state) == name) return state;
  throw CorruptData(cat("a stored document has the unknown state \"", name, "\""));
}

PageUnit parse_unit(std::string_view name) {
  for (const auto unit :
       {PageUnit::page, PageUnit::slide, PageUnit::sheet, PageUnit::chapter, PageUnit::section})
    if (page_unit_name(unit) == name) return unit;
  return PageUnit::page;
}

std::string spans_json(const std::vector<ChunkSpan>& spans) {
  std::string out = "[";
  for (const ChunkSpan& span : spans)
    out += cat(out.size() == 1 ? "[" : ",[", span.begin, ',', span.source.page, ',', span.source.range.begin,
               ',', span.source.range.end, ']');
  return out + "]";
}

std::vector<ChunkSpan> spans_from(const std::string& text) {
  std::vector<ChunkSpan> spans;
  for (const Json& value : stored_array(text)) {
    const JsonArray* numbers = value.if_array();
    if (numbers == nullptr || numbers->size() != 4) throw CorruptData("a stored chunk has a damaged span");
    std::array<std::uint32_t, 4> at{};
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int64_t* number = (*numbers)[i].if_int64();
      if (number == nullptr || *number < 0 || *number > std::int64_t{UINT32_MAX})
        throw CorruptData("a stored chunk has a damaged span");
      at[i] = static_cast<std::uint32_t>(*number);
    }
    spans.push_back({at[0], {static_cast<int>(at[1]), {at[2], at[3]}}});
  }
  return spans;
}

}  // namespace

JsonObject info_json(const DocumentInfo& info) {
  JsonArray outline;
  for (const OutlineEntry& entry : info.outline)
    outline.push_back(JsonObject{{"title", entry.title}, {"page", entry.page}, {"level", entry.level}});
  return {{"format", info.format},   {"unit", page_unit_name(info.unit)}, {"title", info.title},
          {"author", info.author},   {"subject", info.subject},           {"keywords", info.keywords},
          {"created", info.created}, {"language", info.language},         {"outline", std::move(outline)}};
}

DocumentInfo info_from(const JsonObject& object) {
  DocumentInfo info;
  info.format = get_string(object, "format").value_or("");
  info.unit = parse_unit(get_string(object, "unit").value_or("page"));
  info.title = get_string(object, "title").value_or("");
  info.author = get_string(object, "author").value_or("");
  info.subject = get_string(object, "subject").value_or("");
  info.keywords = get_string(object, "keywords").value_or("");
  info.created = get_string(object, "created").value_or("");
  info.language = get_string(object, "language").value_or("");
  if (const JsonArray* outline = get_array(object, "outline")) {
    for (const Json& value : *outline) {
      const JsonObject& entry = require_object(value, "an entry of an outline");
      info.outline.push_back({get_string(entry, "title").value_or(""),
                              static_cast<int>(get_int(entry, "page").value_or(0)),
                              static_cast<int>(get_int(entry, "level").value_or(1))});
    }
  }
  return info;
}

StoredDocument read_document(const Statement& row) {
  StoredDocument document;
  document.row = row.integer(0);
  document.id = row.text(1);
  document.collection_id = row.integer(2);
  document.collection = row.text(3);
  document.name = row.text(4);
  document.source = row.text(5);
  document.sha256 = row.text(6);
  document.size = static_cast<std::uint64_t>(row.integer(7));
  document.state = parse_state(row.text(8));
  document.fault = row.text(9);
  document.problem = row.text(10);
  document.version = row.integer(11);
  document.next_version = row.integer(12);
  document.shown_sha256 = row.text(13);
  const Json info = parse_json(row.text(14), kStored);
  document.info = info_from(require_object(info, kStored));
  document.warnings = stored_strings(row.text(15));
  document.n_pages = row.integer(16);
  document.info.n_pages = static_cast<int>(document.n_pages);
  document.n_words = row.integer(17);
  document.n_chunks = row.integer(18);
  document.added_at = row.integer(19);
  document.read_at = row.integer(20);
  document.read_ms = row.integer(21);
  return document;
}

namespace {

template <typename Key>
std::optional<StoredDocument> find_document(Connection& db, std::string_view column, const Key& key) {
  Statement find = db.prepare(
      cat("SELECT ", kDocumentColumns,
          " FROM docs_document d JOIN docs_collection c ON c.id = d.collection_id WHERE ", column, " = ?"));
  find.bind(key);
  if (!find.step()) return std::nullopt;
  return read_document(find);
}

}  // namespace

StoredDocument require_document(Connection& db, std::string_view id) {
  if (auto found = find_document(db, "d.public_id", id)) return *std::move(found);
  throw NotFound(cat("there is no document ", truncate_utf8(sanitize_utf8(id), 80)));
}

StoredDocument require_document(Connection& db, std::int64_t row) {
  if (auto found = find_document(db, "d.id", row)) return *std::move(found);
  throw NotFound("the document is gone");
}

std::int64_t require_collection(Connection& db, std::string_view name) {
  constexpr std::size_t kMaxNamed = 10;
  Statement find = db.prepare("SELECT id FROM docs_collection WHERE name = ?");
  find.bind(name);
  if (find.step()) return find.integer(0);
  std::vector<std::string> names;
  Statement rows = db.prepare("SELECT name FROM docs_collection ORDER BY name LIMIT ?");
  rows.bind(kMaxNamed + 1);
  while (rows.step()) names.push_back(rows.text(0));
  std::string hint = names.empty() ? "; there is none yet" : "";
  if (!names.empty() && names.size() <= kMaxNamed) hint = cat("; there are ", join(names, ", "));
  throw NotFound(cat("there is no collection \"", truncate_utf8(sanitize_utf8(name), 80), "\"", hint));
}

StoredChunk read_chunk(const Statement& row) {
  StoredChunk chunk;
  chunk.id = row.integer(0);
  chunk.document = row.integer(1);
  chunk.version = row.integer(2);
  chunk.position = row.integer(3);
  chunk.is_excluded = row.integer(4) != 0;
  chunk.edited_text = row.optional_text(5);
  chunk.chunk.text = row.text(6);
  chunk.chunk.spans = spans_from(row.text(7));
  chunk.chunk.headings = stored_strings(row.text(8));
  chunk.chunk.n_tokens = static_cast<std::size_t>(row.integer(9));
  chunk.chunk.parent = static_cast<int>(row.integer(10));
  return chunk;
}

void insert_page(Connection& db, std::int64_t document, std::int64_t version, const Page& page) {
  Statement insert = db.prepare(
      "INSERT INTO docs_page (document_id, version, number, label, width, height, text, places, is_ocr, "
      "ocr_confidence, "
      "problem) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(document, version, page.number, page.label, static_cast<double>(page.width),
              static_cast<double>(page.height), page.text, std::nullopt, page.is_ocr,
              static_cast<double>(page.ocr_confidence), page.problem);
  insert.bind_blob(8, encode_places(page));
  insert.run();
}

std::int64_t insert_chunk(Connection& db, std::int64_t document, std::int64_t version, std::int64_t position,
                          const Chunk& chunk) {
  const std::string headings = to_json(to_json_array(chunk.headings));
  Statement insert = db.prepare(
      "INSERT INTO docs_chunk (document_id, version, position, text, spans, headings, n_tokens, parent, "
      "hash) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(document, version, position, chunk.text, spans_json(chunk.spans), headings, chunk.n_tokens,
              chunk.parent, std::nullopt);
  insert.bind_blob(9, sha256(cat(headings, "\n", chunk.text)));
  insert.run();
  return db.last_insert_rowid();
}

}  // namespace quintet::docs::rows
