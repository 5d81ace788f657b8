#include "documents/text_cohesion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

using namespace std::string_view_literals;

constexpr std::array kCommonWords = {
    "about"sv, "after"sv, "all"sv,  "also"sv,  "and"sv,  "any"sv,   "are"sv,   "been"sv,   "but"sv,  "can"sv,
    "could"sv, "did"sv,   "does"sv, "each"sv,  "for"sv,  "from"sv,  "had"sv,   "has"sv,    "have"sv, "her"sv,
    "his"sv,   "how"sv,   "into"sv, "its"sv,   "may"sv,  "more"sv,  "most"sv,  "must"sv,   "not"sv,  "one"sv,
    "only"sv,  "other"sv, "our"sv,  "out"sv,   "over"sv, "shall"sv, "she"sv,   "should"sv, "some"sv, "such"sv,
    "than"sv,  "that"sv,  "the"sv,  "their"sv, "them"sv, "then"sv,  "there"sv, "these"sv,  "they"sv, "this"sv,
    "those"sv, "was"sv,   "were"sv, "what"sv,  "when"sv, "where"sv, "which"sv, "while"sv,  "who"sv,  "will"sv,
    "with"sv,  "would"sv, "you"sv,  "your"sv};

using Bag = std::unordered_map<std::uint64_t, int>;
using Terms = std::vector<std::uint64_t>;

Terms terms_of(std::string_view sentence) {
  const std::string folded = fold_for_search(sentence);
  Terms terms;
  std::string word;
  std::string last_character;
  const auto end_word = [&] {
    if (word.size() > 2 &&
        !std::binary_search(kCommonWords.begin(), kCommonWords.end(), std::string_view(word)))
      terms.push_back(std::hash<std::string>{}(word));
    word.clear();
  };
  for (std::size_t pos = 0; pos < folded.size();) {
    const std::size_t at = pos;
    const char32_t c = next_code_point(folded, pos);
    const std::string character = folded.substr(at, pos - at);
    if (is_unspaced_script(c)) {
      end_word();
      if (!last_character.empty()) terms.push_back(std::hash<std::string>{}(last_character + character));
      last_character = character;
      continue;
    }
    last_character.clear();
    if (is_word_code_point(c)) {
      word += character;
    } else {
      end_word();
    }
  }
  end_word();
  return terms;
}

void change(Bag& bag, const Terms& terms, int by) {
  for (const std::uint64_t term : terms) {
    const auto entry = bag.try_emplace(term, 0).first;
    entry->second += by;
    if (entry->second == 0) bag.erase(entry);
  }
}

float cosine(const Bag& a, const Bag& b) {
  double dot = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (const auto& [term, count] : a) {
    a_squares += static_cast<double>(count) * count;
    const auto other = b.find(term);
    if (other != b.end()) dot += static_cast<double>(count) * other->second;
  }
  for (const auto& [term, count] : b) b_squares += static_cast<double>(count) * count;
  return a_squares > 0 && b_squares > 0 ? static_cast<float>(dot / std::sqrt(a_squares * b_squares)) : 0;
}

}  // namespace

std::vector<float> cohesion_by_words(const std::vector<std::string_view>& sentences, std::size_t window) {
  const std::size_t n = sentences.size();
  if (n < 2 || window == 0) return {};
  std::vector<Terms> terms;
  terms.reserve(n);
  for (const std::string_view sentence : sentences) terms.push_back(terms_of(sentence));
  std::vector<float> cohesion;
  cohesion.reserve(n - 1);
  Bag left;
  Bag right;
  for (std::size_t i = 0; i < std::min(n, window); ++i) change(right, terms[i], 1);
  for (std::size_t gap = 0; gap + 1 < n; ++gap) {
    change(left, terms[gap], 1);
    if (gap >= window) change(left, terms[gap - window], -1);
    change(right, terms[gap], -1);
    if (gap + window < n) change(right, terms[gap + window], 1);
    cohesion.push_back(cosine(left, right));
  }
  return cohesion;
}

std::vector<float> cohesion_by_vectors(const std::vector<std::vector<float>>& vectors, std::size_t window) {
  const std::size_t n = vectors.size();
  if (n < 2 || window == 0) return {};
  const std::size_t dim = vectors.front().size();
  for (const std::vector<float>& one : vectors)
    if (one.size() != dim)
      throw InvalidArgument(
          cat("chunking: the embedding gave vectors of ", dim, " and of ", one.size(), " elements"));
  std::vector<float> cohesion;
  cohesion.reserve(n - 1);
  std::vector<double> left(dim);
  std::vector<double> right(dim);
  for (std::size_t gap = 0; gap + 1 < n; ++gap) {
    std::fill(left.begin(), left.end(), 0);
    std::fill(right.begin(), right.end(), 0);
    for (std::size_t i = gap + 1 - std::min(gap + 1, window); i <= gap; ++i)
      for (std::size_t d = 0; d < dim; ++d) left[d] += static_cast<double>(vectors[i][d]);
    for (std::size_t i = gap + 1; i < std::min(n, gap + 1 + window); ++i)
      for (std::size_t d = 0; d < dim; ++d) right[d] += static_cast<double>(vectors[i][d]);
    double dot = 0;
    double squares_left = 0;
    double squares_right = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      dot += left[d] * right[d];
      squares_left += left[d] * left[d];
      squares_right += right[d] * right[d];
    }
    const double length = std::sqrt(squares_left * squares_right);
    cohesion.push_back(length > 0 ? static_cast<float>(std::clamp(dot / length, 0.0, 1.0)) : 0);
  }
  return cohesion;
}

std::vector<float> valley_depths(const std::vector<float>& cohesion) {
  const std::size_t n = cohesion.size();
  std::vector<float> depths(n);
  // The peak that a climb reaches: that of the neighbour while it is not lower.
  std::vector<float> peak(cohesion);
  for (std::size_t i = 1; i < n; ++i)
    if (cohesion[i - 1] >= cohesion[i]) peak[i] = peak[i - 1];
  for (std::size_t i = 0; i < n; ++i) depths[i] = peak[i] - cohesion[i];
  peak = cohesion;
  for (std::size_t i = n; i-- > 1;)
    if (cohesion[i] >= cohesion[i - 1]) peak[i - 1] = peak[i];
  for (std::size_t i = 0; i < n; ++i) depths[i] += peak[i] - cohesion[i];
  return depths;
}

float depth_threshold(const std::vector<float>& depths) {
  if (depths.empty()) return 0;
  double sum = 0;
  double squares = 0;
  for (const float depth : depths) {
    sum += static_cast<double>(depth);
    squares += static_cast<double>(depth) * static_cast<double>(depth);
  }
  const auto n = static_cast<double>(depths.size());
  const double mean = sum / n;
  return static_cast<float>(mean + 0.5 * std::sqrt(std::max(0.0, squares / n - mean * mean)));
}

}  // namespace quintet
