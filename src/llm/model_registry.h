#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/chat_model.h"
#include "llm/instrumented_model.h"
#include "llm/local_models.h"
#include "llm/provider_call.h"
#include "telemetry/prices.h"

namespace quintet {

enum class ProviderKind : std::uint8_t { openai, anthropic, scripted };

/// One provider as the operator configured it.
struct ProviderConfig {
  ProviderKind kind = ProviderKind::openai;
  std::string name{};      // "ollama", for ids, ledger and traces; empty = the kind's name
  std::string base_url{};  // empty = the kind's own
  std::string api_key{};
  std::string model{};
  std::string script{};  // with scripted: the JSON text of ScriptedModel::parse_script
  ModelTimeouts timeouts{};
  RetryPolicy retry{};
  std::int64_t context_tokens = 0;
  std::optional<PriceRow> price{};  // instead of the price table; its model pattern is not looked at
};

/// Whether there is anything to talk to: a key, a server other than the kind's own, or a script.
bool is_configured(const ProviderConfig& config);

/// The models of this process, by id: those of the configured providers, each measured, those on this
/// machine, and last "extractive", which is always there. Any thread.
class ModelRegistry {
 public:
  /// Providers that are not configured are left out. `default_id`: an id, or a provider's name; empty = the
  /// preferred one on this machine, else the first configured provider, else extractive. `client`, `local`
  /// and what `instruments` refers to must outlive the registry; `local` may be null. Throws NotFound for an
  /// unknown default, InvalidArgument for a script that cannot be read or an id used twice.
  ModelRegistry(const std::vector<ProviderConfig>& providers, HttpClient& client,
                const ModelInstruments& instruments, std::string_view default_id = {},
                const LocalModels* local = nullptr);

  /// By id ("openai:gpt-4.1-mini"), by the provider alone ("openai"), by a local model's name, or the default
  /// for "". Throws NotFound naming the models there are.
  std::shared_ptr<ChatModel> find(std::string_view id) const;
  /// All that can chat.
  std::vector<ChatModelInfo> infos() const;
  /// One that is gone is replaced as if none had been named.
  std::string default_id() const { return find("")->info().id; }
  /// Throws NotFound.
  void set_default(std::string_view id);

 private:
  void add(std::unique_ptr<ChatModel> model, const ModelInstruments& instruments, std::string_view base_url);
  std::shared_ptr<ChatModel> find_or_null(std::string_view id) const;
  std::shared_ptr<ChatModel> preferred() const;

  std::vector<std::shared_ptr<ChatModel>> models_;  // extractive is the last
  const LocalModels* const local_;
  mutable std::mutex mutex_;
  std::string default_;  // id; guarded by mutex_
};

}  // namespace quintet
