#include "telemetry/usage_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/log.h"
#include "storage/database.h"
#include "telemetry/prices.h"
#include "telemetry/schema.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::SizeIs;

constexpr TimestampMs kMidnight = 1'795'392'000'000;  // 2026-11-23T00:00:00Z

class UsageLedgerTest : public testing::Test {
 protected:
  UsageLedgerTest() { prices_.replace({{"priced", 1, 0.5, 2}}); }

  void call(TimestampMs time, std::string model, Usage usage, double latency_ms = 100,
            std::optional<double> first_token_ms = std::nullopt, std::string provider = "p") {
    UsageRecord record;
    record.time = time;
    record.app = "faq";
    record.provider = std::move(provider);
    record.model = std::move(model);
    record.usage = usage;
    record.latency_ms = latency_ms;
    record.first_token_ms = first_token_ms;
    record.outcome = "ok";
    ledger_.record(std::move(record));
  }

  ScratchFolder folder_;
  Database database_{{.path = folder_ / "test.db"}, telemetry_migrations(), null_log()};
  PriceTable prices_{database_};
  UsageLedger ledger_{database_, prices_, null_log()};
};

TEST_F(UsageLedgerTest, AddsUpEachDayAndModel) {
  const TimestampMs noon = kMidnight + 43'200'000;
  call(noon, "priced", {1'000'000, 500'000, 1'000'000}, 100, 40);
  call(noon, "priced", {1'000'000, 0, 0}, 300);
  call(noon, "free", {10, 0, 5}, 50);
  call(noon, "free", {10, 0, 5}, 50, std::nullopt, "other");

  const UsageReport report = ledger_.report(1, noon);
  ASSERT_THAT(report.days, SizeIs(3));
  EXPECT_EQ(report.days[0].provider, "other");
  const UsageDay& unpriced = report.days[1];
  EXPECT_EQ(unpriced.model, "free");
  EXPECT_EQ(unpriced.cost_usd, std::nullopt);
  EXPECT_EQ(unpriced.mean_first_token_ms, std::nullopt);
  const UsageDay& priced = report.days[2];
  EXPECT_EQ(priced.date, "2026-11-23");
  EXPECT_EQ(priced.model, "priced");
  EXPECT_EQ(priced.provider, "p");
  EXPECT_EQ(priced.n_calls, 2);
  EXPECT_EQ(priced.input_tokens, 2'000'000);
  EXPECT_EQ(priced.cached_tokens, 500'000);
  EXPECT_EQ(priced.output_tokens, 1'000'000);
  EXPECT_DOUBLE_EQ(priced.cost_usd.value(), 0.5 + 0.25 + 2 + 1);
  EXPECT_EQ(priced.mean_latency_ms, 200);
  EXPECT_EQ(priced.mean_first_token_ms, 40);
  EXPECT_EQ(report.totals.n_calls, 4);
  EXPECT_EQ(report.totals.input_tokens, 2'000'020);
  EXPECT_EQ(report.totals.output_tokens, 1'000'010);
  EXPECT_DOUBLE_EQ(report.totals.cost_usd, 3.75);
}

TEST_F(UsageLedgerTest, DaysBeginAtMidnightUtc) {
  call(kMidnight - 1, "m", {1, 0, 0});
  call(kMidnight, "m", {2, 0, 0});
  call(kMidnight + 86'399'999, "m", {4, 0, 0});
  call(kMidnight + 86'400'000, "m", {8, 0, 0});  // tomorrow, from a clock that is ahead

  const UsageReport today = ledger_.report(1, kMidnight);
  ASSERT_THAT(today.days, SizeIs(1));
  EXPECT_EQ(today.days[0].date, "2026-11-23");
  EXPECT_EQ(today.totals.input_tokens, 6);

  const UsageReport two = ledger_.report(2, kMidnight + 86'399'999);
  ASSERT_THAT(two.days, SizeIs(2));
  EXPECT_EQ(two.days[0].date, "2026-11-23");  // newest first
  EXPECT_EQ(two.days[1].date, "2026-11-22");
  EXPECT_EQ(two.totals.input_tokens, 7);
}

TEST_F(UsageLedgerTest, ACostThatTheProviderReportedIsKept) {
  UsageRecord record;
  record.model = "priced";
  record.usage = {1'000'000, 0, 0};
  record.cost_usd = 0.125;
  ledger_.record(record);
  EXPECT_EQ(ledger_.report(1).totals.cost_usd, 0.125);
}

TEST_F(UsageLedgerTest, AnEmptyLedgerReportsNothing) {
  const UsageReport report = ledger_.report(30);
  EXPECT_TRUE(report.days.empty());
  EXPECT_EQ(report.totals.n_calls, 0);
}

}  // namespace
}  // namespace quintet
