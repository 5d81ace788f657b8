#include "net/http_client.h"

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>
#include <utility>

#include <curl/curl.h>

#include "core/text.h"

namespace quintet {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Load balancers commonly drop idle connections after 60 s; not using one just before then avoids a lost
// request.
constexpr long kMaxIdleSeconds = 55;
// Bounds the wait for a change that no descriptor announces.
constexpr milliseconds kMaxWait{1'000};

struct CurlGlobal {
  CurlGlobal() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw InternalError("http: libcurl cannot start");
  }
};

ErrorCode error_code_of(HttpFault fault) noexcept {
  switch (fault) {
    case HttpFault::invalid_url: return ErrorCode::invalid_argument;
    case HttpFault::too_large: return ErrorCode::exhausted;
    case HttpFault::garbled: return ErrorCode::corrupt_data;
    case HttpFault::cancelled: return ErrorCode::cancelled;
    case HttpFault::resolve:
    case HttpFault::connect:
    case HttpFault::tls:
    case HttpFault::timeout_connect:
    case HttpFault::timeout_first_byte:
    case HttpFault::timeout_idle:
    case HttpFault::timeout_total:
    case HttpFault::redirect:
    case HttpFault::cut_off: return ErrorCode::unavailable;
  }
  return ErrorCode::internal;
}

HttpFault fault_of(CURLcode code, std::string_view detail) noexcept {
  switch (code) {
    case CURLE_URL_MALFORMAT: return HttpFault::invalid_url;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return HttpFault::resolve;
    case CURLE_COULDNT_CONNECT: return HttpFault::connect;
    case CURLE_OPERATION_TIMEDOUT: return HttpFault::timeout_connect;  // the only timer that libcurl is given
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return HttpFault::tls;
    case CURLE_RECV_ERROR:
      return detail.find("chunked-encoding") != std::string_view::npos ? HttpFault::garbled
                                                                       : HttpFault::cut_off;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR: return HttpFault::cut_off;
    default: return HttpFault::garbled;
  }
}

// The body of a redirect is a line of HTML for people whose browser does not follow.
constexpr std::size_t kMaxRedirectBody = std::size_t{64} << 10;

/// The URL that a redirect leads to, when it is one.
std::optional<std::string> redirect_target(const std::string& url, const HttpHead& head) {
  if (head.status != 301 && head.status != 302 && head.status != 303 && head.status != 307 &&
      head.status != 308)
    return std::nullopt;
  const auto location = find_header(head.headers, "Location");
  if (!location || location->empty()) return std::nullopt;
  // An answer that leads to no URL of HTTP is kept apart from one that leads nowhere.
  return resolve_url(url, std::string(*location)).value_or("");
}

bool is_followed(const ClientRequest& request, const HttpHead& head) noexcept {
  try {
    if (request.max_redirects <= 0) return false;
    const auto target = redirect_target(request.url, head);
    return target &&
           (request.redirect_scope == RedirectScope::anywhere || is_same_origin(request.url, *target));
  } catch (...) {
    return false;  // out of memory: the exchange itself will say so
  }
}

/// What may leave the origin it was meant for; everything else may be a key.
bool is_harmless_header(std::string_view name) noexcept {
  return iequals_ascii(name, "Range") || iequals_ascii(name, "User-Agent") || iequals_ascii(name, "Accept") ||
         starts_with_ignoring_case(name, "Accept-") || starts_with_ignoring_case(name, "If-");
}

/// A libcurl transfer handle with the multi handle that drives it and owns its connection.
struct Slot {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  std::string origin;  // of the last request: where its open connection leads
  Clock::time_point idle_since;

  Slot() = default;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    if (multi != nullptr) curl_multi_cleanup(multi);
  }
};

/// One exchange, as the callbacks of libcurl see it. Callbacks return to C, so exceptions wait in `error`.
struct Transfer {
  const ClientRequest& request;
  const HttpLimits& limits;
  const HttpBodySink& sink;
  ClientResponse response{};
  std::size_t dropped_bytes = 0;
  bool is_dropped = false;  // a redirect's body was too long to read for nothing
  std::size_t body_bytes = 0;
  std::size_t header_bytes = 0;
  bool body_started = false;
  bool is_too_large = false;
  bool is_sending = false;    // connected: the wait for the first byte runs
  Clock::time_point since{};  // of the wait in progress: for the first byte, or for the next
  std::exception_ptr error{};

  bool take_body(std::string_view bytes) noexcept;
  bool take_header(std::string_view line) noexcept;
};

