#include "llm/local_models.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "inference/model_names.h"
#include "models/model.h"

namespace quintet {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kListLife{2};
constexpr std::string_view kPrefix = "engine:";

std::string key_of(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error);
  return (error ? path : real).string();
}

bool writes_text(const ModelDetails& details) {
  if (details.n_parameters == 0) return false;  // a vocabulary
  const auto families = model_families();
  return std::any_of(families.begin(), families.end(), [&](const ModelFamily* family) {
    const auto& types = family->hf.model_types;
    return family->architecture == details.architecture ||
           std::find(types.begin(), types.end(), details.architecture) != types.end();
  });
}

/// What is known of a file or folder that lies anywhere.
StoredModel look_at(const fs::path& path) {
  StoredModel model;
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  model.path = path;
  model.id = path.string();
  model.name = is_folder ? path.filename().string() : model_stem(path.filename().string());
  model.format = is_folder ? ModelFormat::safetensors : ModelFormat::gguf;
  if (is_folder) {
    for (const auto& file : fs::directory_iterator(path, error))
      if (file.path().extension() == ".safetensors") model.files.push_back(file.path());
  } else if (const auto split = parse_split_name(path.string())) {
    for (std::size_t i = 1; i <= split->n_files; ++i)
      model.files.emplace_back(split_name(split->stem, i, split->n_files));
  } else {
    model.files.push_back(path);
  }
  for (const auto& file : model.files) {
    const auto size = fs::file_size(file, error);
    if (!error) model.size += size;
  }
  try {
    model.details = read_model_details(path);
    model.is_complete = true;
  } catch (const Error& fault) {
    model.problem = fault.what();
  }
  return model;
}

std::string_view without_prefix(std::string_view id) {
  return id.starts_with(kPrefix) ? id.substr(kPrefix.size()) : id;
}

bool is_in_use(EngineState state) noexcept {
  return state == EngineState::loading || state == EngineState::loaded || state == EngineState::unloading;
}

EngineOptions merge(EngineOptions options, const EngineChoice& choice) noexcept {
  if (choice.context > 0) options.max_seq_len = choice.context;
  if (choice.threads > 0) options.n_threads = choice.threads;
  if (choice.parallel > 0) options.max_sequences = choice.parallel;
  return options;
}

}  // namespace

LocalModels::LocalModels(Options options, ModelSettings& settings, const ModelInstruments& instruments)
    : options_(std::move(options)), store_(options_.folder), settings_(settings), instruments_(instruments) {}

std::shared_ptr<const LocalModels::Entry> LocalModels::make_entry(StoredModel stored, bool is_in_store,
                                                                  const Entries& others) const {
  auto entry = std::make_shared<Entry>();
  const auto is_taken = [&others](const std::string& name) {
    return std::any_of(others.begin(), others.end(), [&](const auto& other) {
      return ascii_lower(other.second->name) == ascii_lower(name);
    });
  };
  entry->name = stored.name;
  if (is_taken(entry->name)) entry->name = stored.id;
  entry->is_in_store = is_in_store;
  entry->can_chat = stored.is_complete && writes_text(stored.details);
  const auto choice = settings_.engine_choice(entry->name);
  auto engine = std::make_unique<EngineModel>(
      stored.path, choice ? merge(options_.engine, *choice) : options_.engine, entry->name);
  entry->engine = engine.get();
  entry->model = std::make_shared<InstrumentedModel>(std::move(engine), instruments_);
  entry->stored = std::move(stored);
  return entry;
}

LocalModels::Entries LocalModels::entries() const {
  const std::lock_guard looking(looking_);
  Entries known;
  {
    const std::lock_guard lock(mutex_);
    if (seen_ && std::chrono::steady_clock::now() - *seen_ < kListLife) return entries_;
    known = entries_;
  }
  std::map<std::string, std::pair<StoredModel, bool>> found;
  for (StoredModel& stored : store_.list()) {
    std::string key = key_of(stored.path);
    found.emplace(std::move(key), std::pair(std::move(stored), true));
  }
  if (!options_.given.empty()) {
    const std::string key = key_of(options_.given);
    if (!found.contains(key)) found.emplace(key, std::pair(look_at(options_.given), false));
  }

  Entries now;
  std::uint64_t n_gone = 0;
  for (const auto& [key, entry] : known) {
    const auto here = found.find(key);
    if (here != found.end()) {
      auto renewed = std::make_shared<Entry>(*entry);  // its name stays
      renewed->stored = std::move(here->second.first);
      renewed->is_in_store = here->second.second;
      renewed->can_chat = renewed->stored.is_complete && writes_text(renewed->stored.details);
      now.emplace(key, std::move(renewed));
      found.erase(here);
    } else if (is_in_use(entry->engine->report().state)) {
      auto orphan = std::make_shared<Entry>(*entry);
      orphan->stored.is_complete = false;
      orphan->stored.problem = "its file has been deleted; it works until it is unloaded";
      now.emplace(key, std::move(orphan));
    } else {
      n_gone += entry->engine->report().n_generated;
    }
  }
  // The one that was given first: it may have the short name.
  const auto given = options_.given.empty() ? found.end() : found.find(key_of(options_.given));
  if (given != found.end()) {
    now.emplace(given->first, make_entry(std::move(given->second.first), given->second.second, now));
    found.erase(given);
  }
  for (auto& [key, one] : found) now.emplace(key, make_entry(std::move(one.first), one.second, now));

  const std::lock_guard lock(mutex_);
  entries_ = now;
  n_generated_gone_ += n_gone;
  seen_ = std::chrono::steady_clock::now();
  return now;
}

