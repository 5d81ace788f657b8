#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model_pull.h"

namespace quintet {

enum class ModelDownloadState : std::uint8_t { running, done, failed, cancelled };
std::string_view model_download_state_name(ModelDownloadState state) noexcept;

/// A model that is being fetched in the background, or was.
struct ModelDownload {
  std::string id;
  std::string source;
  ModelDownloadState state = ModelDownloadState::running;
  PullProgress progress;
  std::string problem;  // failed: why
};

/// pull_model() in the background: each download on a thread of its own, a few at once. What is cancelled or
/// fails leaves its part on disk, and the next start of the same source goes on with it. Downloads that ended
/// are listed until the same source is started again, or until they are dismissed. Any thread.
class ModelDownloads {
 public:
  static constexpr std::size_t kMaxRunning = 3;
  static constexpr std::size_t kMaxEnded = 20;  // listed; older ones are forgotten

  struct Options {
    std::function<HubSettings()> hub;  // asked at each start, where its errors go
    std::function<void()> on_done;     // a model is there now; called on the download's thread
    DownloadPolicy policy{};
  };
  /// `http` outlives it.
  ModelDownloads(const ModelStore& store, HttpClient& http, Options options);
  /// Cancels what runs, and waits: a tenth of a second.
  ~ModelDownloads();
  ModelDownloads(const ModelDownloads&) = delete;
  ModelDownloads& operator=(const ModelDownloads&) = delete;

  /// Throws InvalidArgument for a source that is none, Conflict when it is being downloaded, Exhausted when
  /// kMaxRunning run.
  ModelDownload start(std::string_view source);
  /// Cancels one that runs, dismisses one that ended. Throws NotFound.
  void stop(std::string_view id);
  /// In the order of their starts.
  std::vector<ModelDownload> list() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace quintet
