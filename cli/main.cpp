#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "completion.h"
#include "console_log.h"
#include "core/error.h"
#include "core/text.h"
#include "engine_cli.h"
#include "models_cli.h"
#include "options_table.h"

namespace quintet::cli {

namespace {

/// Exit statuses: 0 done, 1 a check or a person said no, 2 the arguments are wrong, 3 something failed.
int exit_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::not_found:
    case ErrorCode::conflict:
    case ErrorCode::unsupported: return 2;
    case ErrorCode::corrupt_data:
    case ErrorCode::exhausted:
    case ErrorCode::unauthorized:
    case ErrorCode::forbidden:
    case ErrorCode::cancelled:
    case ErrorCode::unavailable:
    case ErrorCode::internal: return 3;
  }
  return 3;
}

/// The command that was chosen; run once options are loaded.
using Command = std::function<int(Application&)>;

struct Program {
  OptionArguments option_arguments;
  std::vector<std::string> sets;
  std::string home;
  std::string log_level;
  Command command;
  bool waits_for_signals = false;
  std::function<int(const Options&)> plain_command;  // needs no database
};

/// An argument of a command that is short for an option of the table.
void add_shortcut(CLI::App& command, Program& program, const std::string& flag, const char* option,
                  const char* help) {
  command
      .add_option_function<std::string>(
          flag,
          [&program, option](const std::string& value) {
            program.option_arguments.overrides.emplace_back(option, value);
          },
          help)
      ->type_name("VALUE");
}

void add_faq_commands(CLI::App& app, Program& program) {
  CLI::App* faq = app.add_subcommand("faq", "Knowledge bases: import, ask, measure, export");
  faq->require_subcommand(1);

  auto import_arguments = std::make_shared<FaqImportArguments>();
  CLI::App* import = faq->add_subcommand("import", "Import files or folders into a knowledge base");
  import->add_option("files", import_arguments->files, "JSON, JSONL, CSV, Markdown, text (Q:/A:) or HTML")
      ->required();
  import->add_option("--kb", import_arguments->kb, "Knowledge base; made when it does not exist")->required();
  import->add_option("--format", import_arguments->format,
                     "auto, json, jsonl, csv, markdown, text or html (of one file)");
  import->add_flag("--replace", import_arguments->replace,
                   "Afterwards the knowledge base holds exactly these entries");
  import->add_flag("--skip-bad", import_arguments->skip_bad,
                   "Import the valid entries of a file with errors");
  import->add_flag("--dry-run", import_arguments->dry_run, "Say what would change");
  import->add_flag("--json", import_arguments->as_json, "Print JSON");
  import->callback([&program, import_arguments] {
    program.command = [import_arguments](Application& a) { return faq_import(a, *import_arguments); };
  });

  auto ask_arguments = std::make_shared<FaqAskArguments>();
  CLI::App* ask = faq->add_subcommand("ask", "Ask a question");
  ask->add_option("question", ask_arguments->question, "The question")->required();
  ask->add_option("--kb", ask_arguments->kb, "Knowledge base")->required();
  ask->add_option("--model", ask_arguments->model, "Model id; default: the configured one");
  ask->add_flag("--json", ask_arguments->as_json, "Print JSON");
  ask->callback([&program, ask_arguments] {
    program.command = [ask_arguments](Application& a) { return faq_ask(a, *ask_arguments); };
  });

  auto eval_arguments = std::make_shared<FaqEvalArguments>();
  CLI::App* eval = faq->add_subcommand("eval", "Measure answers to questions with known entries");
  eval->add_option("file", eval_arguments->file,
                   "CSV with the columns question and entry (an id or a question; empty = outside the FAQ)")
      ->required();
  eval->add_option("--kb", eval_arguments->kb, "Knowledge base")->required();
  eval->add_flag("--json", eval_arguments->as_json, "Print JSON");
  eval->callback([&program, eval_arguments] {
    program.command = [eval_arguments](Application& a) { return faq_eval(a, *eval_arguments); };
  });

  auto list_arguments = std::make_shared<FaqListArguments>();
  CLI::App* list = faq->add_subcommand("list", "List knowledge bases, or the entries of one");
  list->add_option("--kb", list_arguments->kb, "Knowledge base whose entries to list");
  list->add_option("--query", list_arguments->query, "Only entries that match these words");
  list->add_flag("--json", list_arguments->as_json, "Print JSON");
  list->callback([&program, list_arguments] {
    program.command = [list_arguments](Application& a) { return faq_list(a, *list_arguments); };
  });

  auto export_arguments = std::make_shared<FaqExportArguments>();
  CLI::App* export_command = faq->add_subcommand("export", "Write a knowledge base to a file");
  export_command->add_option("--kb", export_arguments->kb, "Knowledge base")->required();
  export_command->add_option("--format", export_arguments->format, "json, jsonl, csv or markdown");
  export_command->add_option("-o,--output", export_arguments->output, "File; default: standard output");
  export_command->callback([&program, export_arguments] {
    program.command = [export_arguments](Application& a) { return faq_export(a, *export_arguments); };
  });

  auto delete_arguments = std::make_shared<FaqDeleteArguments>();
  CLI::App* remove = faq->add_subcommand("delete", "Delete an entry, or a whole knowledge base");
  remove->add_option("entry", delete_arguments->entry, "Entry id; without it the knowledge base is deleted");
  remove->add_option("--kb", delete_arguments->kb, "Knowledge base")->required();
  remove->add_flag("-y,--yes", delete_arguments->yes, "Do not ask");
  remove->callback([&program, delete_arguments] {
    program.command = [delete_arguments](Application& a) { return faq_delete(a, *delete_arguments); };
  });
}

