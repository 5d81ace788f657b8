#pragma once

#include <string>

namespace CLI {
class App;
}

namespace quintet::cli {

/// A script that completes commands and flags; made from the parser itself, so it cannot drift. Throws
/// InvalidArgument for a shell other than bash, zsh and fish.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace quintet::cli
