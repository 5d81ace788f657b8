#include "serving/model_routes.h"

#include "core/error.h"
#include "core/text.h"
#include "inference/loaded_model.h"

namespace quintet {

namespace {

constexpr std::int64_t kMaxContext = 1 << 22;
constexpr std::int64_t kMaxThreads = 1024;
constexpr std::int64_t kMaxParallel = 256;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json engine_json(const EngineReport& report) {
  if (report.memory_bytes == 0) return nullptr;
  const EngineStatus& status = report.status;
  return JsonObject{{"memory_bytes", report.memory_bytes},
                    {"context", report.max_seq_len},
                    {"threads", report.n_threads},
                    {"parallel", report.options.max_sequences},
                    {"isa", report.isa},
                    {"n_running", status.n_running},
                    {"n_waiting", status.n_waiting},
                    {"tokens_per_s", status.recent_tokens_per_s},
                    {"kv_tokens_used", status.kv_tokens_used},
                    {"kv_tokens_total", status.kv_tokens_total}};
}

JsonObject model_json(const LocalModel& model, std::string_view default_id) {
  const StoredModel& stored = model.stored;
  const EngineOptions& options = model.engine.options;
  return JsonObject{{"id", model.id},
                    {"name", model.name},
                    {"path", stored.path.string()},
                    {"source", stored.origin ? Json(stored.origin->source) : Json(nullptr)},
                    {"format", model_format_name(stored.format)},
                    {"size_bytes", stored.size},
                    {"architecture", stored.details.architecture},
                    {"n_parameters", stored.details.n_parameters},
                    {"quantization", stored.details.quantization},
                    {"is_complete", stored.is_complete},
                    {"problem", text_or_null(stored.problem)},
                    {"can_chat", model.can_chat},
                    {"can_delete", model.is_in_store},
                    {"is_default", model.id == default_id},
                    {"state", engine_state_name(model.engine.state)},
                    {"error", text_or_null(model.engine.problem)},
                    {"options", JsonObject{{"context", options.max_seq_len},
                                           {"threads", options.n_threads},
                                           {"parallel", options.max_sequences}}},
                    {"n_answers", model.engine.n_answers},
                    {"n_generated", model.engine.n_generated},
                    {"engine", engine_json(model.engine)}};
}

JsonObject download_json(const ModelDownload& download) {
  const PullProgress& progress = download.progress;
  const DownloadProgress& now = progress.download;
  return JsonObject{{"id", download.id},
                    {"source", download.source},
                    {"state", model_download_state_name(download.state)},
                    {"error", text_or_null(download.problem)},
                    {"file", text_or_null(progress.file)},
                    {"i_file", progress.i_file},
                    {"n_files", progress.n_files},
                    {"is_checking", now.phase == DownloadPhase::checking},
                    {"note", now.phase == DownloadPhase::waiting ? Json("another process is downloading it")
                                                                 : text_or_null(now.reason)},
                    {"bytes", now.bytes},
                    {"total_bytes", now.total ? Json(*now.total) : Json(nullptr)},
                    {"bytes_per_s", now.bytes_per_second},
                    {"seconds_left", now.time_left ? Json(now.time_left->count()) : Json(nullptr)}};
}

HttpResponse list(const ModelServices& services) {
  const std::string default_id = services.registry.default_id();
  JsonArray models;
  for (const auto& model : services.local.list()) models.push_back(model_json(model, default_id));
  JsonArray choices;
  for (const auto& info : services.registry.infos())
    choices.push_back(JsonObject{{"id", info.id}, {"provider", info.provider}, {"model", info.model}});
  JsonArray downloads;
  for (const auto& download : services.downloads.list()) downloads.push_back(download_json(download));
  return HttpResponse::json(JsonObject{{"models", std::move(models)},
                                       {"default", default_id},
                                       {"choices", std::move(choices)},
                                       {"downloads", std::move(downloads)},
                                       {"folder", services.local.store().root().string()},
                                       {"free_memory_bytes", available_memory_bytes()}});
}

HttpResponse one(const ModelServices& services, std::string_view id, int status) {
  return HttpResponse::json(model_json(services.local.get(id), services.registry.default_id()), status);
}

std::size_t count_in(const JsonObject& body, std::string_view name, std::int64_t high) {
  const auto value = get_int(body, name).value_or(0);
  if (value < 0 || value > high)
    throw InvalidArgument(cat("\"", name, "\" must be 0 to ", high, ", not ", value));
  return static_cast<std::size_t>(value);
}

HttpResponse load(ModelServices& services, const HttpRequest& request) {
  const std::string& id = request.parameter("model");
  std::optional<EngineChoice> choice;
  if (!request.body.empty()) {
    const JsonObject body = request.json_object();
    choice = EngineChoice{count_in(body, "context", kMaxContext), count_in(body, "threads", kMaxThreads),
                          count_in(body, "parallel", kMaxParallel)};
  }
  services.local.begin_load(id, choice);
  return one(services, id, 202);
}

HttpResponse choose_default(ModelServices& services, const HttpRequest& request) {
  const std::string id = require_string(request.json_object(), "model");
  if (id.empty()) throw InvalidArgument("\"model\" is empty; name the model that shall answer");
  const ChatModelInfo info = services.registry.find(id)->info();
  if (info.provider == "engine" && !services.local.get(info.id).can_chat)
    throw InvalidArgument(cat(info.model, " does not write answers"));
  services.settings.set_default_model(info.id);
  services.registry.set_default(info.id);
  return HttpResponse::json(JsonObject{{"default", info.id}});
}

Route administrative(std::string method, std::string pattern, HttpHandler handler) {
  Route route{std::move(method), std::move(pattern), std::move(handler)};
  route.scope = "admin";
  return route;
}

}  // namespace

std::vector<Route> model_routes(ModelServices& services) {
  std::vector<Route> routes;
  routes.push_back(administrative(
      "GET", "/api/models", [&services](const HttpRequest&, std::stop_token) { return list(services); }));
  routes.push_back(administrative(
      "POST", "/api/models/{model}/load",
      [&services](const HttpRequest& request, std::stop_token) { return load(services, request); }));
  routes.push_back(administrative("POST", "/api/models/{model}/unload",
                                  [&services](const HttpRequest& request, std::stop_token) {
                                    services.local.unload(request.parameter("model"));
                                    return one(services, request.parameter("model"), 202);
                                  }));
  routes.push_back(administrative("DELETE", "/api/models/{model}",
                                  [&services](const HttpRequest& request, std::stop_token) {
                                    services.local.remove(request.parameter("model"));
                                    return HttpResponse::no_content();
                                  }));
  routes.push_back(
      administrative("PUT", "/api/default-model", [&services](const HttpRequest& request, std::stop_token) {
        return choose_default(services, request);
      }));
  routes.push_back(administrative(
      "POST", "/api/model-downloads", [&services](const HttpRequest& request, std::stop_token) {
        const std::string source = require_string(request.json_object(), "source");
        return HttpResponse::json(download_json(services.downloads.start(source)), 202);
      }));
  routes.push_back(administrative("DELETE", "/api/model-downloads/{download}",
                                  [&services](const HttpRequest& request, std::stop_token) {
                                    services.downloads.stop(request.parameter("download"));
                                    return HttpResponse::no_content();
                                  }));
  return routes;
}

}  // namespace quintet
