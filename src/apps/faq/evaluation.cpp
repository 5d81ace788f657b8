#include "apps/faq/evaluation.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "retrieval/bm25.h"
#include "retrieval/ir_metrics.h"

namespace quintet::faq {

namespace {

/// splitmix64: the same sequence everywhere, unlike std::shuffle.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t n) {
    std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15);
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return static_cast<std::size_t>((z ^ (z >> 31)) % n);
  }
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

/// Counts what happened to each question; both kinds of ranking report through it.
class Tally {
 public:
  void add(const LabelledQuestion& question, std::span<const std::size_t> ranked, double confidence,
           bool answered) {
    if (!question.entry) {
      outside_.push_back(confidence);
      n_false_ += answered ? 1 : 0;
      return;
    }
    inside_.push_back(confidence);
    const auto found = std::find(ranked.begin(), ranked.end(), *question.entry);
    const auto rank = found - ranked.begin();
    const bool right = rank == 0 && found != ranked.end();
    n_top1_ += right ? 1 : 0;
    n_top3_ += found != ranked.end() && rank < 3 ? 1 : 0;
    n_answered_ += answered ? 1 : 0;
    n_answered_right_ += answered && right ? 1 : 0;
  }

  EvaluationReport report(double threshold) const {
    return {.top1 = share_of(n_top1_, inside_.size()),
            .top3 = share_of(n_top3_, inside_.size()),
            .answered = share_of(n_answered_, inside_.size()),
            .precision = share_of(n_answered_right_, n_answered_),
            .false_answers = share_of(n_false_, outside_.size()),
            .separation = auroc_with_interval(inside_, outside_),
            .threshold = threshold};
  }

 private:
  std::vector<double> inside_, outside_;
  std::size_t n_top1_ = 0, n_top3_ = 0, n_answered_ = 0, n_answered_right_ = 0, n_false_ = 0;
};

}  // namespace

Estimate share_of(std::size_t n_hits, std::size_t n) {
  QN_CHECK(n_hits <= n);
  if (n == 0) return {};
  constexpr double z = 1.959964;  // 97.5 % quantile of the normal distribution
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(n_hits) / count;
  const double centre = (p + z * z / (2.0 * count)) / (1.0 + z * z / count);
  const double half =
      z / (1.0 + z * z / count) * std::sqrt(p * (1.0 - p) / count + z * z / (4.0 * count * count));
  return {p, std::max(0.0, centre - half), std::min(1.0, centre + half), n};
}

Estimate auroc_with_interval(std::span<const double> inside, std::span<const double> outside,
                             std::size_t n_resamples) {
  if (inside.empty() || outside.empty()) return {};
  const double value = retrieval::auroc(inside, outside);
  Random random(77);
  std::vector<double> values;
  std::vector<double> a(inside.size()), b(outside.size());
  for (std::size_t r = 0; r < n_resamples; ++r) {
    for (double& x : a) x = inside[random.below(inside.size())];
    for (double& x : b) x = outside[random.below(outside.size())];
    values.push_back(retrieval::auroc(a, b));
  }
  if (values.empty()) return {value, value, value, inside.size() + outside.size()};
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
  };
  return {value, at(0.025), at(0.975), inside.size() + outside.size()};
}

EvaluationReport evaluate(const Matcher& matcher, std::span<const LabelledQuestion> questions) {
  Tally tally;
  for (const LabelledQuestion& question : questions) {
    const MatchResult result = matcher.match(question.text, 3);
    std::vector<std::size_t> ranked;
    for (const Match& match : result.ranked) ranked.push_back(match.entry);
    tally.add(question, ranked, result.ranked.empty() ? 0.0 : result.ranked[0].confidence, result.answerable);
  }
  return tally.report(matcher.threshold());
}

EvaluationReport evaluate_bm25(std::span<const FaqEntry> entries,
                               std::span<const LabelledQuestion> questions) {
  retrieval::Bm25Index index;
  for (const FaqEntry& entry : entries) {
    index.add(cat(entry.question, "\n", join(entry.alternatives, "\n"), "\n", entry.answer));
  }
  Tally tally;
  for (const LabelledQuestion& question : questions) {
    const auto hits = index.search(question.text, 3);
    std::vector<std::size_t> ranked;
    for (const auto& hit : hits) ranked.push_back(hit.text);
    tally.add(question, ranked, hits.empty() ? 0.0 : hits[0].score, !hits.empty());
  }
  return tally.report(0.0);
}

HeldOut hold_out(std::span<const FaqEntry> entries, const HoldOutOptions& options) {
  if (options.share_of_alternatives < 0.0 || options.share_of_alternatives > 1.0 ||
      options.share_of_entries < 0.0 || options.share_of_entries > 1.0) {
    throw InvalidArgument("hold_out: shares must lie between 0 and 1");
  }
  Random random(options.seed);
  std::vector<std::size_t> order(entries.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  random.shuffle(order);
  const auto n_hidden =
      static_cast<std::size_t>(std::lround(options.share_of_entries * static_cast<double>(entries.size())));
  std::vector<bool> is_hidden(entries.size(), false);
  for (std::size_t i = 0; i < n_hidden; ++i) is_hidden[order[i]] = true;

  HeldOut result;
  for (std::size_t e = 0; e < entries.size(); ++e) {
    FaqEntry entry = entries[e];
    random.shuffle(entry.alternatives);
    if (is_hidden[e]) {
      result.questions.push_back({entry.question, std::nullopt});
      for (std::string& text : entry.alternatives)
        result.questions.push_back({std::move(text), std::nullopt});
      continue;
    }
    const auto n_kept = entry.alternatives.size() -
                        static_cast<std::size_t>(std::lround(options.share_of_alternatives *
                                                             static_cast<double>(entry.alternatives.size())));
    for (std::size_t i = n_kept; i < entry.alternatives.size(); ++i) {
      result.questions.push_back({std::move(entry.alternatives[i]), result.entries.size()});
    }
    entry.alternatives.resize(n_kept);
    result.entries.push_back(std::move(entry));
  }
  return result;
}

}  // namespace quintet::faq
