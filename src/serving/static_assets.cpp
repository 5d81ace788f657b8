#include "serving/static_assets.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

/// RFC 9110 §13.1.2: weak comparison, any of a list, or "*".
bool matches_etag(std::string_view field, std::string_view etag) {
  for (std::string_view candidate : split(field, ',')) {
    candidate = trim(candidate);
    if (candidate == "*") return true;
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (candidate == etag) return true;
  }
  return false;
}

struct Encoding {
  std::string_view name;
  std::string_view body;
};

Encoding choose_encoding(const Asset& asset, std::string_view accept) {
  const Encoding candidates[] = {{"br", asset.brotli}, {"gzip", asset.gzip}};  // the smaller first
  Encoding best{"", asset.raw};
  double best_quality = 0;
  for (const Encoding& candidate : candidates) {
    const double quality = accepted_quality(accept, candidate.name).value_or(0);
    if (candidate.body.empty() || quality <= best_quality) continue;
    best = candidate;
    best_quality = quality;
  }
  // RFC 9110 §12.5.3: identity is acceptable unless excluded, and preferred only when it is named with a
  // higher value.
  if (const auto identity = accepted_quality(accept, "identity");
      identity && *identity > best_quality && accept.find("identity") != std::string_view::npos)
    best = {"", asset.raw};
  return best;
}

}  // namespace

std::optional<double> accepted_quality(std::string_view field, std::string_view name) {
  std::optional<double> star;
  for (const std::string_view item : split(field, ',')) {
    const auto parts = split(item, ';');
    const std::string_view candidate = trim(parts.front());
    double quality = 1;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::string_view parameter = trim(parts[i]);
      if (starts_with_ignoring_case(parameter, "q="))
        quality = std::clamp(parse_double(trim(parameter.substr(2))).value_or(0), 0.0, 1.0);
    }
    if (iequals_ascii(candidate, name)) return quality;
    if (candidate == "*" || candidate == "*/*") star = quality;
  }
  return star;
}

AssetTable::AssetTable(std::vector<Asset> assets) : assets_(std::move(assets)) {
  std::sort(assets_.begin(), assets_.end(), [](const Asset& a, const Asset& b) { return a.path < b.path; });
  for (std::size_t i = 1; i < assets_.size(); ++i)
    if (assets_[i].path == assets_[i - 1].path)
      throw InvalidArgument(cat("static assets: two files are called '", assets_[i].path, "'"));
}

const Asset* AssetTable::find(std::string_view path) const noexcept {
  const auto found =
      std::lower_bound(assets_.begin(), assets_.end(), path,
                       [](const Asset& asset, std::string_view wanted) { return asset.path < wanted; });
  return found != assets_.end() && found->path == path ? &*found : nullptr;
}

AssetReply reply_with(const Asset& asset, const HttpHeaders& request) {
  AssetReply reply;
  const Encoding encoding = choose_encoding(asset, request.get("Accept-Encoding").value_or(""));
  // Each encoding is its own representation and needs its own tag.
  std::string etag(asset.etag);
  if (!encoding.name.empty() && etag.ends_with('"')) etag.insert(etag.size() - 1, cat("-", encoding.name));
  reply.headers.add("ETag", etag);
  reply.headers.add("Cache-Control",
                    asset.has_hashed_name ? "public, max-age=31536000, immutable" : "no-cache");
  if (!asset.brotli.empty() || !asset.gzip.empty()) reply.headers.add("Vary", "Accept-Encoding");
  if (const auto field = request.get("If-None-Match"); field && matches_etag(*field, etag)) {
    reply.status = 304;
    return reply;
  }
  reply.headers.add("Content-Type", std::string(asset.content_type));
  if (!encoding.name.empty()) reply.headers.add("Content-Encoding", std::string(encoding.name));
  reply.body = encoding.body;
  return reply;
}

HttpResponse respond_with(const Asset& asset, const HttpRequest& request) {
  AssetReply reply = reply_with(asset, request.headers);
  HttpResponse response;
  response.status = reply.status;
  response.headers = std::move(reply.headers);
  response.body = std::string(reply.body);
  return response;
}

}  // namespace quintet
