#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "apps/docs/library.h"
#include "core/log.h"
#include "documents/document.h"

namespace quintet::docs {

/// How far the reading of a document is.
struct ReadingProgress {
  int n_pages = 0;
  int n_pages_total = 0;  // 0 = not known
  double seconds = 0;     // since it began
};

/// Reads queued documents, a few at a time, each in a reader process of its own. What is queued is in the
/// database: a program that died goes on where it was, from the document's beginning. Any thread; the
/// destructor stops what is being read and leaves it queued.
class Ingestor {
 public:
  struct Job {
    StoredDocument document;
    CollectionSettings settings;
    std::string password;
  };
  /// Reads a document's file into a sink: documents/reader.h, or a test's own. Throws as read_document.
  using Read = std::function<void(const Job& job, DocumentSink& sink, std::stop_token stop)>;

  struct Options {
    std::size_t n_readers = 2;
    /// Called, on a reader's thread, after a document is shown or its reading has failed.
    std::function<void(const StoredDocument& document)> on_done;
  };
  Ingestor(const Options& options, Library& library, Read read, Log& log);
  ~Ingestor();

  /// Queues what the database says is queued, or was being read when the program ended.
  void resume();
  /// `password` is kept in memory until the document is read, and nowhere else.
  void enqueue(const StoredDocument& document, std::string password = "");
  /// Ends a document's reading; its state becomes cancelled. No effect on one that is not queued or being
  /// read.
  void cancel(const StoredDocument& document);
  /// Ends it without a trace, for a document that is about to be removed. Returns when no reader holds it.
  void forget(std::int64_t row);

  std::optional<ReadingProgress> progress(std::int64_t row) const;
  std::size_t n_waiting() const;
  /// Returns when nothing is queued or being read, or when `stop` is requested.
  void wait_until_idle(std::stop_token stop = {});

 private:
  struct Reading {
    std::stop_source stop;
    bool is_forgotten = false;
    bool must_requeue = false;  // given anew while it was being read
    std::string next_password;
    ReadingProgress progress;
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  };
  struct Waiting {
    std::int64_t row = 0;
    std::string password;
  };
  void work(std::stop_token stop);
  void read_one(const Waiting& waiting, Reading& reading);

  Options options_;
  Library& library_;
  Read read_;
  Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;                               // guarded by mutex_
  std::map<std::int64_t, std::shared_ptr<Reading>> reading_;  // by row; guarded by mutex_
  bool is_stopping_ = false;                                  // guarded by mutex_
  std::vector<std::jthread> readers_;
};

}  // namespace quintet::docs
