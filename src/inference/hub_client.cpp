#include "inference/hub_client.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr int kMaxAttempts = 4;
constexpr std::size_t kMaxPages = 200;
constexpr std::size_t kMaxFiles = 100'000;
constexpr std::size_t kMaxTokenFile = std::size_t{64} << 10;

std::string variable(const char* (*get)(const char*), const char* name) {
  const char* value = get(name);
  return value == nullptr ? std::string() : std::string(trim(value));
}

/// "" when the file is absent or unreadable: it is only a convenience.
std::string token_in(const std::filesystem::path& path) {
  try {
    return std::string(trim(read_file(path, kMaxTokenFile)));
  } catch (const Error&) {
    return {};
  }
}

bool is_transient(int status) noexcept {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/// The hub's own words for an error: a header, or the JSON body.
std::string reason_in(const HttpHead& head, std::string_view body) {
  std::string reason(find_header(head.headers, "X-Error-Message").value_or(""));
  if (reason.empty()) {
    if (const auto json = try_parse_json(body); json && json->is_object()) {
      const Json* error = json->get_object().if_contains("error");
      if (error != nullptr && error->is_string()) reason = std::string(error->get_string());
    }
  }
  reason = sanitize_utf8(reason);
  for (char& c : reason) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return std::string(truncate_utf8(trim(reason), 300));
}

}  // namespace

HubSettings HubSettings::from_environment(const char* (*get)(const char*)) {
  HubSettings settings;
  if (std::string endpoint = variable(get, "HF_ENDPOINT"); !endpoint.empty()) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (!resolve_url(endpoint, "/") || endpoint.find_first_of("?#") != std::string::npos)
      throw InvalidArgument("HF_ENDPOINT must be the address of a hub, such as https://huggingface.co");
    settings.endpoint = std::move(endpoint);
  }
  settings.token = variable(get, "HF_TOKEN");
  if (settings.token.empty()) {
    const std::string file = variable(get, "HF_TOKEN_PATH");
    const std::string hub_home = variable(get, "HF_HOME");
    const std::string home = variable(get, "HOME");
    if (!file.empty()) {
      settings.token = token_in(file);
    } else if (!hub_home.empty()) {
      settings.token = token_in(std::filesystem::path(hub_home) / "token");
    } else if (!home.empty()) {
      settings.token = token_in(std::filesystem::path(home) / ".cache/huggingface/token");
    }
  }
  if (settings.token.find_first_of(" \t\r\n") != std::string::npos)
    throw InvalidArgument("HF_TOKEN holds white space; a token is one word that begins with hf_");
  return settings;
}

HubClient::HubClient(HttpClient& http, HubSettings settings) : http_(http), settings_(std::move(settings)) {
  while (settings_.endpoint.ends_with('/')) settings_.endpoint.pop_back();
}

std::vector<HttpHeader> HubClient::headers() const {
  if (settings_.token.empty()) return {};
  return {{"Authorization", cat("Bearer ", settings_.token)}};
}

std::string HubClient::file_url(const HubSource& source, std::string_view path,
                                std::string_view revision) const {
  return cat(settings_.endpoint, "/", source.id(), "/resolve/", percent_encode(revision), "/",
             encode_path(path));
}

std::vector<HubFile> HubClient::list_files(const HubSource& source, const std::stop_token& stop) const {
  std::string url = cat(settings_.endpoint, "/api/models/", source.id(), "/tree/",
                        percent_encode(source.revision), "?recursive=true");
  std::vector<HubFile> files;
  for (std::size_t n_pages = 0; !url.empty(); ++n_pages) {
    if (n_pages == kMaxPages || files.size() > kMaxFiles)
      throw Exhausted(cat("hub: ", source.id(), " has more files than can be listed (", files.size(), ")"));
    ClientRequest request;
    request.url = url;
    request.max_redirects = 5;
    const auto response = ask(std::move(request), source, "", stop);
    auto page = parse_hub_tree(response.body);
    files.insert(files.end(), std::make_move_iterator(page.begin()), std::make_move_iterator(page.end()));
    url.clear();
    if (const auto link = find_header(response.head.headers, "Link")) {
      if (const auto next = next_page_link(*link)) {
        const auto resolved = resolve_url(response.url, *next);
        // The next page gets the token too.
        if (!resolved || !is_same_origin(*resolved, settings_.endpoint))
          throw CorruptData(cat("hub: the list of ", source.id(), " goes on at another host"));
        url = *resolved;
      }
    }
  }
  return files;
}

