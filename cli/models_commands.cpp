#include "models_commands.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

#include <fmt/core.h>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "inference/model_pull.h"
#include "interrupt.h"
#include "options_table.h"
#include "pull_display.h"

namespace quintet::cli {

namespace {

ModelStore store_of(const Options& options) {
  return ModelStore(home_directory(options) / "models");
}

const char* environment(const char* name) {
  return std::getenv(name);
}

JsonObject model_json(const StoredModel& model) {
  JsonArray files;
  for (const auto& file : model.files) files.emplace_back(file.string());
  JsonObject object{{"name", model.name},
                    {"id", model.id},
                    {"path", model.path.string()},
                    {"format", model_format_name(model.format)},
                    {"size", model.size},
                    {"files", std::move(files)},
                    {"architecture", model.details.architecture},
                    {"parameters", model.details.n_parameters},
                    {"quantization", model.details.quantization},
                    {"complete", model.is_complete}};
  if (!model.problem.empty()) object["problem"] = model.problem;
  if (model.origin) {
    object["source"] = model.origin->source;
    object["revision"] = model.origin->revision;
    object["sha256"] = model.origin->sha256;
    object["downloaded_at"] = model.origin->downloaded_at;
  }
  return object;
}

/// "135M", "1.2B"
std::string readable_count(std::uint64_t n) {
  if (n == 0) return "-";
  if (n >= 10'000'000'000) return fmt::format("{:.0f}B", static_cast<double>(n) / 1e9);
  if (n >= 1'000'000'000) return fmt::format("{:.1f}B", static_cast<double>(n) / 1e9);
  if (n >= 1'000'000) return fmt::format("{:.0f}M", static_cast<double>(n) / 1e6);
  return fmt::format("{:.0f}K", std::max(1.0, static_cast<double>(n) / 1e3));
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : std::move(text);
}

}  // namespace

int models_list(const Options& options, bool as_json) {
  const ModelStore store = store_of(options);
  const auto models = store.list();
  if (as_json) {
    JsonArray rows;
    for (const auto& model : models) rows.push_back(model_json(model));
    std::cout << to_json(rows) << '\n';
    return 0;
  }
  if (models.empty()) {
    std::cout << "No models in " << store.root().string()
              << ".\nDownload one: quintet models pull hf:owner/repo; or put a .gguf file there.\n";
    return 0;
  }
  std::size_t width = 4;
  for (const auto& model : models) width = std::max(width, count_code_points(model.name));
  const auto row = [&](const std::string& name, std::string_view size, std::string_view n,
                       std::string_view type, std::string_view architecture) {
    std::cout << name << std::string(width - count_code_points(name), ' ')
              << fmt::format("  {:>9}  {:>10}  {:<8} {}\n", size, n, type, architecture);
  };
  row("NAME", "SIZE", "PARAMETERS", "TYPE", "ARCHITECTURE");
  for (const auto& model : models) {
    row(model.name, readable_bytes(model.size), readable_count(model.details.n_parameters),
        or_dash(model.details.quantization), or_dash(model.details.architecture));
    if (!model.problem.empty()) std::cout << "  ! " << model.problem << '\n';
  }
  return 0;
}

int models_pull(const Options& options, const ModelsPullArguments& arguments) {
  const Interrupt interrupt;  // before any thread
  const ModelStore store = store_of(options);
  HttpClient::Options http_options;
  http_options.proxy = ProxySettings::from_environment(environment);
  HttpClient http(http_options);
  PullDisplay display(::isatty(STDERR_FILENO) == 1);
  PullResult result;
  try {
    result = pull_model(
        store, http, HubSettings::from_environment(environment), {arguments.source, arguments.sha256},
        [&](const PullProgress& progress) { display.show(progress); }, interrupt.token());
  } catch (const Cancelled& cancelled) {
    display.finish();
    throw Cancelled(cat(cancelled.what(), "\nTo go on: quintet models pull ", arguments.source));
  } catch (...) {
    display.finish();
    throw;
  }
  display.finish();
  const StoredModel& model = result.model;
  if (arguments.as_json) {
    JsonObject object = model_json(model);
    object["bytes"] = result.bytes;
    object["transferred_bytes"] = result.transferred_bytes;
    std::cout << to_json(object) << '\n';
  } else if (model.name.empty()) {
    std::cout << "Downloaded " << readable_bytes(result.bytes) << " to " << store.root().string() << '\n';
  } else {
    std::cout << model.name << (result.transferred_bytes == 0 ? " was there already: " : ": ")
              << readable_bytes(model.size) << ", " << model.path.string() << '\n';
  }
  if (!model.name.empty() && !model.is_complete) throw CorruptData(cat(model.name, ": ", model.problem));
  return 0;
}

int models_remove(const Options& options, const ModelsRemoveArguments& arguments) {
  const ModelStore store = store_of(options);
  const StoredModel model = store.find(arguments.name);
  const std::string what = cat(model.name, " (", readable_bytes(model.size), ", ", model.path.string(), ")");
  if (!arguments.yes) {
    if (::isatty(STDIN_FILENO) != 1)
      throw InvalidArgument(cat("deleting ", what, " cannot be undone; add --yes"));
    std::cerr << "Delete " << what << "? [y/N] ";
    std::string reply;
    std::getline(std::cin, reply);
    if (reply != "y" && reply != "Y" && reply != "yes") {
      std::cerr << "Kept.\n";
      return 1;
    }
  }
  store.remove(model);
  std::cout << "Deleted " << what << '\n';
  return 0;
}

int models_where(const Options& options, const std::string& name) {
  const ModelStore store = store_of(options);
  std::cout << (name.empty() ? store.root() : store.find(name).path).string() << '\n';
  return 0;
}

}  // namespace quintet::cli
