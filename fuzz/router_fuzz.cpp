// QN_FUZZ_LINK: quintet_serving
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/text.h"
#include "serving/request_target.h"
#include "serving/router.h"

using namespace quintet;

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

Router make_router() {
  Router router;
  for (const char* pattern : {"/", "/healthz", "/api/faq/kbs", "/api/faq/kbs/{kb}",
                              "/api/faq/kbs/{kb}/entries/{id}", "/api/{a}/{b}/list"}) {
    Route route;
    route.method = "GET";
    route.pattern = pattern;
    router.add(std::move(route));
  }
  return router;
}

}  // namespace

/// Any target: what is accepted is valid UTF-8 without NUL, a found route has its parameters, none of them
/// empty, and a parameter written again finds the same route.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Router router = make_router();
  const auto target = parse_request_target({reinterpret_cast<const char*>(data), size});
  if (!target || target->is_asterisk) return 0;
  require(!find_invalid_utf8(target->path) && target->path.find('\0') == std::string::npos);
  for (const auto& [name, value] : target->query)
    require(!find_invalid_utf8(name) && !find_invalid_utf8(value));
  const RouteMatch match = router.find("GET", target->raw_path);
  require(router.find("POST", target->raw_path).route == nullptr);
  if (!match.route) return 0;
  std::string rebuilt;
  for (const std::string_view segment : split(std::string_view(match.route->pattern).substr(1), '/')) {
    rebuilt += '/';
    if (!segment.starts_with('{')) {
      rebuilt += segment;
      continue;
    }
    const auto value = match.parameters.find(segment.substr(1, segment.size() - 2));
    require(value != match.parameters.end() && !value->second.empty());
    rebuilt += percent_encode(value->second);
  }
  const RouteMatch again = router.find("GET", rebuilt);
  require(again.route == match.route && again.parameters == match.parameters);
  return 0;
}
