#include "net/url.h"

#include <algorithm>

#include <curl/curl.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

/// libcurl's URL parser.
class ParsedUrl {
 public:
  ParsedUrl() : url_(curl_url()) {
    if (url_ == nullptr) throw InternalError("http: out of memory");
  }
  ~ParsedUrl() { curl_url_cleanup(url_); }
  ParsedUrl(const ParsedUrl&) = delete;
  ParsedUrl& operator=(const ParsedUrl&) = delete;

  /// An absolute URL, or one relative to the one before. False when malformed.
  bool set(const std::string& text) {
    return curl_url_set(url_, CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  }
  /// "" when the part is absent.
  std::string part(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (curl_url_get(url_, part, &text, flags) != CURLUE_OK) return {};
    std::string copy = text;
    curl_free(text);
    return copy;
  }
  bool is_http() const {
    const std::string scheme = part(CURLUPART_SCHEME);
    return scheme == "http" || scheme == "https";
  }

 private:
  CURLU* url_;
};

}  // namespace

std::optional<std::string> resolve_url(const std::string& base, const std::string& reference) {
  ParsedUrl url;
  if (!url.set(base) || !url.is_http() || !url.set(reference) || !url.is_http()) return std::nullopt;
  return url.part(CURLUPART_URL);
}

bool is_same_origin(const std::string& a, const std::string& b) {
  ParsedUrl one;
  ParsedUrl other;
  if (!one.set(a) || !other.set(b)) return false;
  return one.part(CURLUPART_SCHEME) == other.part(CURLUPART_SCHEME) &&
         iequals_ascii(one.part(CURLUPART_HOST), other.part(CURLUPART_HOST)) &&
         one.part(CURLUPART_PORT, CURLU_DEFAULT_PORT) == other.part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string url_origin(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return "(no scheme)";
  const std::string_view rest = url.substr(scheme_end + 3);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#\\"));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  return cat(ascii_lower(url.substr(0, scheme_end)), "://", authority);
}

std::string url_without_secrets(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return url_origin(url);
  const auto path = url.substr(std::min(url.size(), url.find_first_of("/?#", scheme_end + 3)));
  return cat(url_origin(url), path.substr(0, path.find_first_of("?#")));
}

}  // namespace quintet