void add_key_commands(CLI::App& app, Program& program) {
  CLI::App* keys = app.add_subcommand("keys", "API keys: create, list, revoke");
  keys->require_subcommand(1);
  auto create_arguments = std::make_shared<KeysCreateArguments>();
  CLI::App* create = keys->add_subcommand("create", "Make a key; it is shown once");
  create->add_option("name", create_arguments->name, "What the key is for")->required();
  create->add_option("--scope", create_arguments->scopes,
                     "chat, faq or admin, each including the ones before (repeatable); default: faq");
  create->add_option("--expires", create_arguments->expires, "90d, 12h; default: never");
  create->add_flag("--json", create_arguments->as_json, "Print JSON");
  create->callback([&program, create_arguments] {
    if (create_arguments->scopes.empty()) create_arguments->scopes = {"faq"};
    program.command = [create_arguments](Application& a) { return keys_create(a, *create_arguments); };
  });
  auto as_json = std::make_shared<bool>(false);
  CLI::App* list = keys->add_subcommand("list", "List keys (never the secrets)");
  list->add_flag("--json", *as_json, "Print JSON");
  list->callback([&program, as_json] {
    program.command = [as_json](Application& a) { return keys_list(a, *as_json); };
  });
  auto id = std::make_shared<std::string>();
  CLI::App* revoke = keys->add_subcommand("revoke", "Refuse a key from now on");
  revoke->add_option("id", *id, "The key's id, or the key itself")->required();
  revoke->callback(
      [&program, id] { program.command = [id](Application& a) { return keys_revoke(a, *id); }; });
}

void add_other_commands(CLI::App& app, Program& program) {
  auto serve_arguments = std::make_shared<ServeArguments>();
  CLI::App* serve_command = app.add_subcommand("serve", "Serve the web page and the API");
  serve_command->add_option(
      "--kb", serve_arguments->kb_files,
      "FAQ file or folder to import first (or the name of a knowledge base); shown by default");
  serve_command->add_flag("--open", serve_arguments->open_browser, "Open the page in the browser");
  add_shortcut(*serve_command, program, "--port", "serve.port", "TCP port (serve.port)");
  add_shortcut(*serve_command, program, "--host", "serve.host", "Address to listen on (serve.host)");
  add_shortcut(*serve_command, program, "--model", "model.default", "Model that answers (model.default)");
  serve_command->callback([&program, serve_arguments] {
    program.waits_for_signals = true;
    program.command = [serve_arguments](Application& a) { return serve(a, *serve_arguments); };
  });

  auto as_json = std::make_shared<bool>(false);
  auto as_markdown = std::make_shared<bool>(false);
  CLI::App* config = app.add_subcommand("config", "Show every option: value, origin, meaning");
  config->add_flag("--json", *as_json, "Print JSON");
  config->add_flag("--markdown", *as_markdown, "Print the reference, docs/configuration.md");
  config->callback([&program, as_json, as_markdown] {
    program.plain_command = [as_json, as_markdown](const Options& options) {
      if (*as_markdown) {
        std::cout << configuration_reference();
        return 0;
      }
      return show_config(options, *as_json);
    };
  });

  auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand("completion", "Print a completion script for a shell");
  completion->add_option("shell", *shell, "bash, zsh or fish")->required();
  completion->footer("bash: source <(quintet completion bash)");
  completion->callback([&program, shell, &app] {
    program.plain_command = [shell, &app](const Options&) {
      std::cout << completion_script(app, *shell);
      return 0;
    };
  });
}

/// Before the first thread starts, so that every thread inherits it and serve() can wait for them.
void block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int run(int argc, char** argv) {
  Program program;
  CLI::App app("Quintet: a native generative-AI stack", "quintet");
  app.set_version_flag("-V,--version", cat("quintet ", QN_VERSION));
  app.set_help_all_flag("--help-all", "Help for every command");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--config", program.option_arguments.config_file,
                 "Configuration file; default: ./quintet.toml");
  app.add_option("--home", program.home, "Folder for all data (home)");
  app.add_option("--set", program.sets, "NAME=VALUE of any option; `quintet config` lists them")
      ->type_name("NAME=VALUE");
  app.add_option("--log-level", program.log_level, "debug, info, warning, error or off (log.level)");
  add_faq_commands(app, program);
  add_other_commands(app, program);
  add_key_commands(app, program);
  add_engine_commands(app, [&program](auto command) { program.plain_command = std::move(command); });
  add_models_commands(app, [&program](auto command) { program.plain_command = std::move(command); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : 2;
  }

  auto& overrides = program.option_arguments.overrides;
  for (const auto& set : program.sets) {
    const auto equals = set.find('=');
    if (equals == std::string::npos) throw InvalidArgument(cat("--set takes NAME=VALUE, not \"", set, "\""));
    overrides.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  if (!program.home.empty()) overrides.emplace_back("home", program.home);
  if (!program.log_level.empty()) overrides.emplace_back("log.level", program.log_level);
  const Options options = load_options(program.option_arguments);
  const auto level = parse_log_level(options.text("log.level"));
  if (!level) throw InvalidArgument("log.level is one of debug, info, warning, error, off");
  const auto log = make_console_log(*level, options.text("log.format") == "json");
  if (program.plain_command) return program.plain_command(options);
  if (program.waits_for_signals) block_stop_signals();
  Application application(options, *log);
  return program.command(application);
}

}  // namespace

}  // namespace quintet::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is an error to report, like a full disk
  try {
    return quintet::cli::run(argc, argv);
  } catch (const quintet::Error& error) {
    std::cerr << "quintet: " << error.what() << '\n';
    return quintet::cli::exit_status(error.code());
  } catch (const std::exception& error) {
    std::cerr << "quintet: internal error: " << error.what() << '\n';
    return 3;
  }
}
