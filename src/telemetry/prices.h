#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/usage.h"

namespace quintet {

class Database;

/// What a model costs, in USD per million tokens.
struct PriceRow {
  std::string model;  // a name, in which '*' stands for any text: "gpt-4.1-mini*"
  double input_per_mtok = 0;
  double cached_per_mtok = 0;  // of input tokens that the provider had in its cache
  double output_per_mtok = 0;
};

/// The row for `model` whose pattern is the most specific: the one with the most characters besides '*',
/// among equals the one without '*', then the first. Null when none matches.
const PriceRow* find_price(std::span<const PriceRow> rows, std::string_view model) noexcept;

/// USD for `usage`. Cached tokens are part of the input tokens and cost their own price.
double cost_usd(const PriceRow& price, const Usage& usage) noexcept;

/// The prices in force: the operator's own table once one has been saved, the built-in one until then, so
/// that a new release's prices reach everyone who has not edited them. Methods may be called from any thread;
/// the database (with telemetry_migrations) must outlive it.
class PriceTable {
 public:
  explicit PriceTable(Database& database);
  ~PriceTable();
  PriceTable(const PriceTable&) = delete;
  PriceTable& operator=(const PriceTable&) = delete;

  std::vector<PriceRow> rows() const;
  /// Checks and saves. Throws InvalidArgument for an empty or doubled pattern and for a price that is
  /// negative or no number, naming the row; Exhausted and Unavailable as Database::write.
  void replace(std::vector<PriceRow> rows);
  /// Nothing when the model has no price.
  std::optional<double> cost(std::string_view model, const Usage& usage) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The prices that this version ships with.
std::span<const PriceRow> built_in_prices();

}  // namespace quintet
