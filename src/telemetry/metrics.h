#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quintet {

/// Only grows. Any thread.
class Counter {
 public:
  void add(double amount = 1) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Goes up and down. Any thread.
class Gauge {
 public:
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// How often values fell at or below each of some bounds. Any thread.
class Histogram {
 public:
  /// `bounds` rise; the bucket above the last is implied.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value) noexcept;

  std::span<const double> bounds() const noexcept { return bounds_; }
  /// Values in each bucket alone; one more than there are bounds.
  std::vector<std::uint64_t> bucket_counts() const;
  double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// Seconds from a millisecond to a minute, for requests and model calls.
std::span<const double> latency_buckets() noexcept;

/// The metrics of one process, written for Prometheus (text exposition format 0.0.4). Any thread.
///
/// A metric is made when it is first asked for and lives as long as the registry; asking takes a lock, so
/// callers on a hot path keep the reference. Names and label names are the program's own: a malformed one, or
/// one name with two types, is InternalError. Label values may be anything, but each set of them costs memory
/// for good: beyond kMaxSeries sets of one name all further ones share a series whose values are "other".
class MetricsRegistry {
 public:
  static constexpr std::size_t kMaxSeries = 1'000;

  MetricsRegistry();
  ~MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  Counter& counter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  /// `bounds` are those of the first call for `name`.
  Histogram& histogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                       MetricLabels labels = {});
  /// A gauge (or a counter, when `is_counter`) that is asked for its value whenever the metrics are read.
  /// `read` may be called from any thread, must not use the registry, and what it refers to must outlive the
  /// registry's last prometheus_text().
  void observe(std::string_view name, std::string_view help, std::function<double()> read,
               MetricLabels labels = {}, bool is_counter = false);

  /// The whole page, families and series in alphabetical order.
  std::string prometheus_text() const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Series;
  struct Family;
  enum class Type : std::uint8_t;
  Series& series(Type type, std::string_view name, std::string_view help, MetricLabels labels,
                 std::span<const double> bounds);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;  // guarded by mutex_
};

}  // namespace quintet
