#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "apps/faq/entry.h"

namespace quintet::faq {

struct MatcherOptions {
  std::optional<double> threshold{};  // answer from this confidence on; nothing = found while training
  double max_false_answers = 0.03;    // share of outside questions answered, by the matcher's own estimate
  std::size_t linear_budget = 1'200'000;  // entries x phrasings up to which a linear model is trained
};

struct Match {
  std::size_t entry = 0;    // index into the trained entries
  double score = 0.0;       // for ordering within one result only
  double confidence = 0.0;  // calibrated probability that this entry answers the question
};

struct MatchResult {
  std::vector<Match> ranked;  // best first
  bool answerable = false;    // ranked[0].confidence >= threshold
  double threshold = 0.0;
};

/// How a matcher decides, for logs and reports.
enum class MatchMethod { neighbours, linear };

/// Finds the entry that answers a question, with no downloaded model. Learns from each entry's question,
/// alternatives and answer when the knowledge base changes:
///
/// - several phrasings per entry and entries x phrasings within `linear_budget`: a linear model over words,
/// stems,
///   synonyms, word pairs and character n-grams, with neighbours for confidence;
/// - otherwise: cosine to the nearest phrasing, read from inverted lists within a fixed budget.
///
/// The confidence is learned by hiding whole entries and single phrasings from itself: what a hidden entry's
/// questions score is how outside questions look. Immutable after train(); const methods may run
/// concurrently.
class Matcher {
 public:
  /// Cost: one to two seconds for 77 entries with 100 alternatives, below one for 10,000 entries with few.
  static std::shared_ptr<const Matcher> train(std::span<const FaqEntry> entries,
                                              const MatcherOptions& options = {});

  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  /// At most `top_k` entries; none when nothing is in common. Any bytes are accepted; only the beginning of a
  /// very long question is read.
  MatchResult match(std::string_view question, std::size_t top_k = 5) const;

  double threshold() const noexcept;
  MatchMethod method() const noexcept;
  std::size_t n_entries() const noexcept;

 private:
  struct State;
  explicit Matcher(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace quintet::faq
