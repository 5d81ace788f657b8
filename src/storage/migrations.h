#pragma once

#include <span>
#include <string_view>

namespace quintet {

class Connection;

/// One step in the history of a component's tables. Steps run once, in order, each in a transaction; a
/// released step is never edited. `component` keeps the histories of telemetry, keys and applications apart.
struct Migration {
  std::string_view component;
  int version = 0;  // 1, 2, 3 … within the component
  std::string_view sql;
};

/// Runs the steps that the file behind `connection` has not seen and notes them in `schema_migrations`. Two
/// processes may do this at the same time. Throws Unsupported, before changing anything, when the file has a
/// version of a component that is not in `migrations`; a step that fails leaves the file as the step before
/// left it.
void migrate(Connection& connection, std::span<const Migration> migrations);

}  // namespace quintet
