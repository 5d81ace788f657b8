#include "telemetry/prices.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <tuple>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "core/time.h"
#include "storage/database.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxRows = 1'000;

/// Glob with '*' only, in time proportional to |pattern| · |text| at worst.
bool matches(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;  // where the last star's text ends
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::pair<std::size_t, bool> specificity(std::string_view pattern) noexcept {
  const auto n_stars = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
  return {pattern.size() - n_stars, n_stars == 0};
}

std::string to_text(const std::vector<PriceRow>& rows) {
  JsonArray array;
  for (const PriceRow& row : rows)
    array.push_back(JsonObject{{"model", row.model},
                               {"input_per_mtok", row.input_per_mtok},
                               {"cached_per_mtok", row.cached_per_mtok},
                               {"output_per_mtok", row.output_per_mtok}});
  return to_json(array);
}

std::vector<PriceRow> from_text(std::string_view text) {
  constexpr std::string_view kWhat = "the saved prices";
  const Json value = parse_json(text, kWhat);
  if (!value.is_array()) throw CorruptData("the saved prices are not a JSON array");
  std::vector<PriceRow> rows;
  for (const Json& item : value.get_array()) {
    const JsonObject& object = require_object(item, kWhat);
    rows.push_back({require_string(object, "model"), get_double(object, "input_per_mtok").value_or(0),
                    get_double(object, "cached_per_mtok").value_or(0),
                    get_double(object, "output_per_mtok").value_or(0)});
  }
  return rows;
}

void check(const std::vector<PriceRow>& rows) {
  if (rows.size() > kMaxRows)
    throw InvalidArgument(cat("prices: ", rows.size(), " rows are more than the limit of ", kMaxRows));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PriceRow& row = rows[i];
    if (trim(row.model).empty()) throw InvalidArgument(cat("prices: row ", i + 1, " has no model"));
    if (row.model.size() > 200)
      throw InvalidArgument(cat("prices: the model of row ", i + 1, " is longer than 200 bytes"));
    for (const auto& [name, price] :
         {std::pair{"input_per_mtok", row.input_per_mtok}, std::pair{"cached_per_mtok", row.cached_per_mtok},
          std::pair{"output_per_mtok", row.output_per_mtok}})
      if (!std::isfinite(price) || price < 0)
        throw InvalidArgument(cat("prices: ", name, " of ", row.model, " must be zero or more, not ", price));
    for (std::size_t k = 0; k < i; ++k)
      if (rows[k].model == row.model)
        throw InvalidArgument(cat("prices: rows ", k + 1, " and ", i + 1, " are both for ", row.model));
  }
}

}  // namespace

std::span<const PriceRow> built_in_prices() {
  // Text tokens in USD per million, standard tier, as the providers' price pages (openai.com/api/pricing,
  // anthropic.com/pricing) showed them in 2025. They change: an operator edits them with PUT /api/prices. Not
  // in here: surcharges for writing Anthropic's cache, for very long prompts and for tools. "-20*" is a dated
  // snapshot.
  static const std::vector<PriceRow> rows = {
      {"gpt-5", 1.25, 0.125, 10.00},
      {"gpt-5-20*", 1.25, 0.125, 10.00},
      {"gpt-5-mini*", 0.25, 0.025, 2.00},
      {"gpt-5-nano*", 0.05, 0.005, 0.40},
      {"gpt-4.1", 2.00, 0.50, 8.00},
      {"gpt-4.1-20*", 2.00, 0.50, 8.00},
      {"gpt-4.1-mini*", 0.40, 0.10, 1.60},
      {"gpt-4.1-nano*", 0.10, 0.025, 0.40},
      {"gpt-4o", 2.50, 1.25, 10.00},
      {"gpt-4o-mini", 0.15, 0.075, 0.60},
      {"gpt-4o-mini-20*", 0.15, 0.075, 0.60},
      {"claude-opus-4-5*", 5.00, 0.50, 25.00},
      {"claude-opus-4-1*", 15.00, 1.50, 75.00},
      {"claude-sonnet-4-5*", 3.00, 0.30, 15.00},
      {"claude-sonnet-4-20*", 3.00, 0.30, 15.00},
      {"claude-haiku-4-5*", 1.00, 0.10, 5.00},
      {"claude-3-5-haiku*", 0.80, 0.08, 4.00},
      {"extractive*", 0, 0, 0},  // runs here
  };
  return rows;
}

const PriceRow* find_price(std::span<const PriceRow> rows, std::string_view model) noexcept {
  const PriceRow* best = nullptr;
  for (const PriceRow& row : rows)
    if (matches(row.model, model) && (best == nullptr || specificity(row.model) > specificity(best->model)))
      best = &row;
  return best;
}

double cost_usd(const PriceRow& price, const Usage& usage) noexcept {
  const auto cached =
      std::clamp<std::int64_t>(usage.cached_tokens, 0, std::max<std::int64_t>(usage.input_tokens, 0));
  const auto fresh = std::max<std::int64_t>(usage.input_tokens, 0) - cached;
  return (static_cast<double>(fresh) * price.input_per_mtok +
          static_cast<double>(cached) * price.cached_per_mtok +
          static_cast<double>(std::max<std::int64_t>(usage.output_tokens, 0)) * price.output_per_mtok) /
         1e6;
}

struct PriceTable::Impl {
  explicit Impl(Database& database_in) : database(database_in) {}

  Database& database;
  mutable std::shared_mutex mutex;
  std::vector<PriceRow> rows;  // guarded by mutex
};

PriceTable::PriceTable(Database& database) : impl_(std::make_unique<Impl>(database)) {
  const auto built_in = built_in_prices();
  impl_->rows.assign(built_in.begin(), built_in.end());
  database.read([&](Connection& db) {
    Statement saved = db.prepare("SELECT prices FROM saved_prices");
    if (saved.step()) impl_->rows = from_text(saved.text(0));
  });
}

PriceTable::~PriceTable() = default;

std::vector<PriceRow> PriceTable::rows() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->rows;
}

void PriceTable::replace(std::vector<PriceRow> rows) {
  check(rows);
  impl_->database.write([text = to_text(rows)](Connection& db) {
    db.execute("INSERT OR REPLACE INTO saved_prices(id, saved_at, prices) VALUES (1, ?, ?)", now_ms(), text);
  });
  const std::unique_lock lock(impl_->mutex);
  impl_->rows = std::move(rows);
}

std::optional<double> PriceTable::cost(std::string_view model, const Usage& usage) const {
  const std::shared_lock lock(impl_->mutex);
  const PriceRow* const price = find_price(impl_->rows, model);
  if (price == nullptr) return std::nullopt;
  return cost_usd(*price, usage);
}

}  // namespace quintet
