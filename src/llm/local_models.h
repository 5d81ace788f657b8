#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model_store.h"
#include "llm/engine_model.h"
#include "llm/instrumented_model.h"
#include "llm/model_settings.h"

namespace quintet {

/// A model file that this process can run, and what it does with it now.
struct LocalModel {
  std::string id;            // what people pick: "engine:<name>"
  std::string name;          // unique here, and the same until the process ends
  StoredModel stored;        // on disk; with a problem when it cannot be used
  bool is_in_store = false;  // else it was given by its path
  bool can_chat = false;     // of a family that writes text; embedding models do not
  EngineReport engine;
};

/// Sums over all of them, for metrics.
struct EngineTotals {
  std::size_t n_loaded = 0;
  std::size_t n_running = 0;
  std::size_t n_waiting = 0;
  std::size_t kv_tokens_used = 0;
  std::size_t kv_tokens_total = 0;
  std::size_t memory_bytes = 0;
  std::uint64_t n_generated = 0;  // tokens; never falls
};

/// The models of the store and the one that was given by its path: listed, loaded and unloaded at run time.
/// Several may be loaded. A model that is asked is loaded if it is not; what was found keeps answering while
/// its file is deleted or replaced.
///
/// The disk is looked at again when the last look is two seconds old (a millisecond per model), so that what
/// another process downloads or deletes is seen. Any thread.
class LocalModels {
 public:
  struct Options {
    std::filesystem::path folder;  // of the store
    std::filesystem::path given;   // a file or folder elsewhere, or in the store; empty = none
    EngineOptions engine;          // where nothing else was chosen
  };
  /// `settings` and what `instruments` refers to must outlive it.
  LocalModels(Options options, ModelSettings& settings, const ModelInstruments& instruments);

  const ModelStore& store() const noexcept { return store_; }

  /// In the order of their names.
  std::vector<LocalModel> list() const;
  /// By id or name. Throws NotFound naming what there is.
  LocalModel get(std::string_view id) const;
  /// Those that can chat.
  std::vector<ChatModelInfo> infos() const;
  /// By id, name, or whatever ModelStore::find takes; null when there is none.
  std::shared_ptr<ChatModel> find(std::string_view id) const;
  /// The one that was given by its path, else the one that was downloaded last, else the first that can chat;
  /// null when there is none.
  std::shared_ptr<ChatModel> preferred() const;

  /// Begins to load, with these settings, which are remembered; without, with those of last time. Throws
  /// NotFound; Conflict when the file cannot be used (with its problem) or is loaded with other settings;
  /// Unavailable while it is being unloaded.
  void begin_load(std::string_view id, const std::optional<EngineChoice>& choice = std::nullopt);
  /// As EngineModel::unload. Throws NotFound.
  void unload(std::string_view id);
  /// Deletes its files. Throws NotFound; Conflict when it is in use, being downloaded, or not in the store.
  void remove(std::string_view id);
  /// Looks at the disk at the next question, whenever the last look was.
  void refresh();

  EngineTotals totals() const;

 private:
  struct Entry {
    std::string name;
    StoredModel stored;
    bool is_in_store = false;
    bool can_chat = false;
    std::shared_ptr<InstrumentedModel> model;
    EngineModel* engine = nullptr;  // inside `model`
  };
  using Entries = std::map<std::string, std::shared_ptr<const Entry>>;  // by where the file really is

  Entries entries() const;
  std::shared_ptr<const Entry> entry(std::string_view id) const;
  std::shared_ptr<const Entry> make_entry(StoredModel stored, bool is_in_store, const Entries& others) const;
  static LocalModel describe(const Entry& entry);

  const Options options_;
  const ModelStore store_;
  ModelSettings& settings_;
  const ModelInstruments instruments_;

  mutable std::mutex looking_;  // one look at the disk at a time
  mutable std::mutex mutex_;
  mutable Entries entries_;                                            // guarded by mutex_
  mutable std::optional<std::chrono::steady_clock::time_point> seen_;  // guarded by mutex_
  mutable std::uint64_t n_generated_gone_ = 0;  // by models whose files are gone; guarded by mutex_
};

}  // namespace quintet
