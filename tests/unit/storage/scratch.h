#pragma once

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "core/log.h"
#include "testing/scratch_folder.h"

namespace quintet {

/// Keeps what was logged.
class RecordingLog final : public Log {
 public:
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel, std::string_view message, const JsonObject& fields) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(message) + " " + to_json(fields));
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace quintet
