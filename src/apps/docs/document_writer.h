#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/docs/library.h"
#include "documents/chunking.h"
#include "documents/document.h"

namespace quintet::docs {

/// Stores one reading of a document: pages and chunks under the document's next version, in batches, so that
/// a document of any length needs little memory and holds up no other writer; then one transaction that shows
/// the new version, keeps the embeddings of chunks that did not change, and removes the old one. Without
/// commit() nothing of the reading is ever seen; what is left of it goes with the next reading or discard().
class DocumentWriter final : public DocumentSink {
 public:
  struct Progress {
    int n_pages = 0;        // stored
    int n_pages_total = 0;  // 0 = not known
  };
  /// Throws NotFound when the document is gone.
  DocumentWriter(Library& library, const StoredDocument& document, ChunkOptions chunking,
                 std::function<void(const Progress&)> on_progress);

  void begin(const DocumentInfo& info) override;
  void page(Page page) override;
  void end(const std::vector<std::string>& warnings) override;

  /// After end(). `read_ms`: how long the reading took. Throws Conflict when another file was given for the
  /// document meanwhile, NotFound when it is gone; neither shows anything.
  StoredDocument commit(std::int64_t read_ms);
  /// Notes why a reading failed and removes what it stored; the version that was shown before stays.
  static void discard(Library& library, const StoredDocument& document, DocumentState state,
                      std::string_view fault, std::string_view problem);

 private:
  void flush();

  Library& library_;
  StoredDocument document_;
  Chunker chunker_;
  std::function<void(const Progress&)> on_progress_;
  DocumentInfo info_;
  std::vector<std::string> warnings_;
  std::vector<Page> pages_;
  std::size_t pages_bytes_ = 0;
  Progress progress_;
  std::int64_t n_words_ = 0;
  std::int64_t n_chunks_ = 0;
};

}  // namespace quintet::docs
