#include "net/download.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/core.h>

#include "core/digest.h"
#include "core/files.h"
#include "core/text.h"
#include "core/time.h"
#include "net/part_file.h"
#include "net/part_note.h"
#include "net/transfer_rate.h"

namespace quintet {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMaxRefusalBody = std::size_t{64} << 10;
constexpr milliseconds kTurnInterval{50};  // how often a waiting process looks whether it is its turn
constexpr int kMaxRestarts = 3;

/// Thrown through HttpClient::send by the sink: what was kept does not belong to what the server has now.
struct StartAgain {};

bool is_transient(int status) noexcept {
  return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

bool is_transient(HttpFault fault) noexcept {
  switch (fault) {
    case HttpFault::resolve:
    case HttpFault::connect:
    case HttpFault::timeout_connect:
    case HttpFault::timeout_first_byte:
    case HttpFault::timeout_idle:
    case HttpFault::cut_off:
    case HttpFault::garbled: return true;
    case HttpFault::invalid_url:
    case HttpFault::tls:
    case HttpFault::timeout_total:
    case HttpFault::too_large:
    case HttpFault::redirect:
    case HttpFault::cancelled: return false;
  }
  return false;
}

ErrorCode error_code_of_status(int status) noexcept {
  switch (status) {
    case 401: return ErrorCode::unauthorized;
    case 403: return ErrorCode::forbidden;
    case 404:
    case 410: return ErrorCode::not_found;
    case 429: return ErrorCode::exhausted;
    default: return ErrorCode::unavailable;
  }
}

std::optional<std::chrono::seconds> retry_after(const HttpHead& head) {
  const auto value = find_header(head.headers, "Retry-After");
  if (!value) return std::nullopt;
  if (const auto seconds = parse_int(*value))
    return std::chrono::seconds(std::clamp<std::int64_t>(*seconds, 0, 1'000'000'000));
  if (const auto date = parse_http_date(*value)) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(milliseconds(*date - now_ms()));
    return std::max(wait, std::chrono::seconds(0));
  }
  return std::nullopt;
}

/// What If-Range may carry: a strong ETag, else the date of the last change; "" when there is neither.
std::string validator_of(const HttpHead& head) {
  if (const auto tag = find_header(head.headers, "ETag"); tag && tag->starts_with('"'))
    return std::string(*tag);
  return std::string(find_header(head.headers, "Last-Modified").value_or(""));
}

class Download {
 public:
  Download(HttpClient& client, const DownloadRequest& request, const DownloadObserver& observer,
           const std::stop_token& stop, const DownloadPolicy& policy)
      : client_(client),
        request_(request),
        observer_(observer),
        stop_(stop),
        policy_(policy),
        name_(request.path.filename().string()),
        note_path_(part_path(request.path).string() + ".json"),
        total_(request.size) {}

  DownloadResult run();

 private:
  void take_turn();
  std::optional<DownloadResult> existing_file();
  void adopt_part();
  void transfer();
  HttpHead attempt();
  void begin_body(const HttpHead& head);
  void take_body(std::string_view bytes);
  void start_again();
  void pause_after_failure(const HttpHead& head, const std::string& reason);
  void check_space();
  DownloadResult finish();
  void discard() noexcept;

  /// Content is known by its checksum, so that a wrong continuation cannot go unseen.
  bool is_verifiable() const { return !request_.sha256.empty() || !request_.git_sha1.empty(); }
  bool can_resume() const { return is_verifiable() || !note_.validator.empty(); }
  bool is_complete() const { return total_ && bytes_ == *total_; }
  void hash(std::string_view bytes);
  void begin_hash();
  void check_hash(const std::string& sha256, const std::string& sha1, std::string_view what) const;
  std::uint64_t hash_file(const PartFile& file, std::uint64_t size);
  void report(DownloadPhase phase, std::uint64_t bytes, std::string reason = {});
  bool is_report_due();
  void wait(milliseconds time) const;
  [[noreturn]] void cancelled() const;
  void throw_if_stopped() const {
    if (stop_.stop_requested()) cancelled();
  }
  std::string how_far() const {
    return total_ ? cat(readable_bytes(bytes_), " of ", readable_bytes(*total_)) : readable_bytes(bytes_);
  }

  HttpClient& client_;
  const DownloadRequest& request_;
  const DownloadObserver& observer_;
  const std::stop_token& stop_;
  const DownloadPolicy& policy_;
  std::string name_;
  std::filesystem::path note_path_;
  std::optional<std::uint64_t> total_;
  PartFile part_;
  PartNote note_;
  Digest sha256_{DigestKind::sha256};
  Digest sha1_{DigestKind::sha1};
  std::uint64_t bytes_ = 0;       // in the part, all of them hashed
  std::uint64_t high_water_ = 0;  // most bytes there ever were at the end of a row of failures
  int n_failures_ = 0;            // in a row
  int n_restarts_ = 0;
  bool was_answered_ = false;
  bool has_begun_ = false;  // the attempt's response was looked at
  std::string refusal_body_;
  TransferRate rate_;
  Clock::time_point last_report_{};
};

DownloadResult Download::run() {
  throw_if_stopped();
  std::error_code error;
  if (request_.path.has_parent_path())
    std::filesystem::create_directories(request_.path.parent_path(), error);
  if (error) {
    throw Unavailable(
        cat("cannot create the folder ", request_.path.parent_path().string(), ": ", error.message()));
  }
  // Without a part nobody can be at work on the file: no lock is needed to look at it.
  if (!std::filesystem::exists(part_path(request_.path), error)) {
    if (const auto result = existing_file()) return *result;
  }
  take_turn();
  try {
    if (const auto result = existing_file()) {  // another process has finished it meanwhile
      discard();
      return *result;
    }
    adopt_part();
    if (total_) check_space();
    transfer();
    return finish();
  } catch (...) {
    if (part_.size() == 0) discard();  // nothing to go on with
    throw;
  }
}

/// Under the lock.
void Download::discard() noexcept {
  part_.remove();
  std::error_code ignored;
  std::filesystem::remove(note_path_, ignored);
}

void Download::take_turn() {
  for (;;) {
    throw_if_stopped();
    if (part_.try_open(part_path(request_.path))) return;
    std::error_code error;
    const auto size = std::filesystem::file_size(part_path(request_.path), error);
    if (!error && is_report_due()) report(DownloadPhase::waiting, size);
    wait(kTurnInterval);
  }
}

/// The file itself, when it is there already.
std::optional<DownloadResult> Download::existing_file() {
  PartFile file;
  if (!file.try_open_existing(request_.path)) return std::nullopt;
  const std::uint64_t size = file.size();
  if (request_.size && size != *request_.size) {
    throw Conflict(cat(request_.path.string(), " exists with ", size, " bytes where ", *request_.size,
                       " are expected: remove it first, then try again"));
  }
  begin_hash();
  hash_file(file, size);
  const std::string sha256 = sha256_.finish_hex();
  try {
    check_hash(sha256, sha1_.finish_hex(), request_.path.string());
  } catch (const CorruptData&) {
    throw Conflict(cat(request_.path.string(),
                       " exists, but its checksum is another one: remove it first, then try again"));
  }
  return DownloadResult{size, sha256, true};
}

/// Decides what the part is worth.
void Download::adopt_part() {
  const auto note = PartNote::read(note_path_);
  const std::uint64_t size = part_.size();
  bool is_ours = false;
  if (note && size > 0) {
    if (!request_.sha256.empty()) {
      is_ours = note->sha256 == request_.sha256;
    } else if (!request_.git_sha1.empty()) {
      is_ours = note->git_sha1 == request_.git_sha1;
    } else {
      is_ours = !note->validator.empty() && note->url == url_without_secrets(request_.url);
    }
    const auto expected = request_.size ? request_.size : note->size;
    is_ours = is_ours && (!expected || size <= *expected);
  }
  begin_hash();
  if (!is_ours) {
    part_.truncate();
    return;
  }
  note_ = *note;
  if (!total_) total_ = note_.size;
  bytes_ = hash_file(part_, size);
  high_water_ = bytes_;
}

void Download::transfer() {
  while (!is_complete()) {
    throw_if_stopped();
    std::string reason = "the server sent less than it said";
    HttpHead head;
    has_begun_ = false;
    refusal_body_.clear();
    try {
      head = attempt();
      was_answered_ = true;
      if (head.status == 200 || head.status == 206) {
        if (!total_) total_ = bytes_;  // a server that names no size says by the end that this was all
        if (is_complete()) return;
      } else if (head.status == 416 && bytes_ > 0) {
        throw StartAgain{};
      } else if (is_transient(head.status)) {
        reason = cat("the server answered with status ", head.status);
      } else {
        throw HttpRefusal(
            error_code_of_status(head.status),
            cat("download of ", name_, ": ", url_origin(request_.url), " answered with status ", head.status),
            head, refusal_body_);
      }
    } catch (const HttpFailure& failure) {
      if (failure.fault() == HttpFault::cancelled) cancelled();
      was_answered_ = was_answered_ || has_begun_;
      const bool is_last =
          n_failures_ + 1 >= (was_answered_ ? policy_.max_failures : policy_.max_unanswered) &&
          bytes_ < high_water_ + policy_.progress_bytes;
      if (!is_transient(failure.fault()) || is_last) throw;
      reason = failure.what();
    } catch (const StartAgain&) {
      if (++n_restarts_ > kMaxRestarts) {
        throw CorruptData(
            cat("download of ", name_, ": the server's answers do not fit together; try again later"));
      }
      start_again();
      continue;
    }
    pause_after_failure(head, reason);
  }
}

HttpHead Download::attempt() {
  if (!can_resume() && bytes_ > 0) start_again();
  ClientRequest http;
  http.url = request_.url;
  http.headers = request_.headers;
  http.headers.push_back({"Accept-Encoding", "identity"});
  http.limits = policy_.limits;
  http.max_redirects = 10;
  if (bytes_ > 0) {
    http.headers.push_back({"Range", cat("bytes=", bytes_, "-")});
    // Content that is known by its checksum may come from servers that name it differently.
    if (!is_verifiable()) http.headers.push_back({"If-Range", note_.validator});
  }
  const auto response = client_.send(
      http,
      [this](const HttpHead& head, std::string_view bytes) {
        if (!has_begun_) begin_body(head);
        if (head.status == 200 || head.status == 206) {
          take_body(bytes);
        } else if (refusal_body_.size() < kMaxRefusalBody) {
          refusal_body_ += bytes.substr(0, kMaxRefusalBody - refusal_body_.size());
        }
      },
      stop_);
  if (!has_begun_) begin_body(response.head);
  return response.head;
}

/// Looks at the head of a response before its first byte is kept.
void Download::begin_body(const HttpHead& head) {
  has_begun_ = true;
  if (head.status != 200 && head.status != 206) return;
  if (const auto coding = find_header(head.headers, "Content-Encoding"); coding && *coding != "identity")
    throw CorruptData(cat("download of ", name_, ": the server sends it in the coding ", *coding));
  std::optional<std::uint64_t> total;
  const std::string validator = validator_of(head);
  if (head.status == 206) {
    const auto range = parse_content_range(find_header(head.headers, "Content-Range").value_or(""));
    if (!range || range->first != bytes_) throw StartAgain{};
    if (!is_verifiable() && validator != note_.validator && bytes_ > 0) throw StartAgain{};
    total = range->total;
  } else {
    if (bytes_ > 0) {  // the server ignores ranges, or If-Range told it that the file changed
      part_.truncate();
      begin_hash();
      bytes_ = 0;
      if (!request_.size) total_.reset();
    }
    if (const auto length = parse_int(find_header(head.headers, "Content-Length").value_or(""));
        length && *length >= 0)
      total = static_cast<std::uint64_t>(*length);
  }
  if (total && total_ && *total != *total_) {
    if (head.status == 206) throw StartAgain{};
    throw CorruptData(cat("download of ", name_, ": the server sends ", *total, " bytes where ", *total_,
                          " are expected; the file may just have changed, try again"));
  }
  if (total) total_ = total;
  if (total_) check_space();
  note_ = {url_without_secrets(request_.url), validator, request_.sha256, request_.git_sha1, total_};
  note_.write(note_path_);
}

void Download::take_body(std::string_view bytes) {
  if (total_ && bytes.size() > *total_ - bytes_)
    throw CorruptData(cat("download of ", name_, ": the server sends more than ", *total_, " bytes"));
  if (const int error = part_.append(bytes); error != 0) {
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
      throw Exhausted(cat("download of ", name_, ": the disk is full after ", how_far(),
                          "; they are kept: make room and try again"));
    }
    throw Unavailable(cat("cannot write ", part_path(request_.path).string(), ": ", errno_text(error)));
  }
  hash(bytes);
  bytes_ += bytes.size();
  rate_.add(bytes.size());
  if (is_report_due()) report(DownloadPhase::transferring, bytes_);
}

void Download::start_again() {
  part_.truncate();
  begin_hash();
  bytes_ = 0;
  total_ = request_.size;
  note_ = {};
}

void Download::pause_after_failure(const HttpHead& head, const std::string& reason) {
  // Measured from the most there ever was, so that beginning again and again is no progress.
  if (bytes_ >= high_water_ + policy_.progress_bytes) {
    high_water_ = bytes_;
    n_failures_ = 0;
  }
  ++n_failures_;
  auto pause = policy_.first_pause * (1 << std::min(n_failures_ - 1, 10));
  pause = std::min<milliseconds>(pause, policy_.longest_pause);
  if (const auto asked = retry_after(head)) pause = std::max<milliseconds>(pause, *asked);
  if (n_failures_ >= policy_.max_failures ||
      pause > std::max<milliseconds>(policy_.longest_retry_after, policy_.longest_pause)) {
    const auto code = head.status == 0 ? ErrorCode::unavailable : error_code_of_status(head.status);
    const auto asked = retry_after(head);
    throw HttpRefusal(code,
                      cat("download of ", name_, ": ", reason, "; gave up after ", n_failures_,
                          n_failures_ == 1 ? " attempt" : " attempts",
                          asked ? cat(", it asks to wait ", asked->count(), " s") : ""),
                      head, refusal_body_);
  }
  rate_.forget();
  report(DownloadPhase::reconnecting, bytes_, reason);
  wait(pause);
}

void Download::check_space() {
  const std::uint64_t needed = *total_ - std::min(*total_, bytes_);
  const auto free = part_.free_bytes();
  if (!free || *free >= needed) return;
  throw Exhausted(cat("not enough disk space for ", name_, ": ", readable_bytes(needed), " to download, ",
                      readable_bytes(*free), " free in ", request_.path.parent_path().string(), ", so ",
                      readable_bytes(needed - *free), " are missing"));
}

DownloadResult Download::finish() {
  const std::string sha256 = sha256_.finish_hex();
  try {
    check_hash(sha256, sha1_.finish_hex(), name_);
  } catch (const CorruptData&) {
    discard();
    throw;
  }
  part_.move_to(request_.path);
  std::error_code ignored;
  std::filesystem::remove(note_path_, ignored);
  report(DownloadPhase::transferring, bytes_);
  return {bytes_, sha256, false};
}

void Download::begin_hash() {
  sha256_.finish_hex();
  sha1_.finish_hex();
  // git hashes a short header before the content.
  if (!request_.git_sha1.empty()) {
    QN_CHECK(request_.size.has_value());
    std::string header = cat("blob ", *request_.size);
    header += '\0';
    sha1_.update(header);
  }
}

void Download::hash(std::string_view bytes) {
  sha256_.update(bytes);
  if (!request_.git_sha1.empty()) sha1_.update(bytes);
}

void Download::check_hash(const std::string& sha256, const std::string& sha1, std::string_view what) const {
  const auto check = [&](std::string_view kind, const std::string& expected, const std::string& got) {
    if (expected.empty() || expected == got) return;
    throw CorruptData(cat("download of ", what, ": the checksum is wrong (", kind, " ", got, " instead of ",
                          expected, "); the file was deleted, try again"));
  };
  check("sha256", request_.sha256, sha256);
  check("git's sha1", request_.git_sha1, sha1);
}

/// Hashes the first `size` bytes.
std::uint64_t Download::hash_file(const PartFile& file, std::uint64_t size) {
  std::string buffer(std::size_t{1} << 20, '\0');
  std::uint64_t at = 0;
  while (at < size) {
    throw_if_stopped();
    const std::size_t got = file.read_at(at, buffer);
    if (got == 0) break;
    hash(std::string_view(buffer).substr(0, got));
    at += got;
    if (is_report_due()) report(DownloadPhase::checking, at);
  }
  return at;
}

bool Download::is_report_due() {
  return observer_ && Clock::now() - last_report_ >= policy_.progress_interval;
}

void Download::report(DownloadPhase phase, std::uint64_t bytes, std::string reason) {
  if (!observer_) return;
  last_report_ = Clock::now();
  DownloadProgress progress;
  progress.phase = phase;
  progress.bytes = bytes;
  progress.total = total_;
  progress.reason = std::move(reason);
  if (phase == DownloadPhase::transferring) {
    progress.bytes_per_second = rate_.per_second();
    if (total_ && progress.bytes_per_second > 0) {
      const double seconds = static_cast<double>(*total_ - bytes) / progress.bytes_per_second;
      if (seconds < 1e9) progress.time_left = std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5));
    }
  }
  observer_(progress);
}

