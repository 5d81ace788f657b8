#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/options.h"

namespace quintet::cli {

/// Every option of the program, in the order of docs/configuration.md.
std::span<const OptionSpec> options_table();

/// What the command line says about options.
struct OptionArguments {
  std::optional<std::filesystem::path> config_file;            // --config
  std::vector<std::pair<std::string, std::string>> overrides;  // --set name=value, and --port, --host …
};

/// default < quintet.toml < environment < command line. Without --config, ./quintet.toml is read when it
/// exists, else $XDG_CONFIG_HOME/quintet/quintet.toml when that does. Throws InvalidArgument.
Options load_options(const OptionArguments& arguments);

/// Where data lives: the option `home`, else $XDG_DATA_HOME/quintet, else ~/.local/share/quintet.
std::filesystem::path home_directory(const Options& options);

/// docs/configuration.md, made from the table.
std::string configuration_reference();

}  // namespace quintet::cli
