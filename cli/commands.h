#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "application.h"

/// What each command of the program does once its arguments are read. All print results to standard output
/// and throw Error for what goes wrong; the return value is the exit status.
namespace quintet::cli {

struct FaqImportArguments {
  std::vector<std::filesystem::path> files;
  std::string kb;
  std::string format = "auto";
  bool replace = false;
  bool skip_bad = false;
  bool dry_run = false;
  bool as_json = false;
};
int faq_import(Application& app, const FaqImportArguments& arguments);

struct FaqAskArguments {
  std::string kb;
  std::string question;
  std::string model;
  bool as_json = false;
};
int faq_ask(Application& app, const FaqAskArguments& arguments);

struct FaqEvalArguments {
  std::string kb;
  std::filesystem::path file;
  bool as_json = false;
};
int faq_eval(Application& app, const FaqEvalArguments& arguments);

struct FaqListArguments {
  std::string kb;  // empty = the knowledge bases themselves
  std::string query;
  bool as_json = false;
};
int faq_list(Application& app, const FaqListArguments& arguments);

struct FaqExportArguments {
  std::string kb;
  std::string format = "json";
  std::filesystem::path output;  // empty = standard output
};
int faq_export(Application& app, const FaqExportArguments& arguments);

struct FaqDeleteArguments {
  std::string kb;
  std::string entry;  // empty = the whole knowledge base
  bool yes = false;
};
int faq_delete(Application& app, const FaqDeleteArguments& arguments);

struct KeysCreateArguments {
  std::string name;
  std::vector<std::string> scopes;
  std::string expires;  // "90d", empty = never
  bool as_json = false;
};
int keys_create(Application& app, const KeysCreateArguments& arguments);
int keys_list(Application& app, bool as_json);
int keys_revoke(Application& app, const std::string& id);

struct ServeArguments {
  std::vector<std::filesystem::path> kb_files;  // imported before serving; the first becomes the default
  bool open_browser = false;
};
int serve(Application& app, const ServeArguments& arguments);

/// `quintet config`: values in force and their origins.
int show_config(const Options& options, bool as_json);

/// Imports `file` into the knowledge base named after it; used by `serve --kb`. Returns the name.
std::string import_for_serving(Application& app, const std::filesystem::path& file);
/// Fills an empty database with the sample FAQ that the program carries.
void import_sample(Application& app);

}  // namespace quintet::cli