void LocalModels::refresh() {
  const std::lock_guard lock(mutex_);
  seen_.reset();
}

LocalModel LocalModels::describe(const Entry& entry) {
  return {cat(kPrefix, entry.name), entry.name,     entry.stored,
          entry.is_in_store,        entry.can_chat, entry.engine->report()};
}

std::vector<LocalModel> LocalModels::list() const {
  std::vector<LocalModel> models;
  for (const auto& [key, entry] : entries()) models.push_back(describe(*entry));
  std::sort(models.begin(), models.end(),
            [](const LocalModel& a, const LocalModel& b) { return a.name < b.name; });
  return models;
}

std::shared_ptr<const LocalModels::Entry> LocalModels::entry(std::string_view id) const {
  const std::string_view name = without_prefix(id);
  std::vector<std::string> names;
  for (const auto& [key, entry] : entries()) {
    if (entry->name == name) return entry;
    names.push_back(entry->name);
  }
  const auto nearest = nearest_names(name, names, 3);
  throw NotFound(cat("there is no model \"", sanitize_utf8(name), "\" on this machine",
                     !nearest.empty() ? cat("; did you mean ", join(nearest, ", "), "?")
                     : names.empty()  ? "; quintet models pull hf:owner/repo downloads one"
                                      : cat("; there are: ", join(names, ", "))));
}

LocalModel LocalModels::get(std::string_view id) const {
  return describe(*entry(id));
}

std::vector<ChatModelInfo> LocalModels::infos() const {
  std::vector<ChatModelInfo> infos;
  for (const auto& [key, entry] : entries())
    if (entry->can_chat || is_in_use(entry->engine->report().state)) infos.push_back(entry->model->info());
  std::sort(infos.begin(), infos.end(),
            [](const ChatModelInfo& a, const ChatModelInfo& b) { return a.id < b.id; });
  return infos;
}

std::shared_ptr<ChatModel> LocalModels::find(std::string_view id) const {
  const std::string_view name = without_prefix(id);
  if (name.empty()) return nullptr;
  const Entries known = entries();
  for (const auto& [key, entry] : known)
    if (entry->name == name) return entry->model;
  try {
    const auto found = known.find(key_of(store_.find(name).path));
    if (found != known.end()) return found->second->model;
  } catch (const Error&) {
    // no model, or several: the caller's message names them all
  }
  return nullptr;
}

std::shared_ptr<ChatModel> LocalModels::preferred() const {
  const Entries known = entries();
  if (!options_.given.empty()) {
    const auto given = known.find(key_of(options_.given));
    if (given != known.end()) return given->second->model;
  }
  std::shared_ptr<const Entry> best;
  const auto time_of = [](const Entry& entry) {
    return entry.stored.origin ? entry.stored.origin->downloaded_at : std::string();
  };
  for (const auto& [key, entry] : known)
    if (entry->can_chat && (best == nullptr || time_of(*entry) > time_of(*best))) best = entry;
  return best == nullptr ? nullptr : best->model;
}

void LocalModels::begin_load(std::string_view id, const std::optional<EngineChoice>& choice) {
  const auto found = entry(id);
  if (!is_in_use(found->engine->report().state) && !found->stored.is_complete)
    throw Conflict(cat(found->name, " cannot be loaded: ", found->stored.problem));
  if (!choice) return found->engine->begin_load();
  found->engine->begin_load(merge(options_.engine, *choice));
  settings_.set_engine_choice(found->name, *choice);
}

void LocalModels::unload(std::string_view id) {
  entry(id)->engine->unload();
  refresh();
}

void LocalModels::remove(std::string_view id) {
  const auto found = entry(id);
  if (is_in_use(found->engine->report().state))
    throw Conflict(cat(found->name, " is in memory; unload it before it is deleted"));
  if (!found->is_in_store) {
    throw Conflict(cat(found->stored.path.string(),
                       " is not in the folder of downloaded models; delete the file yourself"));
  }
  store_.remove(found->stored);
  settings_.forget(found->name, cat(kPrefix, found->name));
  refresh();
}

EngineTotals LocalModels::totals() const {
  EngineTotals totals;
  const std::lock_guard lock(mutex_);
  totals.n_generated = n_generated_gone_;
  for (const auto& [key, entry] : entries_) {
    const EngineReport report = entry->engine->report();
    totals.n_generated += report.n_generated;
    if (report.memory_bytes == 0) continue;
    ++totals.n_loaded;
    totals.n_running += report.status.n_running;
    totals.n_waiting += report.status.n_waiting;
    totals.kv_tokens_used += report.status.kv_tokens_used;
    totals.kv_tokens_total += report.status.kv_tokens_total;
    totals.memory_bytes += report.memory_bytes;
  }
  return totals;
}

}  // namespace quintet