bool Transfer::take_body(std::string_view bytes) noexcept {
  if (is_followed(request, response.head)) {
    // Read to its end, so that the connection can be used again, unless that would take long.
    body_started = true;
    dropped_bytes += bytes.size();
    is_dropped = dropped_bytes > kMaxRedirectBody;
    since = Clock::now();
    return !is_dropped;
  }
  const std::size_t limit = limits.max_body_bytes;
  if (limit != 0 && bytes.size() > limit - std::min(limit, body_bytes)) {
    is_too_large = true;
    return false;
  }
  body_started = true;
  body_bytes += bytes.size();
  try {
    if (sink) {
      sink(response.head, bytes);
    } else {
      response.body.append(bytes);
    }
  } catch (...) {
    error = std::current_exception();
    return false;
  }
  since = Clock::now();
  return true;
}

bool Transfer::take_header(std::string_view line) noexcept {
  const std::size_t limit = limits.max_header_bytes;
  header_bytes += line.size();
  if (limit != 0 && header_bytes > limit) {
    is_too_large = true;
    return false;
  }
  try {
    line = trim(line);
    if (line.starts_with("HTTP/")) {  // also after "100 Continue" and a redirect: what came before is void
      response.head = {};
      const auto space = line.find(' ');
      if (space != std::string_view::npos) {
        response.head.status = static_cast<int>(parse_int(line.substr(space + 1, 3)).value_or(0));
      }
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      response.head.headers.push_back(
          {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
    }
  } catch (...) {
    error = std::current_exception();
    return false;
  }
  return true;
}

std::size_t on_body(char* bytes, std::size_t /*one*/, std::size_t n, void* transfer) {
  // Anything but n tells libcurl to give up; n itself may be 0.
  return static_cast<Transfer*>(transfer)->take_body({bytes, n}) ? n : n + 1;
}

std::size_t on_header(char* bytes, std::size_t /*one*/, std::size_t n, void* transfer) {
  return static_cast<Transfer*>(transfer)->take_header({bytes, n}) ? n : n + 1;
}

int on_connected(void* transfer, char* /*peer*/, char* /*local*/, int /*peer_port*/, int /*local_port*/) {
  auto& self = *static_cast<Transfer*>(transfer);
  self.is_sending = true;
  self.since = Clock::now();
  return CURL_PREREQFUNC_OK;
}

/// The header list in libcurl's form.
class HeaderList {
 public:
  explicit HeaderList(const ClientRequest& request) {
    for (const HttpHeader& header : request.headers) {
      if (header.name.empty() || header.name.find_first_of("\r\n:") != std::string::npos ||
          header.value.find_first_of("\r\n") != std::string::npos) {
        throw InvalidArgument("http: a header's name or value has a line break or colon where none may be");
      }
      // An empty value needs the other spelling: "Name:" would remove the header.
      append(header.value.empty() ? cat(header.name, ";") : cat(header.name, ": ", header.value));
    }
    append("Expect:");  // never wait for "100 Continue"
    if (!find_header(request.headers, "Content-Type"))
      append("Content-Type:");  // libcurl would claim a web form
  }
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  curl_slist* get() const noexcept { return list_; }

 private:
  void append(const std::string& line) {
    curl_slist* longer = curl_slist_append(list_, line.c_str());
    if (longer == nullptr) throw InternalError("http: out of memory");
    list_ = longer;
  }
  curl_slist* list_ = nullptr;
};

std::string_view environment_value(const char* (*get)(const char*),
                                   std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = get(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace

std::string_view http_fault_name(HttpFault fault) noexcept {
  switch (fault) {
    case HttpFault::invalid_url: return "invalid_url";
    case HttpFault::resolve: return "resolve";
    case HttpFault::connect: return "connect";
    case HttpFault::tls: return "tls";
    case HttpFault::timeout_connect: return "timeout_connect";
    case HttpFault::timeout_first_byte: return "timeout_first_byte";
    case HttpFault::timeout_idle: return "timeout_idle";
    case HttpFault::timeout_total: return "timeout_total";
    case HttpFault::cut_off: return "cut_off";
    case HttpFault::too_large: return "too_large";
    case HttpFault::garbled: return "garbled";
    case HttpFault::redirect: return "redirect";
    case HttpFault::cancelled: return "cancelled";
  }
  return "garbled";
}

HttpFailure::HttpFailure(HttpFault fault, bool body_started, const std::string& message)
    : Error(error_code_of(fault), message), fault_(fault), body_started_(body_started) {}

std::optional<std::string_view> find_header(const std::vector<HttpHeader>& headers,
                                            std::string_view name) noexcept {
  for (const HttpHeader& header : headers) {
    if (iequals_ascii(header.name, name)) return header.value;
  }
  return std::nullopt;
}

ProxySettings ProxySettings::from_environment(const char* (*get)(const char*)) {
  ProxySettings settings;
  settings.http_proxy = environment_value(get, {"http_proxy", "all_proxy", "ALL_PROXY"});
  settings.https_proxy = environment_value(get, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  settings.no_proxy = environment_value(get, {"no_proxy", "NO_PROXY"});
  return settings;
}

struct HttpClient::State {
  Options options;
  mutable std::mutex mutex;
  std::vector<std::unique_ptr<Slot>> idle;  // guarded by mutex; the most recently used is last

  std::unique_ptr<Slot> take_slot(std::string_view origin) {
    {
      const std::lock_guard lock(mutex);
      for (std::size_t i = idle.size(); i-- > 0;) {
        if (idle[i]->origin != origin) continue;
        auto slot = std::move(idle[i]);
        idle.erase(idle.begin() + static_cast<std::ptrdiff_t>(i));
        return slot;
      }
    }
    return make_slot();
  }

  void return_slot(std::unique_ptr<Slot> slot) {
    std::vector<std::unique_ptr<Slot>> leaving;  // closed after the lock is gone
    slot->idle_since = Clock::now();
    const auto expired = slot->idle_since - std::chrono::seconds(kMaxIdleSeconds);
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(slot));
    std::size_t n_leaving = idle.size() > options.max_idle ? idle.size() - options.max_idle : 0;
    while (n_leaving < idle.size() && idle[n_leaving]->idle_since < expired) ++n_leaving;
    for (std::size_t i = 0; i < n_leaving; ++i) leaving.push_back(std::move(idle[i]));
    idle.erase(idle.begin(), idle.begin() + static_cast<std::ptrdiff_t>(n_leaving));
  }

  /// A slot with every option that does not change between requests.
  std::unique_ptr<Slot> make_slot() const {
    auto slot = std::make_unique<Slot>();
    slot->multi = curl_multi_init();
    slot->easy = curl_easy_init();
    if (slot->multi == nullptr || slot->easy == nullptr) throw InternalError("http: out of memory");
    curl_multi_setopt(slot->multi, CURLMOPT_MAXCONNECTS, 1L);
    CURL* easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // One request per connection at a time: HTTP/2 would only add its framing.
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // cancelling does not wait for a stuck name server
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_NOPROXY, options.proxy.no_proxy.c_str());
    if (!options.ca_bundle.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_bundle.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    return slot;
  }
};

namespace {

void set_request(CURL* easy, const ClientRequest& request, const HttpLimits& limits) {
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
  curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);  // also undoes the body and HEAD of the request before
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    if (request.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  // For libcurl 0 means its default of 300 s: as good as none.
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
}

/// Keeps the transfer attached to its multi handle; detaching an unfinished one closes its connection.
class Attachment {
 public:
  explicit Attachment(Slot& slot) : slot_(slot) {
    if (curl_multi_add_handle(slot.multi, slot.easy) != CURLM_OK) {
      throw InternalError("http: cannot start a transfer");
    }
  }
  ~Attachment() { curl_multi_remove_handle(slot_.multi, slot_.easy); }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

 private:
  Slot& slot_;
};

struct Deadline {
  HttpFault fault;
  Clock::time_point time;
  milliseconds limit;
};

/// The limit that will be hit first if nothing arrives, or nothing.
std::optional<Deadline> nearest_deadline(const Transfer& transfer, Clock::time_point started) {
  std::optional<Deadline> nearest;
  const auto consider = [&](HttpFault fault, Clock::time_point since, milliseconds limit) {
    if (limit.count() > 0 && (!nearest || since + limit < nearest->time))
      nearest = {fault, since + limit, limit};
  };
  const HttpLimits& limits = transfer.limits;
  consider(HttpFault::timeout_total, started, limits.total);
  if (transfer.body_started) {
    consider(HttpFault::timeout_idle, transfer.since, limits.idle);
  } else if (transfer.is_sending) {
    consider(HttpFault::timeout_first_byte, transfer.since, limits.first_byte);
  }
  return nearest;
}

std::string_view limit_text(HttpFault fault) noexcept {
  switch (fault) {
    case HttpFault::timeout_first_byte: return "no answer within ";
    case HttpFault::timeout_idle: return "the answer stopped for ";
    default: return "the answer was not complete within ";
  }
}

}  // namespace

HttpClient::HttpClient() : HttpClient(Options{}) {}

HttpClient::HttpClient(Options options) : state_(std::make_unique<State>()) {
  static const CurlGlobal global;
  state_->options = std::move(options);
}

HttpClient::~HttpClient() = default;

std::size_t HttpClient::n_idle() const {
  const std::lock_guard lock(state_->mutex);
  return state_->idle.size();
}

ClientResponse HttpClient::send(const ClientRequest& request, const HttpBodySink& sink,
                                std::stop_token stop) {
  const auto started = Clock::now();
  ClientResponse response = exchange(request, request.limits, sink, stop, started);
  response.url = request.url;
  if (!is_followed(request, response.head)) return response;

  ClientRequest hop = request;
  std::vector<HttpHead> redirects;
  while (is_followed(hop, response.head)) {
    const auto refuse = [&](std::string_view reason) {
      throw HttpFailure(HttpFault::redirect, false,
                        cat(request.method, " ", url_origin(request.url), ": ", reason));
    };
    std::string target = redirect_target(hop.url, response.head).value_or("");
    if (target.empty()) refuse("the redirect does not lead to a URL of http or https");
    if (redirects.size() == static_cast<std::size_t>(request.max_redirects))
      refuse(cat("more than ", request.max_redirects, " redirects"));
    const int status = response.head.status;
    redirects.push_back(std::move(response.head));
    if ((status == 303 && hop.method != "HEAD") || (status <= 302 && hop.method == "POST")) {
      hop.method = "GET";
      hop.body.clear();
      std::erase_if(hop.headers, [](const HttpHeader& h) { return iequals_ascii(h.name, "Content-Type"); });
    }
    if (!is_same_origin(hop.url, target)) {
      const std::string to = url_origin(target);
      if (hop.url.starts_with("https") && !to.starts_with("https"))
        refuse(cat("the redirect leaves https, for ", to));
      if (!hop.body.empty()) refuse(cat("the redirect would take the body to ", to));
      std::erase_if(hop.headers, [](const HttpHeader& h) { return !is_harmless_header(h.name); });
    }
    hop.url = std::move(target);
    response = exchange(hop, request.limits, sink, stop, started);
  }
  response.url = std::move(hop.url);
  response.redirects = std::move(redirects);
  return response;
}

/// One request and its response, redirect or not.
ClientResponse HttpClient::exchange(const ClientRequest& request, const HttpLimits& limits,
                                    const HttpBodySink& sink, const std::stop_token& stop,
                                    Clock::time_point started) {
  std::string origin = url_origin(request.url);
  const std::string what = cat(request.method, " ", origin);
  const bool is_https = origin.starts_with("https://");
  if (!is_https && !origin.starts_with("http://")) {
    throw HttpFailure(HttpFault::invalid_url, false,
                      cat(what, ": the URL must start with http:// or https://"));
  }
  if (stop.stop_requested()) throw HttpFailure(HttpFault::cancelled, false, cat(what, ": cancelled"));

  const HeaderList headers(request);
  auto slot = state_->take_slot(origin);
  slot->origin = std::move(origin);
  CURL* easy = slot->easy;
  Transfer transfer{.request = request, .limits = limits, .sink = sink};
  std::array<char, CURL_ERROR_SIZE> detail{};

  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  const ProxySettings& proxy = state_->options.proxy;
  curl_easy_setopt(easy, CURLOPT_PROXY, (is_https ? proxy.https_proxy : proxy.http_proxy).c_str());
  set_request(easy, request, limits);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail.data());

  const auto fail = [&](HttpFault fault, std::string_view reason) {
    throw HttpFailure(fault, transfer.body_started, cat(what, ": ", reason));
  };
  {
    const Attachment attachment(*slot);
    const std::stop_callback wake(stop, [multi = slot->multi] { curl_multi_wakeup(multi); });
    for (;;) {
      int n_running = 0;
      if (curl_multi_perform(slot->multi, &n_running) != CURLM_OK) {
        throw InternalError("http: libcurl reports a broken handle");
      }
      int n_messages = 0;
      if (const CURLMsg* message = curl_multi_info_read(slot->multi, &n_messages); message != nullptr) {
        const CURLcode result = message->data.result;
        if (transfer.error) std::rethrow_exception(transfer.error);
        if (transfer.is_dropped) return std::move(transfer.response);  // the slot goes, and its connection
        if (transfer.is_too_large) {
          fail(HttpFault::too_large, cat("the answer is larger than ", limits.max_body_bytes, " bytes"));
        }
        if (result != CURLE_OK) {
          const std::string_view reason = detail[0] != '\0' ? detail.data() : curl_easy_strerror(result);
          fail(fault_of(result, reason), reason);
        }
        break;
      }
      if (stop.stop_requested()) fail(HttpFault::cancelled, "cancelled");
      auto wait = kMaxWait;
      if (const auto deadline = nearest_deadline(transfer, started)) {
        const auto now = Clock::now();
        if (now >= deadline->time) {
          fail(deadline->fault, cat(limit_text(deadline->fault), deadline->limit.count(), " ms"));
        }
        // Rounded up: waking a little early would spin through the last millisecond.
        wait = std::min(wait, std::chrono::ceil<milliseconds>(deadline->time - now));
      }
      curl_multi_poll(slot->multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
    }
  }
  // The handle must not keep pointers into this frame.
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
  state_->return_slot(std::move(slot));
  return std::move(transfer.response);
}

}  // namespace quintet