void Download::wait(milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop_, time, [] { return false; });
  throw_if_stopped();
}

void Download::cancelled() const {
  throw Cancelled(bytes_ == 0
                      ? cat("download of ", name_, " stopped before any of it arrived")
                      : cat("download of ", name_, " stopped after ", how_far(), "; what arrived is kept"));
}

}  // namespace

DownloadResult download(HttpClient& client, const DownloadRequest& request, const DownloadObserver& observer,
                        const std::stop_token& stop, const DownloadPolicy& policy) {
  return Download(client, request, observer, stop, policy).run();
}

std::filesystem::path part_path(const std::filesystem::path& path) {
  return path.string() + ".part";
}

bool discard_part(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(part_path(path), error)) return false;
  PartFile part;
  if (!part.try_open(part_path(path)))
    throw Conflict(cat(path.string(), " is being downloaded by another process; stop that first"));
  part.remove();
  std::filesystem::remove(part_path(path).string() + ".json", error);
  return true;
}

std::optional<ContentRange> parse_content_range(std::string_view value) noexcept {
  value = trim(value);
  if (!starts_with_ignoring_case(value, "bytes ")) return std::nullopt;
  value = trim(value.substr(6));
  const auto slash = value.find('/');
  const auto dash = value.find('-');
  if (slash == std::string_view::npos || dash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = parse_int(value.substr(0, dash));
  const auto last = parse_int(value.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
  ContentRange range;
  range.first = static_cast<std::uint64_t>(*first);
  range.last = static_cast<std::uint64_t>(*last);
  const auto total = value.substr(slash + 1);
  if (total != "*") {
    const auto number = parse_int(total);
    if (!number || *number <= *last) return std::nullopt;
    range.total = static_cast<std::uint64_t>(*number);
  }
  return range;
}

std::string readable_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return cat(bytes, bytes == 1 ? " byte" : " bytes");
  constexpr std::array<std::string_view, 6> kUnits{"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace quintet