std::string HubClient::find_commit(const HubSource& source, std::string_view path,
                                   const std::stop_token& stop) const {
  ClientRequest request;
  request.method = "HEAD";
  request.url = file_url(source, path, source.revision);
  // A moved repository redirects within the hub; the way to the bytes, to another host, is not taken: the
  // commit stands in the hub's own answer.
  request.max_redirects = 5;
  request.redirect_scope = RedirectScope::same_origin;
  const auto response = ask(std::move(request), source, path, stop);
  const auto commit = find_header(response.head.headers, "X-Repo-Commit").value_or("");
  const bool is_commit =
      commit.size() == 40 && commit.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_commit ? std::string(commit) : source.revision;
}

ClientResponse HubClient::ask(ClientRequest request, const HubSource& source, std::string_view path,
                              const std::stop_token& stop) const {
  request.headers = headers();
  request.limits.total = std::chrono::minutes(2);
  auto pause = settings_.first_pause;
  for (int attempt = 1;; ++attempt) {
    std::chrono::milliseconds asked{0};
    try {
      auto response = http_.send(request, {}, stop);
      const int status = response.head.status;
      // A redirect that is not followed says that the file is there.
      if (status >= 200 && status < 400) return response;
      const auto value = find_header(response.head.headers, "Retry-After");
      if (value)
        asked = std::chrono::seconds(std::clamp<std::int64_t>(parse_int(*value).value_or(0), 0, 1 << 20));
      if (!is_transient(status) || attempt == kMaxAttempts || asked > settings_.longest_retry_after)
        throw_refusal(source, path, response.head, response.body);
    } catch (const HttpFailure& failure) {
      if (failure.fault() == HttpFault::cancelled) throw Cancelled(cat("hub: ", source.text(), ": stopped"));
      const bool may_pass = failure.fault() == HttpFault::cut_off ||
                            failure.fault() == HttpFault::timeout_first_byte ||
                            failure.fault() == HttpFault::timeout_idle;
      if (!may_pass || attempt == kMaxAttempts) throw;
    }
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, std::max(pause, asked), [] { return false; });
    if (stop.stop_requested()) throw Cancelled(cat("hub: ", source.text(), ": stopped"));
    pause *= 2;
  }
}

void HubClient::throw_refusal(const HubSource& source, std::string_view path, const HttpHead& head,
                              std::string_view body) const {
  const std::string_view error = find_header(head.headers, "X-Error-Code").value_or("");
  const std::string reason = reason_in(head, body);
  const std::string page = cat(settings_.endpoint, "/", source.id());
  const bool has_token = !settings_.token.empty();
  const std::string said = reason.empty() ? "" : cat(" (the hub says: ", reason, ")");
  if (error == "GatedRepo" || (head.status == 403 && error.empty())) {
    throw Forbidden(cat(source.id(), " is gated: accept its licence at ", page,
                        has_token ? " with the account that HF_TOKEN belongs to"
                                  : " and set HF_TOKEN to a token of that account",
                        said));
  }
  if (error == "RevisionNotFound")
    throw NotFound(cat("there is no revision ", source.revision, " of ", source.id(), said));
  if (error == "EntryNotFound" || (head.status == 404 && !path.empty() && error.empty()))
    throw NotFound(cat("there is no file ", path, " in ", source.id(), " at ", source.revision, said));
  // The hub answers 401 for what does not exist too, so that nobody learns which private names are taken.
  if (head.status == 401 && has_token && error != "RepoNotFound")
    throw Unauthorized(cat("the hub refuses HF_TOKEN for ", source.id(), said));
  if (head.status == 401 || head.status == 404 || error == "RepoNotFound") {
    const std::string message =
        cat("there is no repository ", source.id(), " at ", settings_.endpoint,
            ", or it is private: check the name",
            has_token ? "; HF_TOKEN may not see it" : ", or set HF_TOKEN to a token that may see it", said);
    if (head.status == 401 && error != "RepoNotFound") throw Unauthorized(message);
    throw NotFound(message);
  }
  if (head.status == 429) {
    const auto wait = find_header(head.headers, "Retry-After");
    throw Exhausted(cat("the hub limits the number of requests; try again ",
                        wait ? cat("in ", std::string(*wait), " s") : "later",
                        has_token ? "" : " or set HF_TOKEN, which raises the limit", said));
  }
  throw Unavailable(cat("the hub answered with status ", head.status, " for ", source.id(), said));
}

}  // namespace quintet
