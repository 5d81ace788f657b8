#include "serving/router.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::vector<std::string> parameter_names(std::string_view pattern) {
  std::vector<std::string> names;
  for (const std::string_view segment : split(pattern, '/'))
    if (is_parameter(segment)) names.emplace_back(segment.substr(1, segment.size() - 2));
  return names;
}

}  // namespace

struct Router::Node {
  struct End {
    const Route* route;
    const WebSocketRoute* websocket;
    std::vector<std::string> names;  // of the parameters, left to right
  };
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::vector<End> ends;

  struct Search {
    std::string_view method;
    const std::vector<std::string_view>& segments;
    std::vector<std::string_view> values;
    std::vector<std::string> allowed;
    const End* found = nullptr;
  };

  static void walk(const Node& node, std::size_t depth, Search& search) {
    if (depth == search.segments.size()) {
      node.pick(search);
      return;
    }
    const std::string_view segment = search.segments[depth];
    if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
      walk(*literal->second, depth + 1, search);
      if (search.found) return;
    }
    if (node.parameter && !segment.empty()) {
      search.values.push_back(segment);
      walk(*node.parameter, depth + 1, search);
      if (!search.found) search.values.pop_back();
    }
  }

  void pick(Search& search) const {
    const auto pick_method = [&](std::string_view method) {
      for (const End& end : ends)
        if (end.route && end.route->method == method) search.found = &end;
    };
    pick_method(search.method);
    if (!search.found && search.method == "HEAD") pick_method("GET");
    if (!search.found && search.method == "GET")
      for (const End& end : ends)
        if (end.websocket) search.found = &end;
    if (search.found) return;
    for (const End& end : ends) search.allowed.push_back(end.route ? end.route->method : "GET");
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Router::Node& Router::insert(const std::string& pattern) {
  if (!pattern.starts_with('/'))
    throw InvalidArgument(cat("route '", pattern, "': a pattern begins with '/'"));
  Node* node = root_.get();
  for (const std::string_view segment : split(std::string_view(pattern).substr(1), '/')) {
    if (is_parameter(segment)) {
      if (!node->parameter) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    } else if (segment.find_first_of("{}") != std::string_view::npos) {
      throw InvalidArgument(cat("route '", pattern, "': '", segment, "' is neither text nor one {name}"));
    } else {
      auto& child = node->literals[std::string(segment)];
      if (!child) child = std::make_unique<Node>();
      node = child.get();
    }
  }
  return *node;
}

void Router::add(Route route) {
  Node& node = insert(route.pattern);
  for (const auto& end : node.ends)
    if (end.route && end.route->method == route.method)
      throw InvalidArgument(cat("route '", route.method, " ", route.pattern, "' was added before as '",
                                end.route->pattern, "'"));
  routes_.push_back(std::make_unique<Route>(std::move(route)));
  node.ends.push_back({routes_.back().get(), nullptr, parameter_names(routes_.back()->pattern)});
}

void Router::add(WebSocketRoute route) {
  Node& node = insert(route.pattern);
  websockets_.push_back(std::make_unique<WebSocketRoute>(std::move(route)));
  node.ends.push_back({nullptr, websockets_.back().get(), parameter_names(websockets_.back()->pattern)});
}

RouteMatch Router::find(std::string_view method, std::string_view raw_path) const {
  RouteMatch match;
  if (!raw_path.starts_with('/')) return match;
  std::vector<std::string_view> segments = split(raw_path.substr(1), '/');
  std::vector<std::string> decoded;
  if (raw_path.find('%') != std::string_view::npos) {
    decoded.reserve(segments.size());  // views into it are kept
    for (auto& segment : segments) {
      auto text = percent_decode(segment);
      if (!text) return match;
      segment = decoded.emplace_back(std::move(*text));
    }
  }
  Node::Search search{method, segments, {}, {}, nullptr};
  Node::walk(*root_, 0, search);
  if (search.found) {
    match.route = search.found->route;
    match.websocket = search.found->websocket;
    for (std::size_t i = 0; i < search.found->names.size(); ++i)
      match.parameters.insert_or_assign(search.found->names[i], std::string(search.values[i]));
    return match;
  }
  if (search.allowed.empty()) return match;
  auto& allowed = search.allowed;
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end()) allowed.emplace_back("HEAD");
  allowed.emplace_back("OPTIONS");
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  match.allow = join(allowed, ", ");
  return match;
}

}  // namespace quintet
