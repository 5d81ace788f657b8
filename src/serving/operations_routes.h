#pragma once

#include <functional>
#include <string>
#include <vector>

#include "llm/chat_model.h"
#include "llm/prompts.h"
#include "serving/auth.h"
#include "serving/http.h"
#include "telemetry/metrics.h"
#include "telemetry/prices.h"
#include "telemetry/spans.h"
#include "telemetry/usage_ledger.h"

namespace quintet {

/// What the routes of no single application need; owned by the composition root, outlives the server.
struct OperationsServices {
  std::string version;
  std::function<bool()> keys_required;
  std::function<std::vector<ChatModelInfo>()> models;
  std::function<std::string()> default_model_id;
  std::function<std::string()> default_kb;  // "" = none
  std::vector<std::string> allowed_origins;
  std::size_t max_upload_bytes = 0;
  std::size_t max_question_bytes = 0;
  std::function<std::string()> readiness;  // "" = ready, else what is missing
  std::string openapi;                     // the document, JSON
  const MetricsRegistry& metrics;
  PriceTable& prices;
  UsageLedger& usage;
  SpanStore& spans;
  const PromptLibrary& prompts;
  const KeyStore& keys;
};

/// /healthz, /readyz, /metrics, /openapi.json, /api/info, /api/usage, /api/prices, /api/traces, /api/prompts,
/// /api/keys.
std::vector<Route> operations_routes(OperationsServices& services);

}  // namespace quintet
