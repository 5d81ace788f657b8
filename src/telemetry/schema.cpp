#include "telemetry/schema.h"

namespace quintet {

namespace {

constexpr Migration kMigrations[] = {{"telemetry", 1, R"(
CREATE TABLE spans(
  trace_id       TEXT NOT NULL,
  span_id        TEXT NOT NULL,
  parent_span_id TEXT NOT NULL,
  name           TEXT NOT NULL,
  kind           INTEGER NOT NULL,
  start_ns       INTEGER NOT NULL,
  end_ns         INTEGER NOT NULL,
  attributes     TEXT NOT NULL,      -- a JSON object
  failed         INTEGER NOT NULL,
  status_message TEXT NOT NULL,
  PRIMARY KEY(trace_id, span_id)) WITHOUT ROWID;
CREATE INDEX spans_by_start ON spans(start_ns);

CREATE TABLE usage(
  id             INTEGER PRIMARY KEY,
  trace_id       TEXT NOT NULL,
  time           INTEGER NOT NULL,   -- milliseconds since 1970
  app            TEXT NOT NULL,
  provider       TEXT NOT NULL,
  model          TEXT NOT NULL,
  key_id         TEXT NOT NULL,
  input_tokens   INTEGER NOT NULL,
  cached_tokens  INTEGER NOT NULL,
  output_tokens  INTEGER NOT NULL,
  cost_usd       REAL,               -- NULL: the model had no price
  latency_ms     REAL NOT NULL,
  first_token_ms REAL,
  outcome        TEXT NOT NULL);
CREATE INDEX usage_by_time ON usage(time);

-- At most one row: the table of prices as an operator saved it. Without one the built-in prices hold.
CREATE TABLE saved_prices(
  id       INTEGER PRIMARY KEY CHECK(id = 1),
  saved_at INTEGER NOT NULL,
  prices   TEXT NOT NULL);           -- a JSON array
)"}};

}  // namespace

std::span<const Migration> telemetry_migrations() noexcept {
  return kMigrations;
}

}  // namespace quintet
