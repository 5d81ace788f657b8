#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace quintet {

/// Bytes per second over the last five seconds. Not synchronised.
class TransferRate {
 public:
  void add(std::uint64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    total_ += bytes;
    if (!samples_.empty() && now - samples_.back().time < std::chrono::milliseconds(50)) return;
    samples_.push_back({now, total_});
    while (samples_.size() > 2 && now - samples_.front().time > std::chrono::seconds(5)) samples_.pop_front();
  }
  /// 0 when not known yet.
  double per_second() const {
    if (samples_.size() < 2) return 0;
    const std::chrono::duration<double> span = samples_.back().time - samples_.front().time;
    return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / span.count();
  }
  void forget() { samples_.clear(); }

 private:
  struct Sample {
    std::chrono::steady_clock::time_point time;
    std::uint64_t bytes;
  };
  std::uint64_t total_ = 0;
  std::deque<Sample> samples_;
};

}  // namespace quintet
