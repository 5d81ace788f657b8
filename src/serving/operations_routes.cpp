#include "serving/operations_routes.h"

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json time_or_null(const std::optional<TimestampMs>& time) {
  return time ? Json(to_iso8601(*time)) : Json(nullptr);
}

HttpResponse info(const OperationsServices& services) {
  const std::string default_model = services.default_model_id();
  JsonArray models;
  for (const auto& model : services.models()) {
    models.push_back(JsonObject{{"id", model.id},
                                {"provider", model.provider},
                                {"model", model.model},
                                {"is_generative", model.is_generative},
                                {"is_default", model.id == default_model}});
  }
  const std::string kb = services.default_kb();
  return HttpResponse::json(
      JsonObject{{"version", services.version},
                 {"auth_required", services.keys_required()},
                 {"apps", JsonArray{JsonObject{{"id", "faq"}, {"title", "FAQ chatbot"}}}},
                 {"models", std::move(models)},
                 {"default_kb", kb.empty() ? Json(nullptr) : Json(kb)},
                 {"widget", JsonObject{{"allowed_origins", to_json_array(services.allowed_origins)}}},
                 {"limits", JsonObject{{"max_upload_bytes", services.max_upload_bytes},
                                       {"max_question_bytes", services.max_question_bytes}}}});
}

HttpResponse usage(const OperationsServices& services, const HttpRequest& request) {
  const UsageReport report = services.usage.report(static_cast<int>(request.query_int("days", 30, 1, 3650)));
  JsonArray days;
  for (const auto& day : report.days) {
    days.push_back(JsonObject{{"date", day.date},
                              {"model", day.model},
                              {"provider", day.provider},
                              {"n_calls", day.n_calls},
                              {"input_tokens", day.input_tokens},
                              {"cached_tokens", day.cached_tokens},
                              {"output_tokens", day.output_tokens},
                              {"cost_usd", or_null(day.cost_usd)},
                              {"mean_latency_ms", day.mean_latency_ms},
                              {"mean_first_token_ms", or_null(day.mean_first_token_ms)}});
  }
  return HttpResponse::json(JsonObject{{"days", std::move(days)},
                                       {"totals", JsonObject{{"n_calls", report.totals.n_calls},
                                                             {"input_tokens", report.totals.input_tokens},
                                                             {"cached_tokens", report.totals.cached_tokens},
                                                             {"output_tokens", report.totals.output_tokens},
                                                             {"cost_usd", report.totals.cost_usd}}}});
}

HttpResponse prices(const OperationsServices& services) {
  JsonArray rows;
  for (const auto& row : services.prices.rows()) {
    rows.push_back(JsonObject{{"model", row.model},
                              {"input_per_mtok", row.input_per_mtok},
                              {"cached_per_mtok", row.cached_per_mtok},
                              {"output_per_mtok", row.output_per_mtok}});
  }
  return HttpResponse::json(JsonObject{{"prices", std::move(rows)}});
}

HttpResponse replace_prices(OperationsServices& services, const HttpRequest& request) {
  const JsonObject body = request.json_object();
  const JsonArray* array = get_array(body, "prices");
  if (array == nullptr) throw InvalidArgument("\"prices\" is missing");
  std::vector<PriceRow> rows;
  for (const auto& element : *array) {
    const JsonObject& row = require_object(element, "a price");
    const double input = get_double(row, "input_per_mtok").value_or(0);
    rows.push_back({require_string(row, "model"), input, get_double(row, "cached_per_mtok").value_or(input),
                    get_double(row, "output_per_mtok").value_or(0)});
  }
  services.prices.replace(std::move(rows));
  return prices(services);
}

HttpResponse trace(const OperationsServices& services, const HttpRequest& request) {
  const std::string& id = request.parameter("trace");
  const auto spans = services.spans.read_trace(id);
  if (spans.empty()) throw NotFound("there is no such trace; it may have passed the retention time");
  JsonArray rows;
  for (const auto& span : spans) {
    rows.push_back(JsonObject{{"span_id", span.span_id},
                              {"parent_span_id", span.parent_span_id},
                              {"name", span.name},
                              {"start", to_iso8601(span.start_ns / 1'000'000)},
                              {"duration_ms", static_cast<double>(span.end_ns - span.start_ns) / 1e6},
                              {"attributes", span.attributes},
                              {"failed", span.failed},
                              {"status_message", span.status_message}});
  }
  return HttpResponse::json(JsonObject{{"spans", std::move(rows)}});
}

