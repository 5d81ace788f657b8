#include "options_table.h"

#include <cstdlib>

#include "core/error.h"
#include "core/text.h"

namespace quintet::cli {

namespace {

using enum OptionType;

constexpr OptionSpec kTable[] = {
    {"home", text, "", "Folder for all data; empty = $XDG_DATA_HOME/quintet or ~/.local/share/quintet"},
    {"log.level", text, "info", "debug, info, warning, error or off"},
    {"log.format", text, "text", "text or json (a line per event)"},

    {"serve.host", text, "127.0.0.1",
     "Address to listen on; any other than loopback needs an API key (`quintet keys create`)"},
    {"serve.port", integer, "8321", "TCP port; 0 = any free one"},
    {"serve.io_threads", integer, "1", "Threads that move bytes; one serves thousands of connections"},
    {"serve.max_workers", integer, "1100", "Most requests and answers that are worked on at once"},
    {"serve.max_connections", integer, "4096", "Most open connections; more get 503"},
    {"serve.max_upload", bytes, "64MB", "Largest file that may be imported through the page or the API"},
    {"serve.allowed_origins", text_list, "",
     "Web sites that may show the chat widget and call the API, e.g. https://example.org"},
    {"serve.public_chat", boolean, "false",
     "Where keys are required, let visitors chat without one, for the widget; they can do nothing else"},
    {"serve.allowed_hosts", text_list, "",
     "Further names under which this server may be addressed (protects against DNS rebinding)"},
    {"serve.tls_certificate", text, "", "PEM certificate chain; with tls_key, serves HTTPS only"},
    {"serve.tls_key", text, "", "PEM private key"},
    {"serve.requests_per_second", number, "0",
     "Sustained requests per second of one key or address; 0 = no limit"},
    {"serve.burst", number, "0",
     "Requests that may come at once before the rate counts; 0 = two seconds' worth"},
    {"serve.header_timeout", duration, "10s", "A request's header must arrive within this"},
    {"serve.body_timeout", duration, "30s", "Longest silence while a request's body arrives"},
    {"serve.keep_alive", duration, "60s", "An idle connection is closed after this"},
    {"serve.heartbeat", duration, "15s",
     "A silent event stream gets a comment this often, so that proxies keep it open"},
    {"serve.drain_time", duration, "10s", "On stop, running answers may finish within this"},

    {"model.default", text, "",
     "Model that answers: openai:gpt-4.1-mini, extractive, a file, a downloaded model; empty = the one "
     "chosen "
     "on the Models page, else a local model, else the first configured provider, else extractive"},
    {"model.file", text, "",
     "Model file or folder that this program runs itself; then it answers by default"},
    {"model.threads", integer, "0", "Threads that it computes with; 0 = one for each processor"},
    {"model.context", integer, "0",
     "Its positions for each answer; 0 = what it was trained for, at most 8192"},
    {"model.parallel", integer, "4", "Answers that it writes together; more wait"},
    {"model.kv_type", text, "f16", "Type of its key/value cache: f16, f32 or q8_0 (half the memory)"},
    {"model.connect_timeout", duration, "10s", "Longest time to connect to a provider"},
    {"model.first_token_timeout", duration, "60s", "Longest wait for the first token"},
    {"model.idle_timeout", duration, "30s", "Longest silence between two tokens"},
    {"model.total_timeout", duration, "10m", "Longest time for a whole answer"},
    {"model.max_attempts", integer, "3", "Attempts at a request that fails before its first token"},
    {"model.script", text, "",
     "JSON file of scripted answers: adds the model scripted:NAME, for tests and demonstrations"},

    {"openai.base_url", text, "https://api.openai.com/v1",
     "Any OpenAI-compatible server: OpenAI, vLLM, llama-server, Ollama, LM Studio", false, "OPENAI_BASE_URL"},
    {"openai.api_key", text, "", "Key for it; local servers often need none", true, "OPENAI_API_KEY"},
    {"openai.model", text, "gpt-4.1-mini", "Model to ask for"},
    {"anthropic.base_url", text, "https://api.anthropic.com", "Anthropic Messages API", false,
     "ANTHROPIC_BASE_URL"},
    {"anthropic.api_key", text, "", "Key for it", true, "ANTHROPIC_API_KEY"},
    {"anthropic.model", text, "claude-haiku-4-5", "Model to ask for"},

    {"faq.default_kb", text, "", "Knowledge base shown first; empty = the first one"},
    {"faq.knowledge_budget", integer, "6000",
     "Tokens of FAQ entries in a prompt; a smaller knowledge base goes in whole"},
    {"faq.history_budget", integer, "1500", "Tokens of earlier conversation in a prompt"},
    {"faq.max_output_tokens", integer, "800", "Longest written answer"},
    {"faq.max_question", bytes, "16KB", "Longest question"},

    {"prompts.directory", text, "", "Folder of prompt files that replace the built-in ones of the same name"},
    {"storage.full_sync", boolean, "false",
     "Survive power loss too, not only a killed process: slower writes"},
    {"telemetry.retention_days", integer, "30", "Traces older than this are deleted; 0 keeps all"},
    {"telemetry.otlp_endpoint", text, "",
     "OTLP/HTTP collector for traces, e.g. http://127.0.0.1:4318/v1/traces; empty = none", false,
     "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
};

std::filesystem::path from_environment(const char* name, const char* below_home) {
  if (const char* set = std::getenv(name); set != nullptr && *set != '\0') return set;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::filesystem::path(home) / below_home;
  return {};
}

std::optional<std::filesystem::path> find_config_file() {
  std::error_code ignored;
  if (std::filesystem::exists("quintet.toml", ignored)) return "quintet.toml";
  const auto base = from_environment("XDG_CONFIG_HOME", ".config");
  if (base.empty()) return std::nullopt;
  const auto path = base / "quintet" / "quintet.toml";
  if (std::filesystem::exists(path, ignored)) return path;
  return std::nullopt;
}

std::string_view type_name(OptionType type) {
  switch (type) {
    case text: return "text";
    case integer: return "integer";
    case number: return "number";
    case boolean: return "boolean";
    case duration: return "duration";
    case bytes: return "size";
    case text_list: return "list";
  }
  return "text";
}

}  // namespace

std::span<const OptionSpec> options_table() {
  return kTable;
}

Options load_options(const OptionArguments& arguments) {
  Options options(options_table());
  if (arguments.config_file) {
    if (!std::filesystem::exists(*arguments.config_file))
      throw NotFound(cat("no such configuration file: ", arguments.config_file->string()));
    options.read_toml(*arguments.config_file);
  } else if (const auto found = find_config_file()) {
    options.read_toml(*found);
  }
  options.read_environment([](const char* name) -> const char* { return std::getenv(name); });
  for (const auto& [name, value] : arguments.overrides) options.set(name, value, "command line");
  return options;
}

std::filesystem::path home_directory(const Options& options) {
  if (const auto home = options.text_if_set("home")) return *home;
  const auto base = from_environment("XDG_DATA_HOME", ".local/share");
  if (base.empty())
    throw InvalidArgument(
        "there is no home directory to keep data in; set QUINTET_HOME or --home to a folder");
  return base / "quintet";
}

std::string configuration_reference() {
  std::string out =
      "# Configuration\n\n"
      "Made from the options table by `quintet config --markdown`; a test compares them.\n\n"
      "Each option can be set in `quintet.toml` (in the current folder, or "
      "`~/.config/quintet/quintet.toml`), by an\n"
      "environment variable, or with `--set NAME=VALUE`; the later of these wins. `quintet config` shows the "
      "values in\n"
      "force and where each came from, with secrets masked.\n\n"
      "```toml\n[serve]\nport = 9000\nallowed_origins = [\"https://example.org\"]\n\n[openai]\n"
      "base_url = \"http://127.0.0.1:11434/v1\"\nmodel = \"llama3.2\"\n```\n\n"
      "Durations are written 500ms, 10s, 5m, 2h; sizes 64KB, 16MB, 1GB.\n\n"
      "| option | type | default | what it does | environment |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& row : kTable) {
    std::string variables = cat("`", environment_name(row.name), "`");
    if (!row.environment.empty()) variables = cat("`", row.environment, "`, ", variables);
    const std::string shown = row.default_value.empty() ? "" : cat("`", row.default_value, "`");
    out += cat("| `", row.name, "` | ", type_name(row.type), " | ", shown, " | ", row.help, " | ", variables,
               " |\n");
  }
  return out;
}

}  // namespace quintet::cli
