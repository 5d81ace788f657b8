#include "llm/model_registry.h"

#include "core/error.h"
#include "core/text.h"
#include "llm/anthropic_model.h"
#include "llm/extractive_model.h"
#include "llm/openai_model.h"
#include "llm/scripted_model.h"

namespace quintet {

namespace {

template <typename Model>
std::unique_ptr<ChatModel> make_remote(const ProviderConfig& config, HttpClient& client,
                                       std::string& base_url) {
  typename Model::Options options;
  if (!config.name.empty()) options.provider = config.name;
  if (!config.base_url.empty()) options.base_url = config.base_url;
  options.api_key = config.api_key;
  options.model = config.model;
  options.context_tokens = config.context_tokens;
  options.timeouts = config.timeouts;
  options.retry = config.retry;
  base_url = options.base_url;
  return std::make_unique<Model>(std::move(options), client);
}

std::unique_ptr<ChatModel> make_model(const ProviderConfig& config, HttpClient& client,
                                      std::string& base_url) {
  switch (config.kind) {
    case ProviderKind::openai: return make_remote<OpenAiModel>(config, client, base_url);
    case ProviderKind::anthropic: return make_remote<AnthropicModel>(config, client, base_url);
    case ProviderKind::scripted:
      return std::make_unique<ScriptedModel>(ScriptedModel::parse_script(config.script),
                                             config.name.empty() ? "scripted" : config.name);
  }
  throw InternalError("model registry: unknown provider kind");
}

bool is_own_url(std::string_view base_url, std::string_view own_origin) {
  return base_url.empty() || url_origin(base_url) == own_origin;
}

}  // namespace

bool is_configured(const ProviderConfig& config) {
  switch (config.kind) {
    case ProviderKind::openai:
      return !config.api_key.empty() || !is_own_url(config.base_url, "https://api.openai.com");
    case ProviderKind::anthropic:
      return !config.api_key.empty() || !is_own_url(config.base_url, "https://api.anthropic.com");
    case ProviderKind::scripted: return !config.script.empty();
  }
  return false;
}

ModelRegistry::ModelRegistry(const std::vector<ProviderConfig>& providers, HttpClient& client,
                             const ModelInstruments& instruments, std::string_view default_id,
                             const LocalModels* local)
    : local_(local) {
  for (const ProviderConfig& config : providers) {
    if (!is_configured(config)) continue;
    std::string base_url;
    auto model = make_model(config, client, base_url);
    ModelInstruments own = instruments;
    if (config.price) {
      own.cost = [price = *config.price](std::string_view, const Usage& usage) {
        return cost_usd(price, usage);
      };
    }
    add(std::move(model), own, base_url);
  }
  add(std::make_unique<ExtractiveModel>(), instruments, {});
  default_ = (default_id.empty() ? preferred() : find(default_id))->info().id;
}

void ModelRegistry::add(std::unique_ptr<ChatModel> model, const ModelInstruments& instruments,
                        std::string_view base_url) {
  const std::string id = model->info().id;
  for (const auto& known : models_) {
    if (known->info().id == id)
      throw InvalidArgument(cat("two models are called ", id, "; name their providers apart"));
  }
  models_.push_back(std::make_shared<InstrumentedModel>(std::move(model), instruments, base_url));
}

std::shared_ptr<ChatModel> ModelRegistry::find_or_null(std::string_view id) const {
  std::shared_ptr<ChatModel> of_provider;
  for (const auto& model : models_) {
    const ChatModelInfo info = model->info();
    if (info.id == id) return model;
    if (info.provider == id && of_provider == nullptr) of_provider = model;
  }
  if (of_provider != nullptr || local_ == nullptr) return of_provider;
  return local_->find(id);
}

std::shared_ptr<ChatModel> ModelRegistry::preferred() const {
  auto local = local_ == nullptr ? nullptr : local_->preferred();
  return local != nullptr ? std::move(local) : models_.front();
}

std::shared_ptr<ChatModel> ModelRegistry::find(std::string_view id) const {
  if (id.empty()) {
    std::string chosen;
    {
      const std::lock_guard lock(mutex_);
      chosen = default_;
    }
    auto model = find_or_null(chosen);
    return model != nullptr ? model : preferred();
  }
  if (auto model = find_or_null(id)) return model;
  std::vector<std::string> known;
  for (const auto& info : infos()) known.push_back(info.id);
  throw NotFound(cat("there is no model called \"", id, "\"; there are: ", join(known, ", ")));
}

void ModelRegistry::set_default(std::string_view id) {
  std::string found = find(id)->info().id;
  const std::lock_guard lock(mutex_);
  default_ = std::move(found);
}

std::vector<ChatModelInfo> ModelRegistry::infos() const {
  std::vector<ChatModelInfo> infos;
  if (local_ != nullptr) infos = local_->infos();
  for (const auto& model : models_) infos.push_back(model->info());
  return infos;
}

}  // namespace quintet
