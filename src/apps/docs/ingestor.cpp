#include "apps/docs/ingestor.h"

#include <algorithm>

#include "apps/docs/document_writer.h"
#include "core/error.h"
#include "core/text.h"

namespace quintet::docs {

namespace {

ChunkOptions chunk_options(const CollectionSettings& settings) {
  ChunkOptions options;
  options.strategy = parse_chunk_strategy(settings.chunking).value_or(ChunkStrategy::structure);
  options.target_tokens = static_cast<std::size_t>(settings.chunk_tokens);
  options.max_tokens = options.target_tokens * 9 / 5;
  options.overlap_tokens = std::min(options.overlap_tokens, options.target_tokens / 4);
  return options;
}

}  // namespace

Ingestor::Ingestor(const Options& options, Library& library, Read read, Log& log)
    : options_(options), library_(library), read_(std::move(read)), log_(log) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, options_.n_readers); ++i)
    readers_.emplace_back([this](std::stop_token stop) { work(stop); });
}

Ingestor::~Ingestor() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    waiting_.clear();
    for (auto& [row, reading] : reading_) reading->stop.request_stop();
  }
  for (auto& reader : readers_) reader.request_stop();
  changed_.notify_all();
}

void Ingestor::resume() {
  std::vector<std::int64_t> rows;
  library_.database().write([&](Connection& db) {
    rows.clear();
    db.execute("UPDATE docs_document SET state = 'queued' WHERE state = 'reading'");
    Statement queued = db.prepare("SELECT id FROM docs_document WHERE state = 'queued' ORDER BY id");
    while (queued.step()) rows.push_back(queued.integer(0));
  });
  for (const std::int64_t row : rows) enqueue(library_.document(row));
}

void Ingestor::enqueue(const StoredDocument& document, std::string password) {
  const std::lock_guard lock(mutex_);
  if (is_stopping_) return;
  if (const auto found = reading_.find(document.row); found != reading_.end()) {
    found->second->must_requeue = true;
    found->second->next_password = std::move(password);
    found->second->stop.request_stop();
    return;
  }
  std::erase_if(waiting_, [&](const Waiting& one) { return one.row == document.row; });
  waiting_.push_back({document.row, std::move(password)});
  changed_.notify_all();
}

void Ingestor::cancel(const StoredDocument& document) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = reading_.find(document.row); found != reading_.end()) {
      found->second->stop.request_stop();
      return;
    }
    if (std::erase_if(waiting_, [&](const Waiting& one) { return one.row == document.row; }) == 0) return;
    changed_.notify_all();
  }
  DocumentWriter::discard(library_, document, DocumentState::cancelled, "", "");
}

void Ingestor::forget(std::int64_t row) {
  std::unique_lock lock(mutex_);
  std::erase_if(waiting_, [&](const Waiting& one) { return one.row == row; });
  if (const auto found = reading_.find(row); found != reading_.end()) {
    found->second->is_forgotten = true;
    found->second->must_requeue = false;
    found->second->stop.request_stop();
    changed_.wait(lock, [&] { return !reading_.contains(row); });
  }
  changed_.notify_all();
}

std::optional<ReadingProgress> Ingestor::progress(std::int64_t row) const {
  const std::lock_guard lock(mutex_);
  const auto found = reading_.find(row);
  if (found == reading_.end()) return std::nullopt;
  ReadingProgress progress = found->second->progress;
  progress.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - found->second->begun).count();
  return progress;
}

std::size_t Ingestor::n_waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void Ingestor::wait_until_idle(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&] { return waiting_.empty() && reading_.empty(); });
}

void Ingestor::work(std::stop_token stop) {
  for (;;) {
    Waiting next;
    auto reading = std::make_shared<Reading>();
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      reading_[next.row] = reading;
    }
    read_one(next, *reading);
    const std::lock_guard lock(mutex_);
    reading_.erase(next.row);
    if (reading->must_requeue && !is_stopping_) waiting_.push_back({next.row, reading->next_password});
    changed_.notify_all();
  }
}

void Ingestor::read_one(const Waiting& waiting, Reading& reading) {
  StoredDocument document;
  const auto begun = std::chrono::steady_clock::now();
  const auto done = [&](std::int64_t row) {
    if (!options_.on_done) return;
    try {
      options_.on_done(library_.document(row));
    } catch (const std::exception& error) {
      log_.warning("after reading a document", {{"error", error.what()}});
    }
  };
  const auto fail = [&](DocumentState state, std::string_view fault, std::string_view problem) {
    {
      const std::lock_guard lock(mutex_);
      if (reading.is_forgotten) return;
      // Ended by the program's own end, or by a newer file: it waits to be read.
      if (is_stopping_ || reading.must_requeue) state = DocumentState::queued;
    }
    try {
      DocumentWriter::discard(library_, document, state, fault, problem);
    } catch (const std::exception& error) {
      log_.error("a failed reading could not be noted; it is repeated at the next start",
                 {{"document", document.id}, {"error", error.what()}});
      return;
    }
    if (state == DocumentState::failed)
      log_.warning("a document could not be read",
                   {{"document", document.id}, {"fault", fault}, {"problem", problem}});
    if (state != DocumentState::queued) done(document.row);
  };
  try {
    document = library_.document(waiting.row);
    const Job job{document, library_.collection(document.collection).settings, waiting.password};
    DocumentWriter writer(library_, document, chunk_options(job.settings),
                          [&](const DocumentWriter::Progress& now) {
                            const std::lock_guard lock(mutex_);
                            reading.progress.n_pages = now.n_pages;
                            reading.progress.n_pages_total = now.n_pages_total;
                          });
    read_(job, writer, reading.stop.get_token());
    const auto taken = std::chrono::steady_clock::now() - begun;
    const StoredDocument shown =
        writer.commit(std::chrono::duration_cast<std::chrono::milliseconds>(taken).count());
    done(shown.row);
  } catch (const DocumentError& error) {
    fail(DocumentState::failed, document_fault_name(error.fault()), error.what());
  } catch (const Cancelled&) {
    fail(DocumentState::cancelled, "", "");
  } catch (const Conflict&) {
    fail(DocumentState::queued, "", "");
  } catch (const NotFound& error) {
    if (document.row != 0) fail(DocumentState::failed, "corrupt", error.what());
  } catch (const std::exception& error) {
    if (document.row != 0) fail(DocumentState::failed, "internal", error.what());
  }
}

}  // namespace quintet::docs
