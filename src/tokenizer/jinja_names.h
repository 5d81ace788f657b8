#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "core/text.h"

namespace quintet::jinja {

/// A name and its code, in a table sorted by name.
template <typename Code>
using Named = std::pair<std::string_view, Code>;

template <typename Code, std::size_t N>
constexpr bool is_sorted_table(const Named<Code> (&table)[N]) {
  for (std::size_t i = 1; i < N; ++i)
    if (!(table[i - 1].first < table[i].first)) return false;
  return true;
}

template <typename Code, std::size_t N>
Code find_code(const Named<Code> (&table)[N], std::string_view name) noexcept {
  const auto* at =
      std::lower_bound(std::begin(table), std::end(table), name,
                       [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  return at != std::end(table) && at->first == name ? at->second : nullptr;
}

/// "; there are: a, b, c" for an unknown name.
template <typename Code, std::size_t N>
std::string all_names(const Named<Code> (&table)[N]) {
  std::string text = "; there are: ";
  for (std::size_t i = 0; i < N; ++i) text += cat(i == 0 ? "" : ", ", table[i].first);
  return text;
}

}  // namespace quintet::jinja
