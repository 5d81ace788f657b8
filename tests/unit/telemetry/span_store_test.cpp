#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../storage/scratch.h"
#include "storage/database.h"
#include "telemetry/schema.h"
#include "telemetry/spans.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr TimestampMs kDayMs = 86'400'000;

SpanRecord span(std::string trace_id, std::string span_id, std::int64_t start_ns) {
  SpanRecord record;
  record.trace_id = std::move(trace_id);
  record.span_id = std::move(span_id);
  record.name = "work";
  record.start_ns = start_ns;
  record.end_ns = start_ns + 5;
  return record;
}

class SpanStoreTest : public testing::Test {
 protected:
  ScratchFolder folder_;
  RecordingLog log_;
  Database database_{{.path = folder_ / "test.db"}, telemetry_migrations(), log_};
};

TEST_F(SpanStoreTest, ATraceComesBackWhole) {
  SpanStore store(database_, log_);
  const std::int64_t start = now_ns();
  SpanRecord child = span("t1", "s2", start + 1);
  child.parent_span_id = "s1";
  child.attributes = {{"gen_ai.usage.input_tokens", 12}, {"note", "a\"b"}};
  child.failed = true;
  child.status_message = "timed out";
  child.kind = SpanKind::client;
  store.record(child);
  store.record(span("t1", "s1", start));
  store.record(span("t2", "s3", start));

  const auto spans = store.read_trace("t1");
  ASSERT_THAT(spans, SizeIs(2));
  EXPECT_EQ(spans[0].span_id, "s1");
  EXPECT_EQ(spans[1].parent_span_id, "s1");
  EXPECT_EQ(spans[1].attributes, child.attributes);
  EXPECT_TRUE(spans[1].failed);
  EXPECT_EQ(spans[1].status_message, "timed out");
  EXPECT_EQ(spans[1].kind, SpanKind::client);
  EXPECT_EQ(spans[1].end_ns - spans[1].start_ns, 5);
  EXPECT_THAT(store.read_trace("unknown"), SizeIs(0));
}

TEST_F(SpanStoreTest, TheDestructorKeepsWhatWasRecorded) {
  {
    SpanStore store(database_, log_);
    for (int i = 0; i < 1000; ++i) store.record(span("t", std::to_string(i), now_ns()));
  }
  SpanStore store(database_, log_);
  EXPECT_THAT(store.read_trace("t"), SizeIs(1000));
}

TEST_F(SpanStoreTest, OldSpansAreDeleted) {
  SpanStore store(database_, log_, {.retention_days = 0});
  const TimestampMs now = now_ms();
  for (int days : {0, 1, 2, 3})
    store.record(span("t", std::to_string(days), (now - days * kDayMs) * 1'000'000));
  store.flush();
  EXPECT_EQ(store.delete_before(now - 2 * kDayMs + 1), 2);
  std::vector<std::string> left;
  for (const auto& record : store.read_trace("t")) left.push_back(record.span_id);
  EXPECT_THAT(left, ElementsAre("1", "0"));
}

TEST_F(SpanStoreTest, TheRetentionIsAppliedWhileRunning) {
  SpanStore store(database_, log_, {.retention_days = 7});
  store.record(span("old", "1", (now_ms() - 8 * kDayMs) * 1'000'000));
  store.record(span("new", "2", now_ns()));
  store.flush();
  EXPECT_THAT(store.read_trace("old"), SizeIs(0));
  EXPECT_THAT(store.read_trace("new"), SizeIs(1));
}

TEST(SpanBatcher, DropsAndCountsWhatDoesNotFit) {
  std::promise<void> delivering;
  std::promise<void> go_on;
  bool first = true;
  std::size_t n_delivered = 0;
  SpanBatcher batcher({.batch_size = 1, .max_buffered = 3},
                      [&](const std::vector<SpanRecord>& batch, std::stop_token) {
                        n_delivered += batch.size();
                        if (!std::exchange(first, false)) return;
                        delivering.set_value();
                        go_on.get_future().wait();
                      });
  batcher.add({});
  delivering.get_future().wait();  // the first is out of the buffer now
  for (int i = 0; i < 5; ++i) batcher.add({});
  EXPECT_EQ(batcher.n_dropped(), 2u);
  go_on.set_value();
  batcher.flush();
  EXPECT_EQ(n_delivered, 4u);
}

TEST(SpanBatcher, DeliversAFullBatchWithoutBeingAsked) {
  std::promise<std::size_t> delivered;
  SpanBatcher batcher(
      {.batch_size = 3, .interval = std::chrono::hours(1)},
      [&](const std::vector<SpanRecord>& batch, std::stop_token) { delivered.set_value(batch.size()); });
  for (int i = 0; i < 3; ++i) batcher.add({});
  EXPECT_EQ(delivered.get_future().get(), 3u);
}

TEST(SpanBatcher, DeliversAnIncompleteBatchAfterTheInterval) {
  std::promise<std::size_t> delivered;
  SpanBatcher batcher(
      {.batch_size = 100, .interval = std::chrono::milliseconds(1)},
      [&](const std::vector<SpanRecord>& batch, std::stop_token) { delivered.set_value(batch.size()); });
  batcher.add({});
  EXPECT_EQ(delivered.get_future().get(), 1u);
}

}  // namespace
}  // namespace quintet
