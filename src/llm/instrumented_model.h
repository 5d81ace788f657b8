#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llm/chat_model.h"
#include "telemetry/trace.h"
#include "telemetry/usage.h"

namespace quintet {

/// Called once per chat(), on its thread, also when it failed. Must not throw.
using UsageSink = std::function<void(UsageRecord)>;
/// USD for a call, or nothing when the model has no price.
using CostFunction = std::function<std::optional<double>(std::string_view model, const Usage& usage)>;

/// Where measurements go; every one may be left out. What they refer to must outlive the model.
struct ModelInstruments {
  SpanSink* spans = nullptr;
  UsageSink usage;
  CostFunction cost;
};

/// Measures another model: fills latency, time to the first token, cost and trace id of the response, records
/// a span with OpenTelemetry's GenAI attributes and a usage record. No text of a prompt or an answer is
/// recorded. chat() may run concurrently when the inner model's may.
class InstrumentedModel final : public ChatModel {
 public:
  /// `base_url`: of a remote provider, for server.address; empty when there is none.
  InstrumentedModel(std::unique_ptr<ChatModel> inner, ModelInstruments instruments,
                    std::string_view base_url = {});

  ChatModelInfo info() const override { return inner_->info(); }
  ChatResponse chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) override;

 private:
  const std::unique_ptr<ChatModel> inner_;
  const ModelInstruments instruments_;
  std::string server_address_;
  std::optional<int> server_port_;
};

}  // namespace quintet
