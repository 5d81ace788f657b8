#include <csignal>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <spawn.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>

#include <fmt/core.h>

#include "apps/chat/chat_service.h"
#include "apps/faq/chat_responder.h"
#include "commands.h"
#include "core/error.h"
#include "core/text.h"
#include "core/worker_pool.h"
#include "inference/model_downloads.h"
#include "serving/auth.h"
#include "serving/conversation_routes.h"
#include "serving/faq_routes.h"
#include "serving/model_routes.h"
#include "serving/openapi.h"
#include "serving/operations_routes.h"
#include "serving/rate_limit.h"
#include "serving/server.h"
#include "serving/static_assets.h"
#include "serving/widget_routes.h"
#include "telemetry/metrics.h"

namespace quintet::cli {

namespace {

constexpr int kStoppedBySignal = 130;

std::chrono::milliseconds duration(const Options& options, std::string_view name) {
  return std::chrono::milliseconds(options.milliseconds(name));
}

ServerOptions server_options(const Options& options) {
  ServerOptions server;
  server.address = options.text("serve.host");
  const std::int64_t port = options.integer("serve.port");
  if (port < 0 || port > 65535) throw InvalidArgument(cat("serve.port must be 0 to 65535, not ", port));
  server.port = static_cast<std::uint16_t>(port);
  server.n_io_threads =
      static_cast<std::size_t>(std::max<std::int64_t>(1, options.integer("serve.io_threads")));
  server.max_connections =
      static_cast<std::size_t>(std::max<std::int64_t>(1, options.integer("serve.max_connections")));
  server.timeouts.header = duration(options, "serve.header_timeout");
  server.timeouts.body_stall = duration(options, "serve.body_timeout");
  server.timeouts.keep_alive = duration(options, "serve.keep_alive");
  server.timeouts.heartbeat = duration(options, "serve.heartbeat");
  server.allowed_hosts = options.text_list("serve.allowed_hosts");
  server.allowed_origins = options.text_list("serve.allowed_origins");
  server.tls_certificate = options.text("serve.tls_certificate");
  server.tls_key = options.text("serve.tls_key");
  return server;
}

/// Counts requests by route and status. The set of both is small, so each pair's series is looked up once.
class RequestMetrics {
 public:
  explicit RequestMetrics(MetricsRegistry& registry) : registry_(registry) {}

  void count(const AccessRecord& record) {
    const std::lock_guard lock(mutex_);
    key_.assign(record.route);
    key_ += ' ';
    key_ += record.method;
    key_ += static_cast<char>(record.status / 100);
    auto found = series_.find(key_);
    if (found == series_.end()) found = series_.emplace(key_, make(record)).first;
    found->second.requests->add();
    found->second.seconds->observe(record.seconds);
  }

 private:
  struct Series {
    Counter* requests;
    Histogram* seconds;
  };
  Series make(const AccessRecord& record) {
    const MetricLabels labels{{"route", std::string(record.route)},
                              {"method", std::string(record.method)},
                              {"status", cat(record.status / 100, "xx")}};
    return {&registry_.counter("quintet_http_requests_total", "Requests answered", labels),
            &registry_.histogram("quintet_http_request_seconds", "From the request's head to the last byte",
                                 latency_buckets(), {{"route", std::string(record.route)}})};
  }

