#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "testing/http_script_server.h"

namespace quintet {

/// How a file is served.
struct FileReply {
  std::string etag;  // with its quotes; empty = none
  bool knows_ranges = true;
  std::optional<std::size_t> cut_after = {};    // bytes of the body before the connection is closed
  std::optional<std::size_t> stall_after = {};  // bytes of the body before silence
  std::string extra_headers = {};               // whole lines that end with "\r\n"
};
/// `content` as a web server answers GET and HEAD for it, Range and If-Range included.
ServerReply file_reply(const RecordedRequest& request, std::string_view content, const FileReply& how);

/// A model hub with one repository, on two ports of 127.0.0.1: the API and small files on one, large files
/// (those stored by Git LFS) on the other, as content networks serve them. Any thread.
class FakeHub {
 public:
  explicit FakeHub(std::string repository = "acme/tiny");

  std::string endpoint() const { return hub_.url(); }
  const std::string& repository() const noexcept { return repository_; }
  std::string commit() const { return commit_; }

  void put(const std::string& path, std::string content, bool is_lfs);
  /// Bodies of files are cut, one after the other, after so many bytes of what was asked for.
  void cut_bodies(std::deque<std::size_t> after);
  /// Every body stalls after so many bytes; nothing = none does.
  void stall_bodies(std::optional<std::size_t> after);
  void set_page_size(std::size_t n_files);
  void require_token(std::string token);
  /// Asked first about every request to the hub's own port.
  void intercept(std::function<std::optional<ServerReply>(const RecordedRequest&)> hook);

  HttpScriptServer& hub() { return hub_; }
  HttpScriptServer& storage() { return storage_; }

 private:
  struct File {
    std::string content;
    bool is_lfs = false;
    std::string id;  // sha256 of a large file, git's name of a small one
  };

  ServerReply answer(const RecordedRequest& request);
  ServerReply answer_tree(const RecordedRequest& request);
  ServerReply answer_file(const RecordedRequest& request, const std::string& path);
  FileReply next_file_reply(std::string etag);

  std::string repository_;
  std::string commit_ = std::string(40, 'c');
  mutable std::mutex mutex_;
  std::map<std::string, File> files_;                                       // guarded by mutex_
  std::deque<std::size_t> cuts_;                                            // guarded by mutex_
  std::optional<std::size_t> stall_;                                        // guarded by mutex_
  std::size_t page_size_ = 1000;                                            // guarded by mutex_
  std::string token_;                                                       // guarded by mutex_
  std::function<std::optional<ServerReply>(const RecordedRequest&)> hook_;  // guarded by mutex_
  HttpScriptServer storage_;  // last: their threads use the members above
  HttpScriptServer hub_;
};

}  // namespace quintet
