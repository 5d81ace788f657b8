#include "inference/model_downloads.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "core/ids.h"
#include "core/text.h"
#include "inference/hub_wire.h"

namespace quintet {

namespace {

bool is_url(std::string_view source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

}  // namespace

std::string_view model_download_state_name(ModelDownloadState state) noexcept {
  switch (state) {
    case ModelDownloadState::running: return "running";
    case ModelDownloadState::done: return "done";
    case ModelDownloadState::failed: return "failed";
    case ModelDownloadState::cancelled: return "cancelled";
  }
  return "";
}

struct ModelDownloads::State {
  struct Item {
    ModelDownload shown;  // guarded by the mutex
    std::jthread thread;
  };

  State(const ModelStore& s, HttpClient& h, Options o) : store(s), http(h), options(std::move(o)) {}

  void run(Item& item, const HubSettings& hub, const std::stop_token& stop);

  const ModelStore store;
  HttpClient& http;
  const Options options;
  std::mutex mutex;
  std::vector<std::unique_ptr<Item>> items;  // guarded by mutex; an item stays until its thread has ended
};

void ModelDownloads::State::run(Item& item, const HubSettings& hub, const std::stop_token& stop) {
  ModelDownloadState end = ModelDownloadState::done;
  std::string problem;
  const std::string source = item.shown.source;  // never changes
  try {
    const auto observe = [&](const PullProgress& progress) {
      const std::lock_guard lock(mutex);
      item.shown.progress = progress;
    };
    const PullResult result = pull_model(store, http, hub, {source, ""}, observe, stop, options.policy);
    if (!result.model.name.empty() && !result.model.is_complete)
      throw CorruptData(cat(result.model.name, ": ", result.model.problem));
  } catch (const Cancelled&) {
    end = ModelDownloadState::cancelled;
  } catch (const std::exception& error) {
    end = stop.stop_requested() ? ModelDownloadState::cancelled : ModelDownloadState::failed;
    problem = error.what();
  }
  if (options.on_done) options.on_done();  // a download that was cut off is listed, too
  const std::lock_guard lock(mutex);
  item.shown.state = end;
  if (end == ModelDownloadState::failed) item.shown.problem = std::move(problem);
}

ModelDownloads::ModelDownloads(const ModelStore& store, HttpClient& http, Options options)
    : state_(std::make_unique<State>(store, http, std::move(options))) {}

ModelDownloads::~ModelDownloads() {
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& item : state_->items) item->thread.request_stop();
  }
  for (const auto& item : state_->items)
    if (item->thread.joinable()) item->thread.join();
}

ModelDownload ModelDownloads::start(std::string_view source) {
  std::string wanted(trim(source));
  if (!is_url(wanted)) wanted = parse_hub_source(wanted).text();
  const HubSettings hub = state_->options.hub();
  const std::lock_guard lock(state_->mutex);
  auto& items = state_->items;
  const auto is_running = [](const auto& item) { return item->shown.state == ModelDownloadState::running; };
  for (const auto& item : items) {
    if (is_running(item) && item->shown.source == wanted)
      throw Conflict(cat(wanted, " is being downloaded already"));
  }
  if (static_cast<std::size_t>(std::count_if(items.begin(), items.end(), is_running)) >= kMaxRunning)
    throw Exhausted(cat(kMaxRunning, " downloads run already; start this one when one of them has ended"));
  // Threads of those that ended have nothing left to do but to return, so that joining them takes no time.
  std::erase_if(items, [&](const auto& item) { return !is_running(item) && item->shown.source == wanted; });
  if (items.size() >= kMaxEnded) {
    const auto oldest = std::find_if_not(items.begin(), items.end(), is_running);
    if (oldest != items.end()) items.erase(oldest);
  }
  auto item = std::make_unique<State::Item>();
  item->shown.id = new_id("d_");
  item->shown.source = wanted;
  State::Item& here = *item;
  const ModelDownload shown = item->shown;
  items.push_back(std::move(item));
  try {
    here.thread =
        std::jthread([this, &here, hub](const std::stop_token& stop) { state_->run(here, hub, stop); });
  } catch (...) {
    items.pop_back();
    throw;
  }
  return shown;
}

void ModelDownloads::stop(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  auto& items = state_->items;
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item->shown.id == id; });
  if (found == items.end()) throw NotFound("there is no such download; it may have been dismissed");
  if ((*found)->shown.state == ModelDownloadState::running) {
    (*found)->thread.request_stop();
  } else {
    items.erase(found);
  }
}

std::vector<ModelDownload> ModelDownloads::list() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<ModelDownload> shown;
  for (const auto& item : state_->items) shown.push_back(item->shown);
  return shown;
}

}  // namespace quintet
