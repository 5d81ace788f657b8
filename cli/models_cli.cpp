#include "models_cli.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "models_commands.h"

namespace quintet::cli {

void add_models_commands(CLI::App& app,
                         const std::function<void(std::function<int(const Options&)>)>& choose) {
  const auto existing =
      app.get_subcommands([](const CLI::App* command) { return command->get_name() == "models"; });
  CLI::App* models = existing.empty() ? nullptr : existing.front();
  if (models == nullptr) models = app.add_subcommand("models", "Models on this machine: list, pull, remove");
  models->require_subcommand(1);

  auto as_json = std::make_shared<bool>(false);
  CLI::App* list = models->add_subcommand("list", "List the models on disk");
  list->add_flag("--json", *as_json, "Print JSON");
  list->callback([choose, as_json] {
    choose([as_json](const Options& options) { return models_list(options, *as_json); });
  });

  auto pull_arguments = std::make_shared<ModelsPullArguments>();
  CLI::App* pull = models->add_subcommand("pull", "Download a model; goes on where an earlier pull stopped");
  pull->add_option("source", pull_arguments->source,
                   "hf:owner/repo[:file][@revision], or the URL of a .gguf file")
      ->required();
  pull->add_option("--sha256", pull_arguments->sha256, "Checksum that the file must have");
  pull->add_flag("--json", pull_arguments->as_json, "Print JSON");
  pull->footer("HF_TOKEN, HF_ENDPOINT, http_proxy, https_proxy and no_proxy are honoured.");
  pull->callback([choose, pull_arguments] {
    choose([pull_arguments](const Options& options) { return models_pull(options, *pull_arguments); });
  });

  auto remove_arguments = std::make_shared<ModelsRemoveArguments>();
  CLI::App* remove = models->add_subcommand("remove", "Delete a model");
  remove->add_option("name", remove_arguments->name, "Name as in the list, or a path")->required();
  remove->add_flag("-y,--yes", remove_arguments->yes, "Do not ask");
  remove->callback([choose, remove_arguments] {
    choose([remove_arguments](const Options& options) { return models_remove(options, *remove_arguments); });
  });

  auto name = std::make_shared<std::string>();
  CLI::App* where = models->add_subcommand("where", "Print a model's path, or the folder of all models");
  where->add_option("name", *name, "Name as in the list");
  where->callback(
      [choose, name] { choose([name](const Options& options) { return models_where(options, *name); }); });
}

}  // namespace quintet::cli
