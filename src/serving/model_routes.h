#pragma once

#include <functional>
#include <string>
#include <vector>

#include "inference/model_downloads.h"
#include "llm/local_models.h"
#include "llm/model_registry.h"
#include "llm/model_settings.h"
#include "serving/http.h"

namespace quintet {

/// What the routes of the models on this machine need; owned by the composition root, outlives the server.
struct ModelServices {
  LocalModels& local;
  ModelRegistry& registry;
  ModelSettings& settings;
  ModelDownloads& downloads;
};

/// /api/models, /api/model-downloads, /api/default-model.
std::vector<Route> model_routes(ModelServices& services);

}  // namespace quintet
