#include "telemetry/usage_ledger.h"

#include <algorithm>
#include <exception>

#include "core/log.h"
#include "storage/database.h"
#include "telemetry/prices.h"

namespace quintet {

namespace {

constexpr TimestampMs kDayMs = 86'400'000;

void insert(Connection& db, const UsageRecord& usage) {
  db.execute(
      "INSERT INTO usage(trace_id, time, app, provider, model, key_id, input_tokens, cached_tokens, "
      "output_tokens, "
      "cost_usd, latency_ms, first_token_ms, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      usage.trace_id, usage.time, usage.app, usage.provider, usage.model, usage.key_id,
      usage.usage.input_tokens, usage.usage.cached_tokens, usage.usage.output_tokens, usage.cost_usd,
      usage.latency_ms, usage.first_token_ms, usage.outcome);
}

}  // namespace

void UsageLedger::record(UsageRecord usage) noexcept {
  try {
    if (usage.time == 0) usage.time = now_ms();
    if (!usage.cost_usd) usage.cost_usd = prices_.cost(usage.model, usage.usage);
    database_.write_later([usage = std::move(usage)](Connection& db) { insert(db, usage); });
  } catch (const std::exception& error) {
    log_.error("a model call was not counted", {{"error", error.what()}});
  }
}

UsageReport UsageLedger::report(int n_days, TimestampMs now) const {
  database_.flush();
  UsageReport report;
  const TimestampMs today = now / kDayMs;
  database_.read([&](Connection& db) {
    Statement row = db.prepare(
        "SELECT time / 86400000 AS day, provider, model, count(*), sum(input_tokens), sum(cached_tokens), "
        "sum(output_tokens), sum(cost_usd), avg(latency_ms), avg(first_token_ms) FROM usage "
        "WHERE time >= ? AND time < ? GROUP BY day, provider, model ORDER BY day DESC, provider, model");
    row.bind((today - std::max(n_days, 1) + 1) * kDayMs, (today + 1) * kDayMs);
    while (row.step()) {
      UsageDay& day = report.days.emplace_back();
      day.date = to_iso_date(row.integer(0) * kDayMs);
      day.provider = row.text(1);
      day.model = row.text(2);
      day.n_calls = row.integer(3);
      day.input_tokens = row.integer(4);
      day.cached_tokens = row.integer(5);
      day.output_tokens = row.integer(6);
      day.cost_usd = row.optional_number(7);
      day.mean_latency_ms = row.number(8);
      day.mean_first_token_ms = row.optional_number(9);
      report.totals.n_calls += day.n_calls;
      report.totals.input_tokens += day.input_tokens;
      report.totals.cached_tokens += day.cached_tokens;
      report.totals.output_tokens += day.output_tokens;
      report.totals.cost_usd += day.cost_usd.value_or(0);
    }
  });
  return report;
}

}  // namespace quintet
