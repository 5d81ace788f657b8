#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inference/engine.h"
#include "llm/chat_model.h"
#include "llm/instrumented_model.h"
#include "llm/provider_call.h"
#include "telemetry/prices.h"

namespace quintet {

enum class ProviderKind : std::uint8_t { engine, openai, anthropic, scripted };

/// One provider as the operator configured it.
struct ProviderConfig {
  ProviderKind kind = ProviderKind::openai;
  std::string name{};      // "ollama", for ids, ledger and traces; empty = the kind's name
  std::string base_url{};  // empty = the kind's own
  std::string api_key{};
  std::string model{};   // with engine: the model file
  std::string script{};  // with scripted: the JSON text of ScriptedModel::parse_script
  ModelTimeouts timeouts{};
  RetryPolicy retry{};
  std::int64_t context_tokens = 0;
  EngineOptions engine{};
  std::optional<PriceRow> price{};  // instead of the price table; its model pattern is not looked at
};

/// Whether there is anything to talk to: a key, a server other than the kind's own, or a script.
bool is_configured(const ProviderConfig& config);

/// The models of this process, by id: those of the configured providers, each measured, and last
/// "extractive", which is always there. Immutable; const methods may run concurrently.
class ModelRegistry {
 public:
  /// Providers that are not configured are left out. `default_id`: an id, or a provider's name; empty = the
  /// first configured provider, else extractive. `client` and what `instruments` refers to must outlive the
  /// registry. Throws NotFound for an unknown default, InvalidArgument for a script that cannot be read or an
  /// id used twice.
  ModelRegistry(const std::vector<ProviderConfig>& providers, HttpClient& client,
                const ModelInstruments& instruments, std::string_view default_id = {});

  /// By id ("openai:gpt-4.1-mini"), by the provider alone ("openai"), or the default for "". Throws NotFound
  /// naming the models there are.
  ChatModel& find(std::string_view id) const;
  std::vector<ChatModelInfo> infos() const;
  std::string default_id() const { return default_->info().id; }

 private:
  void add(std::unique_ptr<ChatModel> model, const ModelInstruments& instruments, std::string_view base_url);

  std::vector<std::unique_ptr<ChatModel>> models_;
  ChatModel* default_ = nullptr;
};

}  // namespace quintet
