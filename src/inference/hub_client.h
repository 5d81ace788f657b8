#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "inference/hub_wire.h"
#include "net/http_client.h"

namespace quintet {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // without a slash at its end
  std::string token;                                // empty = none; sent to the endpoint's origin only
  std::chrono::milliseconds first_pause{500};       // before a second attempt; then doubled
  std::chrono::seconds longest_retry_after{30};     // a hub that asks for more patience is an error

  /// HF_ENDPOINT and HF_TOKEN; the token else from the file that HF_TOKEN_PATH, $HF_HOME/token or
  /// ~/.cache/huggingface/token name. `get` returns a variable's value or null; the real one is std::getenv.
  /// Throws InvalidArgument for an endpoint that is no URL.
  static HubSettings from_environment(const char* (*get)(const char*));
};

/// Questions to a hub that speaks Hugging Face's API (huggingface.co/docs/hub/api). Const methods may run
/// concurrently; each may take a few attempts.
///
/// Errors are for people: NotFound (repository, revision), Forbidden and Unauthorized (gated: which licence
/// to accept, where the token goes), Exhausted (too many requests), Unavailable, CorruptData, Cancelled.
class HubClient {
 public:
  HubClient(HttpClient& http, HubSettings settings);

  const HubSettings& settings() const noexcept { return settings_; }

  /// All files of the repository at `source.revision`.
  std::vector<HubFile> list_files(const HubSource& source, const std::stop_token& stop = {}) const;
  /// The commit that `source.revision` is now, asked of one of its files; the revision itself when the hub
  /// does not say.
  std::string find_commit(const HubSource& source, std::string_view path,
                          const std::stop_token& stop = {}) const;

  /// Where a file's bytes are; the hub may redirect from there to another host.
  std::string file_url(const HubSource& source, std::string_view path, std::string_view revision) const;
  std::vector<HttpHeader> headers() const;

  /// What a refused request for `path` ("" = the repository itself) means.
  [[noreturn]] void throw_refusal(const HubSource& source, std::string_view path, const HttpHead& head,
                                  std::string_view body) const;

 private:
  ClientResponse ask(ClientRequest request, const HubSource& source, std::string_view path,
                     const std::stop_token& stop) const;

  HttpClient& http_;
  HubSettings settings_;
};

}  // namespace quintet
