#include "pull_display.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/core.h>

#include "core/text.h"

namespace quintet::cli {

namespace {

constexpr std::size_t kBarWidth = 24;
constexpr std::chrono::seconds kSayInterval{10};

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

double share_of(const DownloadProgress& progress) {
  if (!progress.total || *progress.total == 0) return 0;
  return std::min(1.0, static_cast<double>(progress.bytes) / static_cast<double>(*progress.total));
}

std::string amount(const DownloadProgress& progress) {
  const std::string there = readable_bytes(progress.bytes);
  return progress.total ? cat(there, " of ", readable_bytes(*progress.total)) : there;
}

std::string speed(const DownloadProgress& progress) {
  if (progress.bytes_per_second <= 0) return {};
  std::string text = cat("  ", readable_bytes(static_cast<std::uint64_t>(progress.bytes_per_second)), "/s");
  if (progress.time_left) text += cat("  ", clock_text(*progress.time_left), " left");
  return text;
}

std::string title(const PullProgress& progress) {
  if (progress.n_files == 1) return progress.file;
  return cat(progress.file, " (", progress.i_file + 1, " of ", progress.n_files, ")");
}

}  // namespace

std::string clock_text(std::chrono::seconds time) {
  const auto seconds = std::max<std::int64_t>(0, time.count());
  const auto hours = seconds / 3600;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, seconds / 60 % 60, seconds % 60);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string progress_line(const PullProgress& progress, std::size_t width) {
  const DownloadProgress& download = progress.download;
  std::string line = title(progress);
  if (line.size() > 40) line = cat(truncate_utf8(line, 37), "...");
  switch (download.phase) {
    case DownloadPhase::waiting:
      line += cat("  another process is downloading it, ", readable_bytes(download.bytes), " so far");
      break;
    case DownloadPhase::checking:
      line += cat("  checking what is there, ", readable_bytes(download.bytes));
      break;
    case DownloadPhase::reconnecting: line += cat("  connecting again: ", download.reason); break;
    case DownloadPhase::transferring: {
      const double share = share_of(download);
      if (download.total) {
        const auto n_full = static_cast<std::size_t>(share * kBarWidth);
        line +=
            fmt::format("  {:3.0f} % [{:<{}}]", std::floor(share * 100), std::string(n_full, '#'), kBarWidth);
      }
      line += cat("  ", amount(download), speed(download));
      break;
    }
  }
  return std::string(truncate_utf8(line, width > 1 ? width - 1 : 1));
}

void PullDisplay::show(const PullProgress& progress) {
  if (is_terminal_) {
    draw(progress);
  } else {
    say(progress);
  }
}

void PullDisplay::finish() {
  if (has_bar_) std::cerr << std::endl;
  has_bar_ = false;
}

void PullDisplay::draw(const PullProgress& progress) {
  if (progress.file != file_) finish();
  file_ = progress.file;
  std::cerr << '\r' << progress_line(progress, terminal_width()) << "\x1b[K" << std::flush;
  has_bar_ = true;
}

/// A line for each new file, for each tenth of it when that takes long, and for whatever goes wrong.
void PullDisplay::say(const PullProgress& progress) {
  const DownloadProgress& download = progress.download;
  const auto now = std::chrono::steady_clock::now();
  const int percent = static_cast<int>(share_of(download) * 100);
  const bool is_new = progress.file != file_;
  const bool is_news = is_new || download.phase != phase_ || download.phase == DownloadPhase::reconnecting;
  const bool is_further = download.phase == DownloadPhase::transferring &&
                          (percent >= said_percent_ + 10 || now - said_at_ >= kSayInterval);
  if (!is_news && !is_further) return;
  file_ = progress.file;
  phase_ = download.phase;
  said_percent_ = percent / 10 * 10;
  said_at_ = now;
  std::string line = title(progress);
  switch (download.phase) {
    case DownloadPhase::waiting: line += ": another process is downloading it; waiting"; break;
    case DownloadPhase::checking: line += ": checking what is there"; break;
    case DownloadPhase::reconnecting: line += cat(": connecting again: ", download.reason); break;
    case DownloadPhase::transferring:
      line += cat(": ", amount(download), download.total ? cat(", ", percent, " %") : "", speed(download));
      break;
  }
  std::cerr << line << std::endl;
}

}  // namespace quintet::cli
