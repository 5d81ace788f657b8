#include "testing/fake_hub.h"

#include <algorithm>
#include <utility>

#include "core/digest.h"
#include "core/json.h"
#include "core/text.h"

namespace quintet {

namespace {

std::string hex_digest(DigestKind kind, std::string_view content) {
  Digest digest(kind);
  digest.update(content);
  return digest.finish_hex();
}

std::string git_name(std::string_view content) {
  std::string object = cat("blob ", content.size());
  object += '\0';
  object += content;
  return hex_digest(DigestKind::sha1, object);
}

ServerReply hub_error(int status, std::string_view code, std::string_view message) {
  return http_reply(status, "application/json", to_json(JsonObject{{"error", message}}),
                    cat("X-Error-Code: ", code, "\r\nX-Error-Message: ", message, "\r\n"));
}

}  // namespace

ServerReply file_reply(const RecordedRequest& request, std::string_view content, const FileReply& how) {
  std::size_t first = 0;
  bool is_partial = false;
  const std::string range_text = request.header("Range");
  const std::string_view range = range_text;
  const std::string condition = request.header("If-Range");
  if (how.knows_ranges && range.starts_with("bytes=") && range.ends_with('-') &&
      (condition.empty() || condition == how.etag)) {
    first = static_cast<std::size_t>(parse_int(range.substr(6, range.size() - 7)).value_or(0));
    is_partial = true;
    if (first >= content.size()) {
      return http_reply(416, "text/plain", "", cat("Content-Range: bytes */", content.size(), "\r\n"));
    }
  }
  const std::string_view body = content.substr(first);
  std::string head = cat("HTTP/1.1 ", is_partial ? "206 Partial Content" : "200 OK",
                         "\r\nContent-Type: application/octet-stream\r\nContent-Length: ", body.size(),
                         "\r\n", how.extra_headers);
  if (!how.etag.empty()) head += cat("ETag: ", how.etag, "\r\n");
  if (how.knows_ranges) head += "Accept-Ranges: bytes\r\n";
  if (is_partial)
    head += cat("Content-Range: bytes ", first, "-", content.size() - 1, "/", content.size(), "\r\n");
  head += "\r\n";
  if (request.method == "HEAD") return {SendBytes{head}};
  if (how.cut_after && *how.cut_after < body.size())
    return {SendBytes{head + std::string(body.substr(0, *how.cut_after))}, CloseConnection{}};
  if (how.stall_after && *how.stall_after < body.size())
    return {SendBytes{head + std::string(body.substr(0, *how.stall_after))}, StallUntilClosed{}};
  return {SendBytes{head + std::string(body)}};
}

FakeHub::FakeHub(std::string repository) : repository_(std::move(repository)) {
  storage_.set_handler([this](const RecordedRequest& request) {
    const auto id = request.target.substr(1, 64);
    const auto how = next_file_reply(cat('"', "storage-", id.substr(0, 8), '"'));
    const std::lock_guard lock(mutex_);
    for (const auto& [path, file] : files_) {
      if (file.is_lfs && file.id == id) return file_reply(request, file.content, how);
    }
    return http_reply(404, "text/plain", "no such object");
  });
  hub_.set_handler([this](const RecordedRequest& request) { return answer(request); });
}

void FakeHub::put(const std::string& path, std::string content, bool is_lfs) {
  std::string id = is_lfs ? hex_digest(DigestKind::sha256, content) : git_name(content);
  const std::lock_guard lock(mutex_);
  files_[path] = {std::move(content), is_lfs, std::move(id)};
}

void FakeHub::cut_bodies(std::deque<std::size_t> after) {
  const std::lock_guard lock(mutex_);
  cuts_ = std::move(after);
}

void FakeHub::stall_bodies(std::optional<std::size_t> after) {
  const std::lock_guard lock(mutex_);
  stall_ = after;
}

void FakeHub::set_page_size(std::size_t n_files) {
  const std::lock_guard lock(mutex_);
  page_size_ = n_files;
}

void FakeHub::require_token(std::string token) {
  const std::lock_guard lock(mutex_);
  token_ = std::move(token);
}

void FakeHub::intercept(std::function<std::optional<ServerReply>(const RecordedRequest&)> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

FileReply FakeHub::next_file_reply(std::string etag) {
  const std::lock_guard lock(mutex_);
  FileReply how;
  how.etag = std::move(etag);
  how.stall_after = stall_;
  if (!cuts_.empty()) {
    how.cut_after = cuts_.front();
    cuts_.pop_front();
  }
  return how;
}

ServerReply FakeHub::answer(const RecordedRequest& request) {
  std::function<std::optional<ServerReply>(const RecordedRequest&)> hook;
  std::string token;
  {
    const std::lock_guard lock(mutex_);
    hook = hook_;
    token = token_;
  }
  if (hook) {
    if (auto reply = hook(request)) return std::move(*reply);
  }
  if (!token.empty() && request.header("Authorization") != cat("Bearer ", token))
    return hub_error(401, "GatedRepo", cat("Access to model ", repository_, " is restricted."));
  if (request.target.starts_with(cat("/api/models/", repository_, "/tree/"))) return answer_tree(request);
  const std::string files = cat("/", repository_, "/resolve/");
  if (request.target.starts_with(files)) {
    const auto rest = std::string_view(request.target).substr(files.size());
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos) {
      const auto revision = rest.substr(0, slash);
      if (revision != "main" && revision != commit_)
        return hub_error(404, "RevisionNotFound", cat("Invalid rev id: ", revision));
      return answer_file(request, percent_decode(rest.substr(slash + 1)).value_or(""));
    }
  }
  return hub_error(401, "RepoNotFound", "Repository not found");
}

ServerReply FakeHub::answer_tree(const RecordedRequest& request) {
  const auto question = request.target.find('?');
  const auto path = std::string_view(request.target).substr(0, question);
  const auto revision = path.substr(path.rfind('/') + 1);
  if (revision != "main" && revision != commit_)
    return hub_error(404, "RevisionNotFound", cat("Invalid rev id: ", revision));
  std::size_t from = 0;
  if (const auto at = request.target.find("cursor="); at != std::string::npos)
    from = static_cast<std::size_t>(parse_int(request.target.substr(at + 7)).value_or(0));
  const std::lock_guard lock(mutex_);
  JsonArray page;
  page.push_back(JsonObject{{"type", "directory"}, {"path", "folder"}, {"size", 0}, {"oid", "0"}});
  std::size_t i = 0;
  for (const auto& [name, file] : files_) {
    if (i++ < from || page.size() > page_size_) continue;
    JsonObject row{{"type", "file"}, {"path", name}, {"size", file.content.size()}, {"oid", file.id}};
    if (file.is_lfs)
      row["lfs"] = JsonObject{{"oid", file.id}, {"size", file.content.size()}, {"pointerSize", 130}};
    page.push_back(std::move(row));
  }
  const std::size_t next = from + page_size_;
  const std::string link = next < files_.size() ? cat("Link: <", hub_.url(path),
                                                      "?recursive=true&cursor=", next, ">; rel=\"next\"\r\n")
                                                : "";
  return http_reply(200, "application/json", to_json(page), link);
}

ServerReply FakeHub::answer_file(const RecordedRequest& request, const std::string& path) {
  File file;
  {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    if (found == files_.end()) return hub_error(404, "EntryNotFound", cat("Entry not found: ", path));
    file = found->second;
  }
  const std::string commit = cat("X-Repo-Commit: ", commit_, "\r\n");
  if (!file.is_lfs) {
    FileReply how;
    how.etag = cat('"', file.id, '"');
    if (request.method != "HEAD") how = next_file_reply(how.etag);
    how.extra_headers = commit;
    return file_reply(request, file.content, how);
  }
  return {SendBytes{cat("HTTP/1.1 302 Found\r\nLocation: ", storage_.url("/"), file.id,
                        "?signature=x\r\nX-Linked-Size: ", file.content.size(), "\r\nX-Linked-ETag: \"",
                        file.id, "\"\r\n", commit, "Content-Length: 0\r\n\r\n")}};
}

}  // namespace quintet
