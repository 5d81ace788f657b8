#include "llm/model_registry.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"
#include "llm/scripted_model.h"
#include "provider_fixture.h"

namespace quintet {
namespace {

struct SpanRecorder final : SpanSink {
  void record(SpanRecord span) noexcept override { spans.push_back(std::move(span)); }
  std::vector<SpanRecord> spans;
};

/// A measured scripted model with everything it reports.
struct Measured {
  explicit Measured(std::vector<ScriptedTurn> turns, std::string_view base_url = {})
      : model(std::make_unique<ScriptedModel>(std::move(turns), "tiny"),
              {.spans = &spans,
               .usage = [this](UsageRecord record) { records.push_back(std::move(record)); },
               .cost = [](std::string_view name, const Usage& usage) -> std::optional<double> {
                 if (name != "tiny") return std::nullopt;
                 return static_cast<double>(usage.output_tokens) * 0.5;
               }},
              base_url) {}
  SpanRecorder spans;
  std::vector<UsageRecord> records;
  InstrumentedModel model;
};

TEST(InstrumentedModel, FillsInWhatItMeasuredAndRecordsASpanWithoutAnyText) {
  Measured measured({ScriptedTurn().say("secret answer").use({10, 4, 6}).stop_with(StopReason::max_tokens)},
                    "https://api.example.com:8443/v1");
  ChatRequest request = simple_request();
  request.app = "faq";
  request.key_id = "key_1";
  request.prompt_version = "faq_answer@1";
  request.max_output_tokens = 6;
  request.trace = {"0123456789abcdef0123456789abcdef", "0123456789abcdef"};
  const auto response = measured.model.chat(request, {}, {});
  EXPECT_EQ(response.cost_usd, 3.0);
  EXPECT_EQ(response.trace_id, request.trace.trace_id);
  EXPECT_TRUE(response.first_token_ms);
  EXPECT_GE(response.latency_ms, *response.first_token_ms);

  ASSERT_EQ(measured.spans.spans.size(), 1u);
  const SpanRecord& span = measured.spans.spans[0];
  EXPECT_EQ(span.name, "chat tiny");
  EXPECT_EQ(span.trace_id, request.trace.trace_id);
  EXPECT_EQ(span.parent_span_id, request.trace.span_id);
  EXPECT_FALSE(span.failed);
  EXPECT_EQ(span.attributes.at("gen_ai.operation.name"), "chat");
  EXPECT_EQ(span.attributes.at("gen_ai.provider.name"), "scripted");
  EXPECT_EQ(span.attributes.at("gen_ai.request.model"), "tiny");
  EXPECT_EQ(span.attributes.at("gen_ai.response.model"), "tiny");
  EXPECT_EQ(span.attributes.at("gen_ai.usage.input_tokens"), 10);
  EXPECT_EQ(span.attributes.at("gen_ai.usage.output_tokens"), 6);
  EXPECT_EQ(to_json(span.attributes.at("gen_ai.response.finish_reasons")), R"(["length"])");
  EXPECT_EQ(span.attributes.at("server.address"), "api.example.com");
  EXPECT_EQ(span.attributes.at("server.port"), 8443);
  const std::string all = to_json(span.attributes);
  EXPECT_EQ(all.find("secret"), std::string::npos) << all;
  EXPECT_EQ(all.find("Hello"), std::string::npos) << all;

  ASSERT_EQ(measured.records.size(), 1u);
  const UsageRecord& record = measured.records[0];
  EXPECT_EQ(record.app, "faq");
  EXPECT_EQ(record.key_id, "key_1");
  EXPECT_EQ(record.model, "tiny");
  EXPECT_EQ(record.usage.cached_tokens, 4);
  EXPECT_EQ(record.cost_usd, 3.0);
  EXPECT_EQ(record.outcome, "ok");
}

TEST(InstrumentedModel, RecordsFailuresAndPassesThemOn) {
  Measured measured({ScriptedTurn().fail(ErrorCode::exhausted, "slow down"), ScriptedTurn().say("x"),
                     ScriptedTurn().say("half").fail(ErrorCode::unavailable, "gone")});
  EXPECT_THROW(measured.model.chat(simple_request(), {}, {}), Error);
  EXPECT_THROW(measured.model.chat(simple_request(), [](const ChatEvent&) { throw 1; }, {}), int);
  EXPECT_EQ(measured.model.chat(simple_request(), {}, {}).stop_reason, StopReason::interrupted);
  ASSERT_EQ(measured.records.size(), 3u);
  EXPECT_EQ(measured.records[0].outcome, "exhausted");
  EXPECT_EQ(measured.records[1].outcome, "internal");
  EXPECT_EQ(measured.records[2].outcome, "interrupted");
  EXPECT_EQ(measured.spans.spans[0].attributes.at("error.type"), "exhausted");
  EXPECT_TRUE(measured.spans.spans[0].failed);
  EXPECT_TRUE(measured.spans.spans[2].failed);
}

TEST(ModelRegistry, WithoutAConfiguredProviderExtractiveAnswers) {
  HttpClient client;
  const ModelRegistry registry(
      {{.kind = ProviderKind::openai, .model = "gpt"}, {.kind = ProviderKind::anthropic}}, client, {});
  EXPECT_EQ(registry.default_id(), "extractive");
  EXPECT_EQ(registry.infos().size(), 1u);
}

TEST(ModelRegistry, TheFirstConfiguredProviderIsTheDefaultUnlessOneIsNamed) {
  HttpClient client;
  const std::vector<ProviderConfig> providers{
      {.kind = ProviderKind::openai,
       .name = "ollama",
       .base_url = "http://127.0.0.1:11434/v1",
       .model = "qwen3"},
      {.kind = ProviderKind::anthropic, .api_key = "k", .model = "claude"},
      {.kind = ProviderKind::scripted, .script = R"({"turns":["hi"]})"}};
  const ModelRegistry registry(providers, client, {});
  EXPECT_EQ(registry.default_id(), "ollama:qwen3");
  EXPECT_EQ(registry.find("anthropic")->info().id, "anthropic:claude");
  EXPECT_EQ(registry.find("anthropic:claude")->info().model, "claude");
  EXPECT_EQ(registry.find("scripted")->chat(simple_request(), {}, {}).message.text(), "hi");
  EXPECT_EQ(registry.find("")->info().id, "ollama:qwen3");
  EXPECT_EQ(ModelRegistry(providers, client, {}, "extractive").default_id(), "extractive");
  try {
    registry.find("gpt-9");
    FAIL();
  } catch (const NotFound& error) {
    EXPECT_EQ(std::string_view(error.what()),
              "there is no model called \"gpt-9\"; there are: ollama:qwen3, anthropic:claude, scripted, "
              "extractive");
  }
  EXPECT_THROW(ModelRegistry(providers, client, {}, "gpt-9"), NotFound);
}

TEST(ModelRegistry, AProvidersOwnPriceGoesBeforeTheTable) {
  HttpClient client;
  const ModelInstruments instruments{
      .spans = nullptr, .usage = {}, .cost = [](std::string_view, const Usage&) -> std::optional<double> {
        return 99.0;
      }};
  const std::vector<ProviderConfig> providers{
      {.kind = ProviderKind::scripted,
       .script = R"({"turns":[{"say":"x","usage":{"input_tokens":1000000,"output_tokens":1000000}}]})",
       .price = PriceRow{"", 2, 1, 3}}};
  const ModelRegistry registry(providers, client, instruments);
  EXPECT_EQ(registry.find("scripted")->chat(simple_request(), {}, {}).cost_usd, 5.0);
  EXPECT_EQ(registry.find("extractive")->chat(simple_request(), {}, {}).cost_usd, 0.0);
}

}  // namespace
}  // namespace quintet
