#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/error.h"
#include "net/http_client.h"

namespace quintet {

/// A server's final word on a request: a status that is neither success nor worth another try.
class HttpRefusal : public Error {
 public:
  HttpRefusal(ErrorCode code, const std::string& message, HttpHead head, std::string body)
      : Error(code, message), head_(std::move(head)), body_(std::move(body)) {}
  const HttpHead& head() const noexcept { return head_; }
  const std::string& body() const noexcept { return body_; }  // at most 64 KiB of it

 private:
  HttpHead head_;
  std::string body_;
};

/// One file from an http(s) URL to the disk.
struct DownloadRequest {
  std::string url;
  std::vector<HttpHeader> headers;  // sent to the URL's own origin only
  std::filesystem::path path;       // where the whole file appears at the end
  std::optional<std::uint64_t> size;
  std::string sha256;    // lower-case hexadecimal; empty = not known
  std::string git_sha1;  // the name git gives this content; needs `size`; empty = not known
};

struct DownloadPolicy {
  int max_failures = 8;                        // in a row
  int max_unanswered = 3;                      // as long as the server never answered at all
  std::uint64_t progress_bytes = 1 << 20;      // an attempt that got this much further ends the row
  std::chrono::milliseconds first_pause{500};  // doubled after each failure in a row
  std::chrono::milliseconds longest_pause{30'000};
  std::chrono::seconds longest_retry_after{120};  // a server that asks for more patience is an error
  std::chrono::milliseconds progress_interval{100};
  HttpLimits limits{.connect = std::chrono::seconds(15),
                    .first_byte = std::chrono::seconds(60),
                    .idle = std::chrono::seconds(30),
                    .max_body_bytes = 0};
};

enum class DownloadPhase : std::uint8_t {
  waiting,   // another process is downloading the same file
  checking,  // hashing what is there
  transferring,
  reconnecting
};

struct DownloadProgress {
  DownloadPhase phase = DownloadPhase::transferring;
  std::uint64_t bytes = 0;             // of the file that are there; while checking, those hashed
  std::optional<std::uint64_t> total;  // when known
  double bytes_per_second = 0;         // over the last five seconds; 0 = not known
  std::optional<std::chrono::seconds> time_left;
  std::string reason;  // reconnecting: what happened
};
using DownloadObserver = std::function<void(const DownloadProgress&)>;

struct DownloadResult {
  std::uint64_t bytes = 0;
  std::string sha256;
  bool was_there = false;  // nothing had to be transferred: the file existed
};

/// Fetches a file, surviving cut connections, and interruptions of this process: what has arrived waits in
/// "<path>.part" (with "<path>.part.json" saying of what) and is gone on with by the next call for the same
/// content: one of the same `sha256` or `git_sha1`, else of the same URL and validator (If-Range). A server
/// that knows no ranges or a file that changed makes it begin again. The file appears under its name in one
/// step, after its size and checksums were found right; a wrong one is deleted.
///
/// Processes that fetch the same path take turns (flock on the part); all but the first find the file there.
/// An existing file is kept: when it is the one wanted, or nothing tells otherwise, it is the result; else
/// Conflict.
///
/// Throws HttpRefusal for an error status; HttpFailure when the connection cannot be had or kept; Cancelled
/// within 100 ms of a requested stop; CorruptData when size or checksum is wrong; Exhausted when the disk is
/// too small, before anything is transferred where the size is known; Unavailable for other failures of the
/// disk. In all these cases but CorruptData the part stays. `observer` is called on this thread.
DownloadResult download(HttpClient& client, const DownloadRequest& request,
                        const DownloadObserver& observer = {}, const std::stop_token& stop = {},
                        const DownloadPolicy& policy = {});

/// "<path>.part"
std::filesystem::path part_path(const std::filesystem::path& path);

/// Deletes the part of an interrupted download; false when there is none. Throws Conflict when a process is
/// at work on it.
bool discard_part(const std::filesystem::path& path);

/// A Content-Range of bytes: "bytes 0-9/100". Nothing when it is malformed or says that no range is given.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;
};
std::optional<ContentRange> parse_content_range(std::string_view value) noexcept;

/// "1.2 GB": decimal units, as disks and networks are measured.
std::string readable_bytes(std::uint64_t bytes);

}  // namespace quintet
