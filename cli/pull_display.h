#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "inference/model_pull.h"

namespace quintet::cli {

/// Shows a pull on standard error: a bar that is drawn over itself on a terminal, else a line now and then.
class PullDisplay {
 public:
  explicit PullDisplay(bool is_terminal) : is_terminal_(is_terminal) {}

  void show(const PullProgress& progress);
  /// Ends the line of the bar.
  void finish();

 private:
  void draw(const PullProgress& progress);
  void say(const PullProgress& progress);

  bool is_terminal_;
  bool has_bar_ = false;
  std::string file_;
  DownloadPhase phase_ = DownloadPhase::transferring;
  int said_percent_ = 0;
  std::chrono::steady_clock::time_point said_at_{};
};

/// "  45 % [####      ] 1.2 GB of 2.7 GB  45.1 MB/s  0:33 left" in at most `width` columns.
std::string progress_line(const PullProgress& progress, std::size_t width);
/// "0:33", "1:02:03"
std::string clock_text(std::chrono::seconds time);

}  // namespace quintet::cli
