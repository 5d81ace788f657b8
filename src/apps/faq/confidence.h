#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace quintet::faq {

/// What is known about the best entry for one question. Each value tells questions that the entry answers
/// from questions that no entry answers; together they become one probability.
struct Signals {
  enum Index : std::size_t {
    top_score,        // linear score or cosine of the best entry
    margin,           // its lead over the second
    top_probability,  // softmax of the scores
    certainty,        // minus the entropy of that softmax
    runners_up,       // mean of the second and third score: high when several entries compete
    nearest,          // cosine of the nearest phrasing of any entry
    nearest_of_top,   // cosine of the best entry's nearest phrasing
    three_of_top,     // mean of its three nearest
    vote,             // its share among the ten nearest phrasings
    covered,          // share of the question's words that the entry uses
    known,            // share of the question's words that any entry uses
    length,           // ln(1 + words)
    count
  };
  std::array<double, count> value{};
};

/// Logistic regression over Signals (standardised, ridge penalty, Newton's method).
class ConfidenceModel {
 public:
  /// For knowledge bases too small to learn from: weights measured once on short questions, see matcher.cpp.
  static ConfidenceModel prior();

  /// `examples[i]` was answered rightly where `labels[i]`; both sides get the same total weight.
  static ConfidenceModel fit(std::span<const Signals> examples, const std::vector<bool>& labels);

  /// Probability in (0, 1).
  double operator()(const Signals& signals) const;

 private:
  std::array<double, Signals::count> weight_{};
  double bias_ = 0.0;
};

}  // namespace quintet::faq
