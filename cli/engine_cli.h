#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "core/options.h"

namespace quintet::cli {

/// Adds the commands of engine_commands.h; the one that is chosen is handed to `choose`, to be run once
/// options are read.
void add_engine_commands(CLI::App& app,
                         const std::function<void(std::function<int(const Options&)>)>& choose);

}  // namespace quintet::cli
