#include "inference/model_names.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "core/text.h"

namespace quintet {

namespace {

constexpr std::string_view kEnding = ".gguf";
constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxCompared = 256;  // characters of a name

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string_view base_name(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view without_ending(std::string_view name) noexcept {
  if (name.size() > kEnding.size() && iequals_ascii(name.substr(name.size() - kEnding.size()), kEnding))
    name.remove_suffix(kEnding.size());
  return name;
}

/// "Q4_K_M", "IQ4_XS", "TQ1_0" or "BF16" at the start of `text`, upper case; "" when none is there.
std::string_view weight_type_at(std::string_view text) noexcept {
  for (const std::string_view whole : {"BF16", "FP16", "F16", "FP32", "F32", "MXFP4"}) {
    if (text.starts_with(whole) && (text.size() == whole.size() || !is_alphanumeric(text[whole.size()])))
      return text.substr(0, whole.size());
  }
  std::size_t at = text.starts_with('I') || text.starts_with('T') ? 1 : 0;
  if (at + 1 >= text.size() || text[at] != 'Q' || !is_digit(text[at + 1])) return {};
  at += 2;
  if (at >= text.size() || text[at] != '_') return {};  // "Q4" alone may be a quarter of a year
  while (at < text.size() && (is_alphanumeric(text[at]) || text[at] == '_')) ++at;
  return text.substr(0, at);
}

/// Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kMaxCompared);
  b = b.substr(0, kMaxCompared);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::optional<SplitName> parse_split_name(std::string_view path) {
  const auto body = without_ending(path);
  if (body.size() == path.size()) return std::nullopt;
  constexpr std::string_view kPattern = "-00001-of-00003";
  if (body.size() <= kPattern.size()) return std::nullopt;
  const auto number = body.substr(body.size() - kPattern.size());
  for (std::size_t i = 0; i < kPattern.size(); ++i) {
    if (is_digit(kPattern[i]) ? !is_digit(number[i]) : number[i] != kPattern[i]) return std::nullopt;
  }
  SplitName name;
  name.stem = body.substr(0, body.size() - kPattern.size());
  name.index = static_cast<std::size_t>(parse_int(number.substr(1, 5)).value_or(0));
  name.n_files = static_cast<std::size_t>(parse_int(number.substr(10, 5)).value_or(0));
  if (name.index == 0 || name.index > name.n_files) return std::nullopt;
  return name;
}

std::string split_name(std::string_view stem, std::size_t index, std::size_t n_files) {
  return fmt::format("{}-{:05}-of-{:05}{}", stem, index, n_files, kEnding);
}

std::string model_stem(std::string_view path) {
  const auto split = parse_split_name(path);
  return std::string(split ? base_name(split->stem) : without_ending(base_name(path)));
}

std::string quantization_in_name(std::string_view path) {
  std::string stem = model_stem(path);
  for (char& c : stem) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  // The last one: names of models may hold such a word too.
  std::string found;
  for (std::size_t i = 0; i < stem.size(); ++i) {
    if (i > 0 && is_alphanumeric(stem[i - 1])) continue;
    const auto type = weight_type_at(std::string_view(stem).substr(i));
    if (type.empty()) continue;
    found = type;
    i += type.size() - 1;
  }
  return found;
}

bool is_safe_relative_path(std::string_view path) noexcept {
  if (path.empty() || path.size() > kMaxPath || find_invalid_utf8(path)) return false;
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
  }
  while (true) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > 240) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> names,
                                       std::size_t n) {
  const std::string wanted = ascii_lower(base_name(name));
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const auto& candidate : names) {
    const std::string other = ascii_lower(base_name(candidate));
    std::size_t distance = edit_distance(wanted, other);
    if (other.find(wanted) != std::string::npos) distance = std::min<std::size_t>(distance, 2);
    if (distance * 2 <= std::max(wanted.size(), other.size())) ranked.emplace_back(distance, candidate);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < std::min(n, ranked.size()); ++i) nearest.push_back(ranked[i].second);
  return nearest;
}

}  // namespace quintet
