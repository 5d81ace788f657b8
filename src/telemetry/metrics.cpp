#include "telemetry/metrics.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

constexpr double kLatencyBuckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                      0.5,   1,      2.5,   5,    10,    30,   60};

bool is_name(std::string_view text, bool may_have_colon) noexcept {
  const auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c == ':' && may_have_colon);
  };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && std::all_of(text.begin(), text.end(), fits);
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return cat(value);
}

std::string escape_help(std::string_view text) {
  return replace_all(replace_all(std::string(text), "\\", "\\\\"), "\n", "\\n");
}

std::string escape_value(std::string_view text) {
  return replace_all(escape_help(text), "\"", "\\\"");
}

/// `model="x",app="faq"`, the part between braces.
std::string label_text(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += cat(name, "=\"", escape_value(sanitize_utf8(value)), "\"");
  }
  return out;
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
                   std::string_view value) {
  out += name;
  out += suffix;
  if (!labels.empty()) out += cat("{", labels, "}");
  out += cat(" ", value, "\n");
}

void append_histogram(std::string& out, std::string_view name, const std::string& labels,
                      const Histogram& histogram) {
  const std::string comma = labels.empty() ? "" : ",";
  const auto counts = histogram.bucket_counts();
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    const std::string bound = i < histogram.bounds().size() ? number(histogram.bounds()[i]) : "+Inf";
    append_sample(out, name, "_bucket", cat(labels, comma, "le=\"", bound, "\""), cat(total));
  }
  append_sample(out, name, "_sum", labels, number(histogram.sum()));
  append_sample(out, name, "_count", labels, cat(total));
}

}  // namespace

std::span<const double> latency_buckets() noexcept {
  return kLatencyBuckets;
}

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  QN_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) noexcept {
  // A bound belongs to its bucket: le means less or equal. NaN falls above all of them.
  const auto bucket =
      std::find_if(bounds_.begin(), bounds_.end(), [&](double bound) { return value <= bound; });
  counts_[static_cast<std::size_t>(bucket - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<std::uint64_t> Histogram::bucket_counts() const {
  std::vector<std::uint64_t> counts;
  for (const auto& count : counts_) counts.push_back(count.load(std::memory_order_relaxed));
  return counts;
}

enum class MetricsRegistry::Type : std::uint8_t { counter, gauge, histogram };

struct MetricsRegistry::Series {
  Counter counter;
  Gauge gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> read;
};

struct MetricsRegistry::Family {
  Type type;
  std::string help;
  std::vector<double> bounds;
  std::map<std::string, std::unique_ptr<Series>> series;  // by label text
};

MetricsRegistry::MetricsRegistry() = default;
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Series& MetricsRegistry::series(Type type, std::string_view name, std::string_view help,
                                                 MetricLabels labels, std::span<const double> bounds) {
  if (!is_name(name, true)) throw InternalError(cat("metric name \"", name, "\" is not one for Prometheus"));
  for (const auto& label : labels)
    if (!is_name(label.first, false) || label.first == "le")
      throw InternalError(
          cat("metric ", name, ": label name \"", label.first, "\" is not one for Prometheus"));
  std::sort(labels.begin(), labels.end());

  const std::lock_guard lock(mutex_);
  auto& family = families_[std::string(name)];
  if (!family)
    family = std::make_unique<Family>(Family{type, std::string(help), {bounds.begin(), bounds.end()}, {}});
  if (family->type != type) throw InternalError(cat("metric ", name, " is used with two types"));

  std::string key = label_text(labels);
  if (!family->series.contains(key) && family->series.size() >= kMaxSeries) {
    for (auto& label : labels) label.second = "other";
    key = label_text(labels);
  }
  auto& series = family->series[key];
  if (!series) {
    series = std::make_unique<Series>();
    if (type == Type::histogram) series->histogram = std::make_unique<Histogram>(family->bounds);
  }
  return *series;
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, MetricLabels labels) {
  return series(Type::counter, name, help, std::move(labels), {}).counter;
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
  return series(Type::gauge, name, help, std::move(labels), {}).gauge;
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help,
                                      std::span<const double> bounds, MetricLabels labels) {
  return *series(Type::histogram, name, help, std::move(labels), bounds).histogram;
}

void MetricsRegistry::observe(std::string_view name, std::string_view help, std::function<double()> read,
                              MetricLabels labels, bool is_counter) {
  Series& observed = series(is_counter ? Type::counter : Type::gauge, name, help, std::move(labels), {});
  const std::lock_guard lock(mutex_);
  observed.read = std::move(read);
}

std::string MetricsRegistry::prometheus_text() const {
  constexpr std::string_view kTypeNames[] = {"counter", "gauge", "histogram"};
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    out += cat("# HELP ", name, " ", escape_help(family->help), "\n");
    out += cat("# TYPE ", name, " ", kTypeNames[static_cast<std::size_t>(family->type)], "\n");
    for (const auto& [labels, series] : family->series) {
      if (series->histogram) {
        append_histogram(out, name, labels, *series->histogram);
        continue;
      }
      const double stored = family->type == Type::counter ? series->counter.value() : series->gauge.value();
      append_sample(out, name, "", labels, number(series->read ? series->read() : stored));
    }
  }
  return out;
}

}  // namespace quintet
