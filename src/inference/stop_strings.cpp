#include "inference/stop_strings.h"

#include <algorithm>
#include <utility>

namespace quintet {

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
  std::erase_if(strings_, [](const std::string& s) { return s.empty(); });
}

std::string StopStrings::push(std::string_view piece) {
  if (is_found()) return {};
  held_ += piece;
  std::size_t first = std::string::npos;
  for (const std::string& s : strings_) {
    const std::size_t at = held_.find(s);
    if (at < first) {
      first = at;
      found_ = s;
    }
  }
  if (first != std::string::npos) {
    std::string shown = held_.substr(0, first);
    held_.clear();
    return shown;
  }
  // The longest end of the text that begins a stop string stays.
  std::size_t n_kept = 0;
  for (const std::string& s : strings_) {
    for (std::size_t n = std::min(s.size() - 1, held_.size()); n > n_kept; --n) {
      if (std::string_view(held_).ends_with(std::string_view(s).substr(0, n))) {
        n_kept = n;
        break;
      }
    }
  }
  std::string shown = held_.substr(0, held_.size() - n_kept);
  held_.erase(0, held_.size() - n_kept);
  return shown;
}

std::string StopStrings::finish() {
  return std::exchange(held_, {});
}

}  // namespace quintet
