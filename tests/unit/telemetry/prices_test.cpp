#include "telemetry/prices.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/log.h"
#include "storage/database.h"
#include "telemetry/schema.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::HasSubstr;

std::string best(std::vector<PriceRow> rows, std::string_view model) {
  const PriceRow* const row = find_price(rows, model);
  return row == nullptr ? "none" : row->model;
}

TEST(Prices, TheMostSpecificPatternWins) {
  const std::vector<PriceRow> rows = {
      {"*"}, {"gpt-4.1*"}, {"gpt-4.1-mini*"}, {"gpt-4.1-mini"}, {"*/llama-*-instruct"}};
  EXPECT_EQ(best(rows, "gpt-4.1-mini"), "gpt-4.1-mini");
  EXPECT_EQ(best(rows, "gpt-4.1-mini-2025-04-14"), "gpt-4.1-mini*");
  EXPECT_EQ(best(rows, "gpt-4.1"), "gpt-4.1*");
  EXPECT_EQ(best(rows, "meta/llama-3-8b-instruct"), "*/llama-*-instruct");
  EXPECT_EQ(best(rows, "meta/llama-3-8b"), "*");
  EXPECT_EQ(best({{"gpt-4.1"}}, "gpt-4.1-mini"), "none");
  EXPECT_EQ(best({}, "x"), "none");
  EXPECT_EQ(best({{"a*"}, {"*a"}}, "a"), "a*");  // equally specific: the first
}

TEST(Prices, AHostilePatternIsMatchedQuickly) {
  std::string stars;
  for (int i = 0; i < 60; ++i) stars += "*a";
  EXPECT_EQ(best({{stars + "b"}}, std::string(5000, 'a')), "none");
}

TEST(Prices, CachedTokensAreInputTokensWithTheirOwnPrice) {
  const PriceRow price{"m", 2.0, 0.5, 8.0};
  // 600 fresh · 2 + 400 cached · 0.5 + 100 · 8, per million
  EXPECT_DOUBLE_EQ(cost_usd(price, {.input_tokens = 1000, .cached_tokens = 400, .output_tokens = 100}),
                   2200e-6);
  // A provider that counts wrongly makes nothing negative.
  EXPECT_DOUBLE_EQ(cost_usd(price, {.input_tokens = 10, .cached_tokens = 40, .output_tokens = -1}), 5e-6);
}

TEST(Prices, TheBuiltInTablePricesDatedSnapshotsAndNoStrangers) {
  EXPECT_EQ(find_price(built_in_prices(), "gpt-4.1-mini-2025-04-14")->input_per_mtok, 0.40);
  EXPECT_EQ(find_price(built_in_prices(), "gpt-4.1-2025-04-14")->input_per_mtok, 2.00);
  EXPECT_EQ(find_price(built_in_prices(), "claude-haiku-4-5-20251001")->output_per_mtok, 5.00);
  EXPECT_EQ(find_price(built_in_prices(), "gpt-4o-audio-preview"), nullptr);
  EXPECT_EQ(find_price(built_in_prices(), "llama3.2"), nullptr);
}

class PriceTableTest : public testing::Test {
 protected:
  std::string problem(std::vector<PriceRow> rows) {
    try {
      PriceTable(database_).replace(std::move(rows));
      return "accepted";
    } catch (const InvalidArgument& error) {
      return error.what();
    }
  }
  ScratchFolder folder_;
  Database database_{{.path = folder_ / "test.db"}, telemetry_migrations(), null_log()};
};

TEST_F(PriceTableTest, StartsWithTheBuiltInPrices) {
  const PriceTable prices(database_);
  EXPECT_EQ(prices.rows().size(), built_in_prices().size());
  EXPECT_EQ(prices.cost("gpt-4.1-mini", {.input_tokens = 1'000'000}), 0.40);
  EXPECT_EQ(prices.cost("my-own-model", {.input_tokens = 1'000'000}), std::nullopt);
}

TEST_F(PriceTableTest, EditedPricesAreKept) {
  {
    PriceTable prices(database_);
    prices.replace({{"my-*", 1, 0.5, 2}});
    EXPECT_EQ(prices.cost("my-model", {.output_tokens = 1'000'000}), 2);
    EXPECT_EQ(prices.cost("gpt-4.1-mini", {}), std::nullopt);
  }
  const PriceTable reopened(database_);
  ASSERT_EQ(reopened.rows().size(), 1u);
  EXPECT_EQ(reopened.rows()[0].model, "my-*");
  EXPECT_EQ(reopened.rows()[0].cached_per_mtok, 0.5);
}

TEST_F(PriceTableTest, AnEmptyTableIsATableToo) {
  PriceTable(database_).replace({});
  EXPECT_TRUE(PriceTable(database_).rows().empty());
}

TEST_F(PriceTableTest, RefusesWhatIsNoPriceAndKeepsTheOldOnes) {
  EXPECT_THAT(problem({{"a", -1}}), HasSubstr("input_per_mtok of a must be zero or more, not -1"));
  EXPECT_THAT(problem({{"a", 0, 0, std::numeric_limits<double>::quiet_NaN()}}),
              HasSubstr("output_per_mtok of a"));
  EXPECT_THAT(problem({{"a"}, {" "}}), HasSubstr("row 2 has no model"));
  EXPECT_THAT(problem({{"a"}, {"b"}, {"a"}}), HasSubstr("rows 1 and 3 are both for a"));
  EXPECT_EQ(PriceTable(database_).rows().size(), built_in_prices().size());
}

}  // namespace
}  // namespace quintet
