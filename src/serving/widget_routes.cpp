#include "serving/widget_routes.h"

#include "core/error.h"
#include "core/text.h"
#include "serving/server.h"

namespace quintet {

namespace {

HttpResponse asset_response(const AssetTable& assets, std::string_view path, const HttpRequest& request) {
  const Asset* asset = assets.find(path);
  if (asset == nullptr) throw NotFound("this build has no web client, so it has no widget");
  return respond_with(*asset, request);
}

Route public_route(std::string pattern, HttpHandler handler) {
  Route route{"GET", std::move(pattern), std::move(handler)};
  route.is_instant = true;
  route.is_public = true;
  return route;
}

}  // namespace

std::vector<Route> widget_routes(const AssetTable& assets, const std::vector<std::string>& allowed_origins) {
  const std::string ancestors = cat("'self'", allowed_origins.empty() ? "" : " ", join(allowed_origins, " "));
  std::vector<Route> routes;
  routes.push_back(public_route("/widget", [&assets, ancestors](const HttpRequest& request, std::stop_token) {
    auto response = asset_response(assets, "/widget.html", request);
    response.headers.set("Content-Security-Policy", content_security_policy(ancestors));
    return response;
  }));
  routes.push_back(public_route("/widget.js", [&assets](const HttpRequest& request, std::stop_token) {
    auto response = asset_response(assets, "/widget.js", request);
    response.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
    return response;
  }));
  return routes;
}

}  // namespace quintet
