#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/time.h"
#include "documents/chunk.h"
#include "documents/document.h"
#include "storage/blob_store.h"
#include "storage/database.h"

namespace quintet::docs {

/// How a collection's documents are read and cut; a change counts for documents read afterwards.
struct CollectionSettings {
  std::string chunking = "structure";  // a ChunkStrategy's name
  std::int64_t chunk_tokens = 220;
  bool operator==(const CollectionSettings&) const = default;
};
JsonObject to_json_object(const CollectionSettings& settings);
/// `changes` over `settings`. Throws InvalidArgument for what no setting may be.
CollectionSettings changed(CollectionSettings settings, const JsonObject& changes);

struct Collection {
  std::int64_t id = 0;
  std::string name;  // a slug
  std::string title;
  std::string description;
  CollectionSettings settings;
  TimestampMs created_at = 0;
  TimestampMs updated_at = 0;
  std::int64_t n_documents = 0;
  std::int64_t n_ready = 0;
  std::int64_t n_pages = 0;   // of ready documents
  std::int64_t n_chunks = 0;  // of ready documents
};

enum class DocumentState : std::uint8_t { queued, reading, ready, failed, cancelled };
std::string_view document_state_name(DocumentState state) noexcept;

struct StoredDocument {
  std::int64_t row = 0;
  std::string id;  // "d_…", for the API
  std::int64_t collection_id = 0;
  std::string collection;
  std::string name;
  std::string source;
  std::string sha256;
  std::uint64_t size = 0;
  DocumentState state = DocumentState::queued;
  std::string fault;    // a DocumentFault's name, with `failed`
  std::string problem;  // the last reading's, for people
  std::int64_t version = 0;
  std::int64_t next_version = 0;
  std::string shown_sha256;  // of the file behind `version`
  DocumentInfo info;         // as far as it is known
  std::vector<std::string> warnings;
  std::int64_t n_pages = 0;
  std::int64_t n_words = 0;
  std::int64_t n_chunks = 0;
  TimestampMs added_at = 0;
  TimestampMs read_at = 0;
  std::int64_t read_ms = 0;
};

struct PageProblem {
  int page = 0;
  std::string problem;
};

struct StoredChunk {
  std::int64_t id = 0;
  std::int64_t document = 0;  // row
  std::int64_t version = 0;
  std::int64_t position = 0;
  bool is_excluded = false;
  std::optional<std::string> edited_text;
  Chunk chunk;  // `parent` is a position
};

/// Collections and their documents, pages and chunks. Any thread; writes are durable when they return.
/// Reading files is the Ingestor's, finding in them the Retriever's.
class Library {
 public:
  Library(Database& database, BlobStore& blobs) : database_(database), blobs_(blobs) {}

  // ---- collections: NotFound for a name there is not
  std::vector<Collection> collections() const;
  Collection collection(std::string_view name) const;
  /// Throws Conflict when the name is taken, InvalidArgument when it is no slug.
  Collection create_collection(std::string_view name, std::string_view title, std::string_view description);
  Collection change_collection(std::string_view name, const std::optional<std::string>& title,
                               const std::optional<std::string>& description, const JsonObject& settings);
  void remove_collection(std::string_view name);

  // ---- documents
  struct Added {
    StoredDocument document;
    bool is_new = false;     // false: the collection has this content already, or a document of this name
    bool must_read = false;  // queued by this call
  };
  /// Enters a stored file under `name`. The same content under any name is recognised; another content under
  /// the same name is a new version of the document. Throws InvalidArgument for a name that cannot be one.
  Added add(std::string_view collection, std::string_view name, std::string_view source,
            const BlobStore::Blob& blob);
  std::vector<StoredDocument> documents(std::string_view collection) const;
  /// By id. Throws NotFound.
  StoredDocument document(std::string_view id) const;
  StoredDocument document(std::int64_t row) const;
  void remove_document(std::string_view id);
  /// Queues a document to be read again from its stored file.
  StoredDocument requeue(std::string_view id);
  std::vector<PageProblem> page_problems(const StoredDocument& document) const;

  // ---- pages and chunks of what is shown
  /// Throws NotFound for a number that the document does not have.
  Page page(const StoredDocument& document, int number) const;
  std::vector<Page> pages(const StoredDocument& document, int first, int last) const;
  std::vector<StoredChunk> chunks(const StoredDocument& document, std::int64_t first,
                                  std::int64_t limit) const;
  StoredChunk chunk(std::int64_t id) const;
  /// In the order of `ids`; those that are gone or no longer shown are left out.
  std::vector<StoredChunk> chunks(const std::vector<std::int64_t>& ids) const;

  Database& database() const noexcept { return database_; }
  BlobStore& blobs() const noexcept { return blobs_; }

 private:
  Database& database_;
  BlobStore& blobs_;
};

/// A name as it is kept: the path's separators made '/', without leading "/" and "..", control characters and
/// blanks at either end; at most 255 bytes a part. Throws InvalidArgument when nothing is left.
std::string clean_document_name(std::string_view name);

}  // namespace quintet::docs
