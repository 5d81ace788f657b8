#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serving/http.h"

namespace quintet {

/// One file of the web client, usually embedded in the program. Views of bytes that live as long as the
/// program.
struct Asset {
  std::string_view path;  // "/assets/index-B1x2.js"
  std::string_view content_type;
  std::string_view raw;
  std::string_view brotli;       // empty when it would not be smaller
  std::string_view gzip;         // likewise
  std::string_view etag;         // quoted, of the raw bytes
  bool has_hashed_name = false;  // another content would have another name: cached for ever
};

/// An answer from the table: the body stays where it is.
struct AssetReply {
  int status = 200;
  HttpHeaders headers;
  std::string_view body;
};

/// Finds assets by path. Immutable; const methods may run concurrently.
class AssetTable {
 public:
  /// Throws InvalidArgument when two assets share a path.
  explicit AssetTable(std::vector<Asset> assets);

  const Asset* find(std::string_view path) const noexcept;
  bool empty() const noexcept { return assets_.empty(); }
  const std::vector<Asset>& assets() const noexcept { return assets_; }

 private:
  std::vector<Asset> assets_;  // sorted by path
};

/// The best encoding that the request accepts, 304 when it has this version, and caching headers.
AssetReply reply_with(const Asset& asset, const HttpHeaders& request);

/// reply_with() for a handler, which may add headers of its own (/widget, /widget.js); copies the body.
HttpResponse respond_with(const Asset& asset, const HttpRequest& request);

/// The q-value that an Accept or Accept-Encoding field gives to `name` ("*" counts), 0 to 1; nothing when the
/// field does not name it.
std::optional<double> accepted_quality(std::string_view field, std::string_view name);

/// What the build embedded: web/dist, or one page that says the client isn't built in. Defined by the library
/// quintet_web, which cmake/QuintetEmbed.cmake generates.
std::span<const Asset> embedded_web_assets();

}  // namespace quintet
