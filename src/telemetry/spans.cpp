#include "telemetry/spans.h"

#include <memory>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/database.h"

namespace quintet {

namespace {

constexpr TimestampMs kHourMs = 3'600'000;
constexpr TimestampMs kDayMs = 24 * kHourMs;
// Deleting in portions lets other writes in between.
constexpr std::int64_t kDeletedPerWrite = 5'000;

void insert(Connection& db, const std::vector<SpanRecord>& spans) {
  // A span that is sent twice is the same span.
  Statement statement = db.prepare(
      "INSERT OR REPLACE INTO spans(trace_id, span_id, parent_span_id, name, kind, start_ns, end_ns, "
      "attributes, "
      "failed, status_message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const SpanRecord& span : spans)
    statement
        .bind(span.trace_id, span.span_id, span.parent_span_id, span.name, static_cast<int>(span.kind),
              span.start_ns, span.end_ns, to_json(span.attributes), span.failed, span.status_message)
        .run();
}

SpanKind stored_kind(std::int64_t value) noexcept {
  return value == 2 ? SpanKind::server : value == 3 ? SpanKind::client : SpanKind::internal;
}

}  // namespace

SpanStore::SpanStore(Database& database, Log& log, const Options& options)
    : database_(database),
      log_(log),
      retention_days_(options.retention_days),
      batcher_(options.batching, [this](std::vector<SpanRecord> batch, std::stop_token) {
        store(std::move(batch));
        expire();
      }) {}

void SpanStore::record(SpanRecord span) noexcept {
  batcher_.add(std::move(span));
}

void SpanStore::store(std::vector<SpanRecord> batch) {
  // std::function must be copyable and the batch need not be copied.
  auto shared = std::make_shared<const std::vector<SpanRecord>>(std::move(batch));
  database_.write_later([shared](Connection& db) { insert(db, *shared); });
}

std::vector<SpanRecord> SpanStore::read_trace(std::string_view trace_id) {
  flush();
  std::vector<SpanRecord> spans;
  database_.read([&](Connection& db) {
    Statement row = db.prepare(
        "SELECT span_id, parent_span_id, name, kind, start_ns, end_ns, attributes, failed, status_message "
        "FROM spans "
        "WHERE trace_id = ? ORDER BY start_ns, span_id");
    row.bind(trace_id);
    while (row.step()) {
      SpanRecord& span = spans.emplace_back();
      span.trace_id = trace_id;
      span.span_id = row.text(0);
      span.parent_span_id = row.text(1);
      span.name = row.text(2);
      span.kind = stored_kind(row.integer(3));
      span.start_ns = row.integer(4);
      span.end_ns = row.integer(5);
      span.attributes = require_object(parse_json(row.text(6), "span attributes"), "span attributes");
      span.failed = row.integer(7) != 0;
      span.status_message = row.text(8);
    }
  });
  return spans;
}

std::int64_t SpanStore::delete_before(TimestampMs time) {
  std::int64_t n_deleted = 0;
  for (std::int64_t n_changed = kDeletedPerWrite; n_changed == kDeletedPerWrite; n_deleted += n_changed)
    database_.write([&](Connection& db) {
      db.execute(
          "DELETE FROM spans WHERE (trace_id, span_id) IN "
          "(SELECT trace_id, span_id FROM spans WHERE start_ns < ? LIMIT ?)",
          time * 1'000'000, kDeletedPerWrite);
      n_changed = db.n_changed();
    });
  return n_deleted;
}

void SpanStore::flush() {
  batcher_.flush();
  database_.flush();
}

void SpanStore::expire() noexcept {
  if (retention_days_ <= 0 || now_ms() < next_expiry_) return;
  next_expiry_ = now_ms() + kHourMs;
  try {
    if (const auto n = delete_before(now_ms() - retention_days_ * kDayMs); n > 0)
      log_.info("deleted old spans", {{"n", n}, {"older_than_days", retention_days_}});
  } catch (const std::exception& error) {
    log_.warning("cannot delete old spans", {{"error", error.what()}});
  }
}

}  // namespace quintet
