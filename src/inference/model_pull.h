#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "inference/hub_client.h"
#include "inference/model_store.h"
#include "net/download.h"

namespace quintet {

struct PullRequest {
  std::string source;  // "hf:owner/repo[:file][@revision]", or the http(s) URL of a .gguf file
  std::string sha256;  // of the file, when the caller knows it; of one file only
};

/// Where a pull stands. Between files the numbers stand still.
struct PullProgress {
  std::string file;        // its name
  std::size_t i_file = 0;  // from 0
  std::size_t n_files = 1;
  DownloadProgress download;  // of this file
};
using PullObserver = std::function<void(const PullProgress&)>;

struct PullResult {
  StoredModel model;
  std::size_t n_files = 0;
  std::uint64_t bytes = 0;              // of all files
  std::uint64_t transferred_bytes = 0;  // of files that were not there already
};

/// Downloads a model into the store and notes where it came from. What is there already is not fetched again;
/// an interrupted pull goes on when it is asked for again. All files come from one commit of the repository.
///
/// Throws InvalidArgument (the source; no file named and several fit), NotFound, Unsupported, Forbidden,
/// Unauthorized, Exhausted (disk, rate), Cancelled, CorruptData and Unavailable, each saying what would work.
PullResult pull_model(const ModelStore& store, HttpClient& http, const HubSettings& hub,
                      const PullRequest& request, const PullObserver& observer = {},
                      const std::stop_token& stop = {}, const DownloadPolicy& policy = {});

}  // namespace quintet
