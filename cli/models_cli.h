#pragma once

#include <functional>

#include "core/options.h"

namespace CLI {
class App;
}

namespace quintet::cli {

/// Adds `quintet models …` (to that command when it exists already); the command that is chosen is handed to
/// `choose`, to be run once options are read.
void add_models_commands(CLI::App& app,
                         const std::function<void(std::function<int(const Options&)>)>& choose);

}  // namespace quintet::cli
