#pragma once

#include <string>

#include "core/options.h"

/// `quintet models …`. Results go to standard output, progress to standard error; the return value is the
/// exit status. Models live in "models" below the home directory.
namespace quintet::cli {

int models_list(const Options& options, bool as_json);

struct ModelsPullArguments {
  std::string source;
  std::string sha256;
  bool as_json = false;
};
/// Ctrl-C throws Cancelled, which says how to go on.
int models_pull(const Options& options, const ModelsPullArguments& arguments);

struct ModelsRemoveArguments {
  std::string name;
  bool yes = false;
};
int models_remove(const Options& options, const ModelsRemoveArguments& arguments);

/// With "" the folder of all models.
int models_where(const Options& options, const std::string& name);

}  // namespace quintet::cli
