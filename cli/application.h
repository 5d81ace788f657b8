#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/chat/conversation_store.h"
#include "apps/faq/answerer.h"
#include "apps/faq/knowledge_cache.h"
#include "apps/faq/knowledge_store.h"
#include "apps/faq/question_log.h"
#include "core/log.h"
#include "core/options.h"
#include "llm/local_models.h"
#include "llm/model_registry.h"
#include "llm/model_settings.h"
#include "llm/prompts.h"
#include "net/http_client.h"
#include "storage/database.h"
#include "telemetry/otlp_exporter.h"
#include "telemetry/prices.h"
#include "telemetry/spans.h"
#include "telemetry/usage_ledger.h"

namespace quintet::cli {

/// Everything that commands and the server share, made in one place in the order of its needs and taken down
/// in reverse. The only owner of these objects.
class Application {
 public:
  /// Opens the database below the home directory, creating both when absent.
  Application(const Options& options, Log& log);
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  const Options& options;
  Log& log;
  Database database;
  PriceTable prices;
  UsageLedger usage;
  SpanStore spans;
  HttpClient http;
  std::unique_ptr<OtlpExporter> otlp;  // null when none is configured
  FanOutSpanSink span_sink;
  ModelInstruments instruments;
  ModelSettings model_settings;
  LocalModels local_models;
  ModelRegistry models;
  PromptLibrary prompts;
  faq::KnowledgeStore knowledge;
  faq::KnowledgeCache cache;
  faq::QuestionLog questions;
  ConversationStore conversations;
  faq::Answerer answerer;
};

}  // namespace quintet::cli