HttpResponse prompts(const OperationsServices& services) {
  JsonArray rows;
  for (const auto& prompt : services.prompts.list()) {
    JsonArray variables;
    for (const auto& variable : prompt.variables) variables.emplace_back(variable.name);
    rows.push_back(JsonObject{{"name", prompt.name},
                              {"version", prompt.version},
                              {"variables", std::move(variables)},
                              {"text", prompt.text},
                              {"origin", prompt.origin}});
  }
  return HttpResponse::json(JsonObject{{"prompts", std::move(rows)}});
}

HttpResponse keys(const OperationsServices& services) {
  JsonArray rows;
  for (const auto& key : services.keys.list()) {
    rows.push_back(JsonObject{{"id", key.id},
                              {"name", key.name},
                              {"scopes", to_json_array(key.scopes)},
                              {"created_at", to_iso8601(key.created_at)},
                              {"last_used_at", time_or_null(key.last_used_at)},
                              {"expires_at", time_or_null(key.expires_at)},
                              {"revoked_at", time_or_null(key.revoked_at)}});
  }
  return HttpResponse::json(JsonObject{{"keys", std::move(rows)}});
}

/// A route that answers at once on the I/O thread and needs no key.
Route instant(std::string pattern, HttpHandler handler) {
  Route route{"GET", std::move(pattern), std::move(handler)};
  route.is_instant = true;
  route.is_public = true;
  return route;
}

Route administrative(std::string method, std::string pattern, HttpHandler handler) {
  Route route{std::move(method), std::move(pattern), std::move(handler)};
  route.scope = "admin";
  return route;
}

}  // namespace

std::vector<Route> operations_routes(OperationsServices& services) {
  std::vector<Route> routes;
  routes.push_back(instant("/healthz", [](const HttpRequest&, std::stop_token) {
    return HttpResponse::text("{\"status\":\"ok\"}", "application/json");
  }));
  Route ready = instant("/readyz", [&services](const HttpRequest&, std::stop_token) {
    const std::string missing = services.readiness();
    if (!missing.empty()) throw Unavailable(missing);
    return HttpResponse::json(JsonObject{{"status", "ready"}});
  });
  ready.is_instant = false;  // asks the database
  routes.push_back(std::move(ready));
  routes.push_back(instant("/openapi.json", [&services](const HttpRequest&, std::stop_token) {
    return HttpResponse::text(services.openapi, "application/json");
  }));
  routes.push_back(
      instant("/api/info", [&services](const HttpRequest&, std::stop_token) { return info(services); }));
  routes.back().is_instant = false;
  routes.push_back(administrative("GET", "/metrics", [&services](const HttpRequest&, std::stop_token) {
    return HttpResponse::text(services.metrics.prometheus_text(), std::string(MetricsRegistry::kContentType));
  }));
  routes.push_back(administrative(
      "GET", "/api/usage",
      [&services](const HttpRequest& request, std::stop_token) { return usage(services, request); }));
  routes.push_back(administrative(
      "GET", "/api/prices", [&services](const HttpRequest&, std::stop_token) { return prices(services); }));
  routes.push_back(
      administrative("PUT", "/api/prices", [&services](const HttpRequest& request, std::stop_token) {
        return replace_prices(services, request);
      }));
  routes.push_back(administrative(
      "GET", "/api/traces/{trace}",
      [&services](const HttpRequest& request, std::stop_token) { return trace(services, request); }));
  routes.push_back(administrative(
      "GET", "/api/prompts", [&services](const HttpRequest&, std::stop_token) { return prompts(services); }));
  routes.push_back(administrative(
      "GET", "/api/keys", [&services](const HttpRequest&, std::stop_token) { return keys(services); }));
  return routes;
}

}  // namespace quintet
