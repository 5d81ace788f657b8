#include "telemetry/otlp_exporter.h"

#include <future>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../storage/scratch.h"

namespace quintet {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(OtlpJson, HasTheShapeOfAnExportTraceServiceRequest) {
  SpanRecord span;
  span.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  span.span_id = "00f067aa0ba902b7";
  span.parent_span_id = "b7ad6b7169203331";
  span.name = "chat gpt-4.1-mini";
  span.start_ns = 1'795'392'000'000'000'000;
  span.end_ns = 1'795'392'000'000'000'500;
  span.kind = SpanKind::client;
  span.attributes = {{"gen_ai.request.model", "gpt-4.1-mini"},
                     {"gen_ai.usage.input_tokens", 12},
                     {"gen_ai.request.temperature", 0.5},
                     {"cached", true},
                     {"tags", JsonArray{"a", 1}},
                     {"nested", JsonObject{{"k", "v"}}},
                     {"absent", nullptr}};
  span.failed = true;
  span.status_message = "timed out";
  SpanRecord root;
  root.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  root.span_id = "b7ad6b7169203331";
  root.name = "request";

  EXPECT_EQ(
      to_otlp_json(std::vector{span, root}, {.service_name = "quintet", .service_version = "0.1.0"}),
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"quintet"}},)"
      R"({"key":"service.version","value":{"stringValue":"0.1.0"}}]},)"
      R"("scopeSpans":[{"scope":{"name":"quintet","version":"0.1.0"},"spans":[)"
      R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","parentSpanId":"b7ad6b7169203331",)"
      R"("name":"chat gpt-4.1-mini","kind":3,"startTimeUnixNano":"1795392000000000000",)"
      R"("endTimeUnixNano":"1795392000000000500","attributes":[)"
      R"({"key":"gen_ai.request.model","value":{"stringValue":"gpt-4.1-mini"}},)"
      R"({"key":"gen_ai.usage.input_tokens","value":{"intValue":"12"}},)"
      R"({"key":"gen_ai.request.temperature","value":{"doubleValue":0.5}},)"
      R"({"key":"cached","value":{"boolValue":true}},)"
      R"({"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"1"}]}}},)"
      R"({"key":"nested","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}}],)"
      R"("status":{"code":2,"message":"timed out"}},)"
      R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"b7ad6b7169203331","name":"request","kind":1,)"
      R"("startTimeUnixNano":"0","endTimeUnixNano":"0","attributes":[],"status":{}}]}]}]})");
}

/// Answers with one status after another; the last one stays.
struct Collector {
  explicit Collector(std::vector<int> statuses_in) : statuses(std::move(statuses_in)) {}
  OtlpExporter::Post post() {
    return [this](const std::string& body) {
      const int status = statuses.at(std::min(bodies.size(), statuses.size() - 1));
      bodies.push_back(body);
      if (status == 0) throw std::runtime_error("connection refused");
      return status;
    };
  }
  std::vector<int> statuses;
  std::vector<std::string> bodies;  // used by the exporter's thread, read after flush()
};

SpanRecord named(std::string name) {
  SpanRecord span;
  span.name = std::move(name);
  return span;
}

OtlpExporter::Options quick() {
  OtlpExporter::Options options;
  options.first_backoff = std::chrono::milliseconds(1);
  options.max_attempts = 3;
  return options;
}

TEST(OtlpExporter, SendsInBatches) {
  Collector collector({200});
  auto options = quick();
  options.batching.batch_size = 2;
  OtlpExporter exporter(options, collector.post(), null_log());
  for (int i = 0; i < 4; ++i) exporter.record(named("span" + std::to_string(i)));
  exporter.flush();
  EXPECT_EQ(exporter.n_sent(), 4u);
  EXPECT_EQ(exporter.n_dropped(), 0u);
  EXPECT_THAT(collector.bodies.front(), HasSubstr("span0"));
  EXPECT_THAT(collector.bodies.back(), HasSubstr("span3"));
}

TEST(OtlpExporter, TriesAgainWhenTheCollectorIsBusyOrAway) {
  Collector collector({429, 0, 200});
  OtlpExporter exporter(quick(), collector.post(), null_log());
  exporter.record(named("span"));
  exporter.flush();
  EXPECT_THAT(collector.bodies, SizeIs(3));
  EXPECT_EQ(collector.bodies[0], collector.bodies[2]);
  EXPECT_EQ(exporter.n_sent(), 1u);
  EXPECT_EQ(exporter.n_dropped(), 0u);
}

TEST(OtlpExporter, GivesUpAfterTheLastAttempt) {
  RecordingLog log;
  Collector collector({503});
  OtlpExporter exporter(quick(), collector.post(), log);
  exporter.record(named("span"));
  exporter.flush();
  EXPECT_THAT(collector.bodies, SizeIs(3));
  EXPECT_EQ(exporter.n_dropped(), 1u);
  ASSERT_THAT(log.lines(), SizeIs(1));
  EXPECT_THAT(log.lines()[0], HasSubstr("HTTP status 503"));
}

TEST(OtlpExporter, DoesNotRepeatWhatTheCollectorRefuses) {
  Collector collector({400});
  OtlpExporter exporter(quick(), collector.post(), null_log());
  exporter.record(named("span"));
  exporter.flush();
  EXPECT_THAT(collector.bodies, SizeIs(1));
  EXPECT_EQ(exporter.n_dropped(), 1u);
}

TEST(OtlpExporter, LeavesQuicklyWhenTheCollectorIsAway) {
  Collector collector({0});
  auto options = quick();
  options.batching.batch_size = 1;
  options.batching.interval = std::chrono::hours(1);
  options.first_backoff = std::chrono::hours(1);
  {
    OtlpExporter exporter(options, collector.post(), null_log());
    for (int i = 0; i < 50; ++i) exporter.record({});
  }
  EXPECT_LE(collector.bodies.size(), 2u);  // not 50 attempts, and no hour of waiting
}

TEST(OtlpExporter, WhatDoesNotFitIsDroppedAndCounted) {
  std::promise<void> posting;
  std::promise<void> go_on;
  bool first = true;
  auto options = quick();
  options.batching.batch_size = 1;
  options.batching.max_buffered = 2;
  OtlpExporter exporter(
      options,
      [&](const std::string&) {
        if (std::exchange(first, false)) {
          posting.set_value();
          go_on.get_future().wait();
        }
        return 200;
      },
      null_log());
  exporter.record({});
  posting.get_future().wait();
  for (int i = 0; i < 5; ++i) exporter.record({});
  EXPECT_EQ(exporter.n_dropped(), 3u);
  go_on.set_value();
  exporter.flush();
  EXPECT_EQ(exporter.n_sent(), 3u);
}

}  // namespace
}  // namespace quintet
