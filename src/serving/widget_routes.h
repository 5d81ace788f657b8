#pragma once

#include <string>
#include <vector>

#include "serving/http.h"
#include "serving/static_assets.h"

namespace quintet {

/// /widget, the chat inside another site's iframe, and /widget.js, the script that puts it there. Only the
/// origins given may frame it; without any, only our own pages may.
std::vector<Route> widget_routes(const AssetTable& assets, const std::vector<std::string>& allowed_origins);

}  // namespace quintet
