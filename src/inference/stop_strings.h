#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quintet {

/// Watches a growing text for strings that end it, wherever the pieces it comes in are cut. Text that may be
/// the beginning of such a string is held back until that is decided.
class StopStrings {
 public:
  /// Empty strings are ignored.
  explicit StopStrings(std::vector<std::string> strings);

  /// What may be shown after `piece` came: never a stop string, nor what follows one.
  std::string push(std::string_view piece);
  /// What was held back when no more text comes.
  std::string finish();
  /// The one that was found.
  bool is_found() const noexcept { return !found_.empty(); }
  const std::string& found() const noexcept { return found_; }

 private:
  std::vector<std::string> strings_;
  std::string held_;
  std::string found_;
};

}  // namespace quintet
