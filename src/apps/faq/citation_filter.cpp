#include "apps/faq/citation_filter.h"

#include <algorithm>

#include "core/text.h"

namespace quintet::faq {

namespace {

constexpr std::size_t kMaxMarkBytes = 64;

bool may_be_mark(std::string_view inside) {
  return std::all_of(inside.begin(), inside.end(), [](char c) {
    return c == 'E' || c == ',' || c == ' ' || c == ';' || (c >= '0' && c <= '9');
  });
}

}  // namespace

bool CitationFilter::take_mark(std::string_view inside) {
  if (inside.empty() || inside.front() != 'E' || !may_be_mark(inside)) return false;
  std::string separated(inside);
  std::replace(separated.begin(), separated.end(), ';', ',');
  std::vector<std::size_t> numbers;
  for (const auto part : split(separated, ',')) {
    const auto name = trim(part);
    const auto number = name.size() > 1 && name.front() == 'E' ? parse_int(name.substr(1)) : std::nullopt;
    if (!number) return false;
    numbers.push_back(static_cast<std::size_t>(*number));
  }
  for (const std::size_t number : numbers) {
    if (number == 0 || number > n_sources_) {
      ++n_invalid_;
    } else if (std::find(cited_.begin(), cited_.end(), number - 1) == cited_.end()) {
      cited_.push_back(number - 1);
    }
  }
  return true;
}

std::string CitationFilter::feed(std::string_view delta) {
  held_ += delta;
  std::string shown;
  if (!begun_) {
    const std::string_view start =
        std::string_view(held_).substr(std::min(held_.find_first_not_of(" \n\t"), held_.size()));
    if (start.substr(0, kRefusalMarker.size()) == kRefusalMarker) {
      refused_ = true;
      held_.clear();
      return shown;
    }
    if (kRefusalMarker.substr(0, start.size()) == start) return shown;
    begun_ = true;
  }
  if (refused_) {
    held_.clear();
    return shown;
  }
  std::size_t at = 0;
  while (at < held_.size()) {
    const std::size_t open = held_.find('[', at);
    // White space before a mark goes with the mark, so a trailing blank waits for what follows.
    std::size_t text_end = open == std::string::npos ? held_.size() : open;
    while (text_end > at && held_[text_end - 1] == ' ') --text_end;
    shown.append(held_, at, text_end - at);
    at = text_end;
    if (open == std::string::npos) break;
    const std::size_t close = held_.find(']', open);
    if (close == std::string::npos) {
      const std::string_view inside = std::string_view(held_).substr(open + 1);
      if (inside.size() <= kMaxMarkBytes && may_be_mark(inside)) break;
      shown.append(held_, at, open + 1 - at);
      at = open + 1;
      continue;
    }
    if (!take_mark(std::string_view(held_).substr(open + 1, close - open - 1)))
      shown.append(held_, at, close + 1 - at);
    at = close + 1;
  }
  held_.erase(0, at);
  return shown;
}

std::string CitationFilter::finish() {
  std::string rest = std::move(held_);
  held_.clear();
  if (refused_) return {};
  // An unfinished mark at the very end is dropped rather than shown.
  if (const auto open = rest.find_last_of('['); open != std::string::npos && rest.compare(open, 2, "[E") == 0)
    rest.erase(open);
  return std::string(rest.substr(0, rest.find_last_not_of(" \n\t") + 1));
}

}  // namespace quintet::faq
