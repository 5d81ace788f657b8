#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "serving/http.h"

namespace quintet {

class WebSocket;

/// Talks on an upgraded connection: blocking code on the worker pool. The connection closes when it returns.
using WebSocketHandler = std::function<void(const HttpRequest&, WebSocket&, std::stop_token)>;

struct WebSocketRoute {
  std::string pattern;
  WebSocketHandler handler{};
  bool is_public = false;
  std::string scope = "faq";
  std::size_t max_message_bytes = 1 << 20;
};

struct RouteMatch {
  const Route* route = nullptr;  // at most one of these two
  const WebSocketRoute* websocket = nullptr;
  std::map<std::string, std::string, std::less<>> parameters;
  std::string allow;  // when neither: the methods that this path has, "" = no such path
};

/// Finds the route of a method and a path. A pattern is "/"-separated segments; "{name}" takes one whole
/// segment, which is not empty. Where several patterns fit, a literal segment wins over a parameter, leftmost
/// first. GET answers HEAD. Built once, then const; const methods may run concurrently.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// Throws InvalidArgument for a malformed pattern or a second route of the same method and pattern.
  void add(Route route);
  void add(WebSocketRoute route);

  /// `raw_path` is as sent: segments are separated before they are decoded, so that "%2F" stays inside one.
  RouteMatch find(std::string_view method, std::string_view raw_path) const;

  /// In order of addition.
  const std::vector<std::unique_ptr<Route>>& routes() const noexcept { return routes_; }

 private:
  struct Node;
  Node& insert(const std::string& pattern);

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<std::unique_ptr<WebSocketRoute>> websockets_;
};

}  // namespace quintet