  MetricsRegistry& registry_;
  std::mutex mutex_;
  std::string key_;                                 // guarded by mutex_
  std::unordered_map<std::string, Series> series_;  // guarded by mutex_
};

/// Starts the desktop's opener and forgets it: a browser that will not start is no reason to stop.
void open_in_browser(const std::string& url) {
  if (std::getenv("DISPLAY") == nullptr && std::getenv("WAYLAND_DISPLAY") == nullptr) return;
  std::string program = "xdg-open";
  std::string argument = url;
  char* arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  posix_spawnp(&child, "xdg-open", nullptr, nullptr, arguments, environ);
}

std::string default_kb(const Application& app, const std::string& first_imported) {
  if (!first_imported.empty()) return first_imported;
  if (const auto configured = app.options.text_if_set("faq.default_kb")) return *configured;
  const auto kbs = app.knowledge.list();
  return kbs.empty() ? "" : kbs.front().name;
}

/// SIGINT and SIGTERM, which main() has blocked in every thread.
sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void wait_for_signal() {
  const sigset_t signals = stop_signals();
  int received = 0;
  sigwait(&signals, &received);
}

/// True when a signal to stop came within that time.
bool signal_comes_within(std::chrono::milliseconds time) {
  const sigset_t signals = stop_signals();
  const timespec pause{time.count() / 1000, time.count() % 1000 * 1'000'000};
  return sigtimedwait(&signals, nullptr, &pause) > 0;
}

const char* environment(const char* name) {
  return std::getenv(name);
}

/// Whether this start named a model of this machine, which then must work.
bool names_local_model(const Application& app) {
  return !app.options.text("model.file").empty() || !app.options.text("model.default").empty();
}

std::optional<LocalModel> default_local_model(const Application& app) {
  const ChatModelInfo info = app.models.find("")->info();
  if (info.provider != "engine") return std::nullopt;
  return app.local_models.get(info.id);
}

/// Loads the model that this start named, so that a file that does not work is an error at once. False when a
/// signal came first.
bool load_named_model(Application& app) {
  if (!names_local_model(app)) return true;
  const auto model = default_local_model(app);
  if (!model) return true;
  if (!model->stored.is_complete) throw CorruptData(cat(model->name, ": ", model->stored.problem));
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  app.local_models.begin_load(model->id);
  double said = 0;
  for (;;) {
    const EngineReport report = app.local_models.get(model->id).engine;
    if (report.state == EngineState::failed)
      throw Error(report.problem_code, cat("cannot run ", model->name, ": ", report.problem));
    if (report.state == EngineState::loaded) {
      std::cout << "Loaded " << model->name << " in "
                << fmt::format("{:.1f} s: {} of memory, context of {} tokens, {} threads, {}\n", seconds(),
                               readable_bytes(report.memory_bytes), report.max_seq_len, report.n_threads,
                               report.isa)
                << std::flush;
      return true;
    }
    if (seconds() >= said + (said == 0 ? 0.5 : 5.0)) {
      std::cout << (said == 0 ? cat("Loading ", model->name, " (", readable_bytes(model->stored.size), ")…\n")
                              : fmt::format("Still loading {}, {:.0f} s\n", model->name, seconds()))
                << std::flush;
      said = seconds();
    }
    if (signal_comes_within(std::chrono::milliseconds(20))) return false;
  }
}

/// A default that nobody named just now: loaded before the first question comes, but no reason not to start.
void begin_to_load_default(Application& app) {
  try {
    if (const auto model = default_local_model(app)) app.local_models.begin_load(model->id);
  } catch (const Error& error) {
    app.log.warning(cat("the default model cannot be loaded: ", error.what()));
  }
}

void observe_engines(MetricsRegistry& metrics, const LocalModels& models) {
  const auto gauge = [&](std::string_view name, std::string_view help, auto read, bool is_counter = false) {
    metrics.observe(
        name, help, [&models, read] { return static_cast<double>(read(models.totals())); }, {}, is_counter);
  };
  gauge("quintet_engine_models", "Models in memory", [](const EngineTotals& t) { return t.n_loaded; });
  gauge("quintet_engine_memory_bytes", "Memory of weights and caches",
        [](const EngineTotals& t) { return t.memory_bytes; });
  gauge("quintet_engine_sequences_running", "Answers that engines are writing",
        [](const EngineTotals& t) { return t.n_running; });
  gauge("quintet_engine_sequences_waiting", "Questions that wait for an engine",
        [](const EngineTotals& t) { return t.n_waiting; });
  gauge("quintet_engine_kv_tokens_used", "Positions in use in the caches of keys and values",
        [](const EngineTotals& t) { return t.kv_tokens_used; });
  gauge("quintet_engine_kv_tokens", "Positions in the caches of keys and values",
        [](const EngineTotals& t) { return t.kv_tokens_total; });
  gauge(
      "quintet_engine_tokens_generated_total", "Tokens that engines have written",
      [](const EngineTotals& t) { return t.n_generated; }, true);
}

}  // namespace

int serve(Application& app, const ServeArguments& arguments) {
  const Options& options = app.options;
  std::string first_imported;
  for (const auto& file : arguments.kb_files) {
    const std::string name = import_for_serving(app, file);
    if (first_imported.empty()) first_imported = name;
  }
  if (app.knowledge.list().empty()) import_sample(app);
  app.conversations.mark_abandoned();
  if (!load_named_model(app)) return kStoppedBySignal;

  ServerOptions server_settings = server_options(options);
  KeyStore keys(app.database, {}, app.log);
  check_bind_policy(server_settings.address, keys.has_active_keys());
  const AuthPolicy auth_policy{!is_loopback_address(server_settings.address),
                               options.boolean("serve.public_chat")};

  WorkerPool::Options pool_options;
  pool_options.max_threads =
      static_cast<std::size_t>(std::max<std::int64_t>(4, options.integer("serve.max_workers")));
  WorkerPool workers(pool_options, app.log);
  const auto find_model = [&app](std::string_view id) { return app.models.find(id); };
  const faq::ChatResponder faq_responder(app.cache, app.answerer, find_model);
  ChatService chat({}, app.database, app.conversations, {{"faq", &faq_responder}}, workers, app.log);

  MetricsRegistry metrics;
  RequestMetrics request_metrics(metrics);
  const std::size_t max_upload = options.bytes("serve.max_upload");
  FaqServices faq_services{app.knowledge, app.cache, app.questions, app.answerer, find_model, max_upload};
  ConversationServices conversation_services{
      app.conversations, chat, find_model,
      [&app](std::string_view message, const std::optional<std::string>& rating, const std::string& comment) {
        app.questions.rate(message, rating ? faq::parse_rating(*rating) : std::nullopt, comment);
      }};
  OperationsServices operations{
      .version = QN_VERSION,
      .keys_required = [&keys, auth_policy] { return are_keys_required(&keys, auth_policy); },
      .models = [&app] { return app.models.infos(); },
      .default_model_id = [&app] { return app.models.default_id(); },
      .default_kb = [&app, first_imported] { return default_kb(app, first_imported); },
      .allowed_origins = server_settings.allowed_origins,
      .max_upload_bytes = max_upload,
      .max_question_bytes = options.bytes("faq.max_question"),
      .readiness =
          [&app] {
            app.knowledge.list();
            return std::string();
          },
      .openapi = std::string(openapi_document()),
      .metrics = metrics,
      .prices = app.prices,
      .usage = app.usage,
      .spans = app.spans,
      .prompts = app.prompts,
      .keys = keys};
  ModelDownloads downloads(app.local_models.store(), app.http,
                           {.hub = [] { return HubSettings::from_environment(environment); },
                            .on_done = [&app] { app.local_models.refresh(); }});
  ModelServices model_services{app.local_models, app.models, app.model_settings, downloads};
  const auto embedded = embedded_web_assets();
  const AssetTable assets(std::vector<Asset>(embedded.begin(), embedded.end()));

  Router router;
  for (auto& route : faq_routes(faq_services)) router.add(std::move(route));
  for (auto& route : conversation_routes(conversation_services)) router.add(std::move(route));
  for (auto& route : operations_routes(operations)) router.add(std::move(route));
  for (auto& route : model_routes(model_services)) router.add(std::move(route));
  for (auto& route : widget_routes(assets, server_settings.allowed_origins)) router.add(std::move(route));

  RateLimiter limiter({options.number("serve.requests_per_second"), options.number("serve.burst")});
  ServerServices services{
      workers,  app.log, make_authenticator(&keys, auth_policy),
      &limiter, &assets, [&request_metrics](const AccessRecord& record) { request_metrics.count(record); }};
  HttpServer server(std::move(server_settings), std::move(router), std::move(services));
  metrics.observe("quintet_http_connections", "Open connections",
                  [&server] { return static_cast<double>(server.n_connections()); });
  metrics.observe("quintet_answers_running", "Answers being written",
                  [&chat] { return static_cast<double>(chat.n_active()); });
  metrics.observe("quintet_worker_threads", "Threads of the worker pool",
                  [&workers] { return static_cast<double>(workers.n_threads()); });
  observe_engines(metrics, app.local_models);
  server.start();

  const std::string kb = default_kb(app, first_imported);
  std::cout << "Quintet serves " << server.url() << "  (FAQ: " << (kb.empty() ? "none yet" : kb)
            << ", model: " << app.models.default_id() << ")\nPress Ctrl-C to stop." << std::endl;
  if (arguments.open_browser) open_in_browser(server.url());
  begin_to_load_default(app);
  if (!kb.empty()) app.cache.get(kb);  // train before the first question comes

  wait_for_signal();
  std::cout << "\nStopping: finishing what runs (press Ctrl-C again to cut it short)" << std::endl;
  std::jthread impatience([&server](std::stop_token stop) {
    while (!stop.stop_requested()) {
      if (signal_comes_within(std::chrono::milliseconds(100))) {
        server.stop(std::chrono::milliseconds(0));
        return;
      }
    }
  });
  server.stop(duration(options, "serve.drain_time"));
  return 0;
}

}  // namespace quintet::cli
