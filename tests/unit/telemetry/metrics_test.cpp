#include "telemetry/metrics.h"

#include <cmath>
#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace quintet {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, ThePageIsWhatPrometheusReads) {
  MetricsRegistry registry;
  registry.counter("quintet_requests_total", "Requests by route.", {{"route", "/b"}, {"code", "200"}}).add();
  registry.counter("quintet_requests_total", "Requests by route.", {{"code", "200"}, {"route", "/a"}}).add(2);
  registry.gauge("quintet_queue", "Waiting.").set(-1.5);
  constexpr double kBounds[] = {0.1, 1};
  Histogram& seconds = registry.histogram("quintet_seconds", "Time.", kBounds, {{"app", "faq"}});
  for (double value : {0.05, 0.1, 0.5, 3.0}) seconds.observe(value);
  registry.observe("quintet_up", "Asked when read.", [] { return 1.0; });

  EXPECT_EQ(registry.prometheus_text(),
            "# HELP quintet_queue Waiting.\n"
            "# TYPE quintet_queue gauge\n"
            "quintet_queue -1.5\n"
            "# HELP quintet_requests_total Requests by route.\n"
            "# TYPE quintet_requests_total counter\n"
            "quintet_requests_total{code=\"200\",route=\"/a\"} 2\n"
            "quintet_requests_total{code=\"200\",route=\"/b\"} 1\n"
            "# HELP quintet_seconds Time.\n"
            "# TYPE quintet_seconds histogram\n"
            "quintet_seconds_bucket{app=\"faq\",le=\"0.1\"} 2\n"
            "quintet_seconds_bucket{app=\"faq\",le=\"1\"} 3\n"
            "quintet_seconds_bucket{app=\"faq\",le=\"+Inf\"} 4\n"
            "quintet_seconds_sum{app=\"faq\"} 3.65\n"
            "quintet_seconds_count{app=\"faq\"} 4\n"
            "# HELP quintet_up Asked when read.\n"
            "# TYPE quintet_up gauge\n"
            "quintet_up 1\n");
}

TEST(Metrics, TextIsEscaped) {
  MetricsRegistry registry;
  registry.counter("c", "a\\b\nc\"d", {{"model", "say \"hi\"\\\n\xFF"}}).add();
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP c a\\\\b\\nc\"d\n"
            "# TYPE c counter\n"
            "c{model=\"say \\\"hi\\\"\\\\\\n\xEF\xBF\xBD\"} 1\n");
}

TEST(Metrics, SpecialValuesHaveTheirNames) {
  MetricsRegistry registry;
  registry.gauge("a", "").set(std::numeric_limits<double>::infinity());
  registry.gauge("b", "").set(-std::numeric_limits<double>::infinity());
  registry.gauge("c", "").set(std::nan(""));
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("a +Inf\n"));
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("b -Inf\n"));
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("c NaN\n"));
}

TEST(Metrics, TheSameLabelsInAnyOrderAreOneSeries) {
  MetricsRegistry registry;
  EXPECT_EQ(&registry.counter("c", "", {{"a", "1"}, {"b", "2"}}),
            &registry.counter("c", "", {{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(&registry.counter("c", "", {{"a", "1"}}), &registry.counter("c", "", {{"a", "2"}}));
}

TEST(Metrics, NamesThatPrometheusWouldRefuseAreOurBug) {
  MetricsRegistry registry;
  registry.counter("c", "");
  EXPECT_THROW(registry.gauge("c", ""), InternalError);
  EXPECT_THROW(registry.counter("with-dash", ""), InternalError);
  EXPECT_THROW(registry.counter("1st", ""), InternalError);
  EXPECT_THROW(registry.counter("d", "", {{"le", "1"}}), InternalError);
  EXPECT_THROW(registry.counter("d", "", {{"a:b", "1"}}), InternalError);
}

TEST(Metrics, ManyLabelValuesEndInOneSeries) {
  MetricsRegistry registry;
  for (std::size_t i = 0; i < MetricsRegistry::kMaxSeries + 10; ++i)
    registry.counter("c", "", {{"model", std::to_string(i)}}).add();
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("c{model=\"999\"} 1\n"));
  EXPECT_THAT(registry.prometheus_text(), Not(HasSubstr("c{model=\"1000\"}")));
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("c{model=\"other\"} 10\n"));
}

TEST(Histogram, ABoundBelongsToItsBucket) {
  Histogram histogram({1, 2});
  for (double value : {-5.0, 1.0, 1.5, 2.0, 2.1, std::nan("")}) histogram.observe(value);
  EXPECT_THAT(histogram.bucket_counts(), testing::ElementsAre(2u, 2u, 2u));
}

TEST(Metrics, NoIncrementIsLostBetweenThreads) {
  MetricsRegistry registry;
  Counter& counter = registry.counter("c", "");
  constexpr double kBounds[] = {1};
  Histogram& histogram = registry.histogram("h", "", kBounds);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        counter.add();
        histogram.observe(1);
        if (i % 1000 == 0) registry.prometheus_text();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 20'000);
  EXPECT_EQ(histogram.sum(), 20'000);
}

}  // namespace
}  // namespace quintet
