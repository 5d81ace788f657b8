#include "application.h"

#include <array>
#include <cstdlib>

#include "apps/chat/schema.h"
#include "apps/faq/prompts.h"
#include "apps/faq/schema.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "options_table.h"
#include "serving/auth.h"
#include "telemetry/schema.h"

namespace quintet::cli {

namespace {

std::vector<Migration> all_migrations() {
  std::vector<Migration> all;
  for (const auto migrations : {telemetry_migrations(), KeyStore::migrations(), ModelSettings::migrations(),
                                faq::migrations(), conversation_migrations()})
    all.insert(all.end(), migrations.begin(), migrations.end());
  return all;
}

Database::Options database_options(const Options& options) {
  const auto home = home_directory(options);
  make_private_directory(home);
  Database::Options database;
  database.path = home / "quintet.db";
  database.full_sync = options.boolean("storage.full_sync");
  return database;
}

HttpClient::Options client_options() {
  HttpClient::Options client;
  client.proxy =
      ProxySettings::from_environment([](const char* name) -> const char* { return std::getenv(name); });
  client.user_agent = cat("quintet/", QN_VERSION);
  return client;
}

bool is_model_path(const std::string& text) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(text, ignored) ||
         std::filesystem::is_regular_file(std::filesystem::path(text) / "config.json", ignored);
}

/// The model file to run: model.file, or what model.default names when that is a file or a model's folder.
std::filesystem::path model_file(const Options& options) {
  const std::string named = options.text("model.default");
  if (!named.empty() && is_model_path(named)) return std::filesystem::absolute(named).lexically_normal();
  const std::string file = options.text("model.file");
  return file.empty() ? std::filesystem::path() : std::filesystem::absolute(file).lexically_normal();
}

LocalModels::Options local_options(const Options& options) {
  const auto count = [&options](std::string_view name, std::int64_t least) {
    return static_cast<std::size_t>(std::max<std::int64_t>(least, options.integer(name)));
  };
  LocalModels::Options local;
  local.folder = home_directory(options) / "models";
  local.given = model_file(options);
  local.engine.n_threads = count("model.threads", 0);
  local.engine.max_seq_len = count("model.context", 0);
  local.engine.max_sequences = count("model.parallel", 1);
  local.engine.kv_dtype = parse_kv_dtype(options.text("model.kv_type"));
  return local;
}

/// The model that answers: what this start names, else what was chosen on the page, if it is still there.
std::string default_model(const Options& options, const ModelSettings& settings, const LocalModels& local,
                          Log& log) {
  const std::string named = options.text("model.default");
  if (!named.empty() && !is_model_path(named)) return named;
  if (!local_options(options).given.empty()) return "";  // preferred anyway
  std::string chosen = settings.default_model();
  if (!chosen.starts_with("engine:") || local.find(chosen) != nullptr) return chosen;
  log.warning(cat("the default model ", chosen, " is gone; another answers"));
  return "";
}

std::vector<ProviderConfig> provider_configs(const Options& options) {
  ProviderConfig common;
  common.timeouts.connect = std::chrono::milliseconds(options.milliseconds("model.connect_timeout"));
  common.timeouts.first_byte = std::chrono::milliseconds(options.milliseconds("model.first_token_timeout"));
  common.timeouts.idle = std::chrono::milliseconds(options.milliseconds("model.idle_timeout"));
  common.timeouts.total = std::chrono::milliseconds(options.milliseconds("model.total_timeout"));
  common.retry.max_attempts =
      static_cast<int>(std::max<std::int64_t>(1, options.integer("model.max_attempts")));

  ProviderConfig openai = common;
  openai.kind = ProviderKind::openai;
  openai.base_url = options.text("openai.base_url");
  openai.api_key = options.text("openai.api_key");
  openai.model = options.text("openai.model");

  ProviderConfig anthropic = common;
  anthropic.kind = ProviderKind::anthropic;
  anthropic.base_url = options.text("anthropic.base_url");
  anthropic.api_key = options.text("anthropic.api_key");
  anthropic.model = options.text("anthropic.model");

  ProviderConfig scripted = common;
  scripted.kind = ProviderKind::scripted;
  if (const auto script = options.text_if_set("model.script")) {
    scripted.script = read_file(*script);
    scripted.name = cat("scripted:", std::filesystem::path(*script).stem().string());
  }
  return {openai, anthropic, scripted};
}

faq::AnswererOptions answerer_options(const Options& options) {
  faq::AnswererOptions answerer;
  answerer.knowledge_budget_tokens = options.integer("faq.knowledge_budget");
  answerer.history_budget_tokens = options.integer("faq.history_budget");
  answerer.max_output_tokens = static_cast<int>(options.integer("faq.max_output_tokens"));
  answerer.max_question_bytes = options.bytes("faq.max_question");
  return answerer;
}

std::unique_ptr<OtlpExporter> make_otlp(const Options& options, HttpClient& http, Log& log) {
  const auto endpoint = options.text_if_set("telemetry.otlp_endpoint");
  if (!endpoint) return nullptr;
  OtlpExporter::Options exporter;
  exporter.resource.service_version = QN_VERSION;
  const auto post = [&http, url = *endpoint](const std::string& body) {
    ClientRequest request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = body;
    request.limits.total = std::chrono::seconds(10);
    return http.send(request).head.status;
  };
  return std::make_unique<OtlpExporter>(exporter, post, log);
}

std::vector<SpanSink*> sinks_of(SpanStore& spans, OtlpExporter* otlp) {
  std::vector<SpanSink*> sinks{&spans};
  if (otlp != nullptr) sinks.push_back(otlp);
  return sinks;
}

SpanStore::Options span_options(const Options& options) {
  SpanStore::Options spans;
  spans.retention_days = static_cast<int>(options.integer("telemetry.retention_days"));
  return spans;
}

}  // namespace

Application::Application(const Options& options_in, Log& log_in)
    : options(options_in),
      log(log_in),
      database(database_options(options), all_migrations(), log),
      prices(database),
      usage(database, prices, log),
      spans(database, log, span_options(options)),
      http(client_options()),
      otlp(make_otlp(options, http, log)),
      span_sink(sinks_of(spans, otlp.get())),
      instruments{&span_sink, [this](UsageRecord record) { usage.record(std::move(record)); },
                  [this](std::string_view model, const Usage& used) { return prices.cost(model, used); }},
      model_settings(database),
      local_models(local_options(options), model_settings, instruments),
      models(provider_configs(options), http, instruments,
             default_model(options, model_settings, local_models, log), &local_models),
      prompts(faq::built_in_prompts(), options.text("prompts.directory")),
      knowledge(database),
      cache(knowledge),
      questions(database),
      conversations(database),
      answerer(answerer_options(options), prompts) {}

}  // namespace quintet::cli
