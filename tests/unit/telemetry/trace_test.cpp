#include "telemetry/trace.h"

#include <gtest/gtest.h>

namespace quintet {
namespace {

struct KeepingSink final : SpanSink {
  void record(SpanRecord span) noexcept override { spans.push_back(std::move(span)); }
  std::vector<SpanRecord> spans;
};

TEST(Traceparent, IsReadAndWrittenAsTheW3cDefinesIt) {
  const TraceContext context = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(context.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context.span_id, "00f067aa0ba902b7");
  EXPECT_EQ(to_traceparent(context), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(to_traceparent({}), "");
}

TEST(Traceparent, AMalformedOneIsNoContext) {
  for (const char* header : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",           // no flags
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",  // version 00 has four parts
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",        // forbidden version
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",        // no trace
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",        // no span
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",        // upper case
           "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",         // short
           "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
           "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
       })
    EXPECT_EQ(parse_traceparent(header).trace_id, "") << header;
}

TEST(Traceparent, ALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_EQ(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-new").span_id,
            "00f067aa0ba902b7");
}

TEST(Span, IsRecordedOnceWithItsParent) {
  KeepingSink sink;
  {
    Span root(&sink, "request", {}, SpanKind::server);
    Span child(&sink, "chat", root.context(), SpanKind::client);
    child.set("gen_ai.request.model", "gpt-4.1-mini");
    child.fail("timed out");
    child.end();
    child.end();
    Span moved = std::move(root);
  }
  ASSERT_EQ(sink.spans.size(), 2u);
  const SpanRecord& child = sink.spans[0];
  const SpanRecord& root = sink.spans[1];
  EXPECT_EQ(child.name, "chat");
  EXPECT_EQ(child.trace_id, root.trace_id);
  EXPECT_EQ(child.parent_span_id, root.span_id);
  EXPECT_EQ(root.parent_span_id, "");
  EXPECT_EQ(to_json(child.attributes), R"({"gen_ai.request.model":"gpt-4.1-mini"})");
  EXPECT_TRUE(child.failed);
  EXPECT_EQ(child.status_message, "timed out");
  EXPECT_EQ(child.kind, SpanKind::client);
  EXPECT_FALSE(root.failed);
  EXPECT_GE(child.end_ns, child.start_ns);
}

TEST(Span, ContinuesATraceFromOutside) {
  KeepingSink sink;
  Span(&sink, "request", {std::string(32, 'a'), std::string(16, 'b')});
  ASSERT_EQ(sink.spans.size(), 1u);
  EXPECT_EQ(sink.spans[0].trace_id, std::string(32, 'a'));
  EXPECT_EQ(sink.spans[0].parent_span_id, std::string(16, 'b'));
}

TEST(Span, WithoutASinkStillHasIds) {
  const Span span(nullptr, "request", {});
  EXPECT_EQ(span.context().trace_id.size(), 32u);
  EXPECT_EQ(span.context().span_id.size(), 16u);
  EXPECT_EQ(Span().context().trace_id, "");
}

TEST(Span, TheContextSurvivesTheEnd) {
  KeepingSink sink;
  Span span(&sink, "request", {});
  span.end();
  EXPECT_EQ(span.context().trace_id, sink.spans.at(0).trace_id);
}

TEST(FanOutSpanSink, GivesEverySinkTheWholeSpan) {
  KeepingSink a;
  KeepingSink b;
  FanOutSpanSink both({&a, &b});
  Span span(&both, "request", {});
  span.set("x", 1);
  span.end();
  ASSERT_EQ(a.spans.size(), 1u);
  ASSERT_EQ(b.spans.size(), 1u);
  EXPECT_EQ(a.spans[0].span_id, b.spans[0].span_id);
  EXPECT_EQ(to_json(a.spans[0].attributes), to_json(b.spans[0].attributes));
  FanOutSpanSink({}).record({});
}

}  // namespace
}  // namespace quintet
