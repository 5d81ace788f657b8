#include "apps/faq/ranker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "core/error.h"

namespace quintet::faq {

namespace {

using retrieval::RawFeature;
using retrieval::SparseVector;

constexpr std::size_t kMaxPostings = 40'000;  // about 30 microseconds
constexpr float kAnswerShare = 0.5f;          // answers are longer, so their cosines are smaller
constexpr std::size_t kVoters = 10;
constexpr double kLinearSharpness = 4.0;  // softmax temperature of scores that aim at -1 and +1
constexpr double kCosineSharpness = 12.0;

/// The texts with the largest scores, found in one pass: a buffer that is cut back to `kKept` whenever it is
/// full.
class Nearest {
 public:
  using Item = std::pair<float, std::uint32_t>;

  bool wants(float score) const noexcept { return score > floor_; }
  void add(float score, std::uint32_t text) {
    items_[n_++] = {score, text};
    if (n_ == items_.size()) cut();
  }
  std::span<const Item> best_first() {
    std::sort(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(n_), before);
    return std::span<const Item>(items_).first(std::min(n_, kKept));
  }

 private:
  static constexpr std::size_t kKept = 48;
  static bool before(const Item& a, const Item& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  }
  void cut() {
    const auto kept = items_.begin() + static_cast<std::ptrdiff_t>(kKept);
    std::nth_element(items_.begin(), kept, items_.end(), before);
    n_ = kKept;
    floor_ = std::max_element(items_.begin(), kept, before)->first;
  }

  std::array<Item, 4 * kKept> items_{};
  std::size_t n_ = 0;
  float floor_ = 0.0f;
};

/// `ranked` begins with its best three in order; gives each its share and describes how clear the lead is.
void fill_score_signals(std::span<RankedEntry> ranked, double sharpness, Signals& signals) {
  const double best = ranked[0].score;
  double total = 0.0, weighted = 0.0;
  for (RankedEntry& entry : ranked) {
    const double z = std::max(-60.0, sharpness * (entry.score - best));
    entry.share = std::exp(z);
    total += entry.share;
    weighted += entry.share * z;
  }
  for (RankedEntry& entry : ranked) entry.share /= total;
  const double second = ranked.size() > 1 ? ranked[1].score : 0.0;
  const double third = ranked.size() > 2 ? ranked[2].score : second;
  signals.value[Signals::top_score] = best;
  signals.value[Signals::margin] = best - second;
  signals.value[Signals::top_probability] = 1.0 / total;
  signals.value[Signals::certainty] = weighted / total - std::log(total);  // sum of p · ln p
  signals.value[Signals::runners_up] = (second + third) / 2.0;
}

}  // namespace

Ranker Ranker::train(const PhrasingSet& phrasings, std::size_t n_entries, bool linear,
                     const LinearOptions& options) {
  Ranker ranker;
  ranker.n_entries_ = n_entries;
  ranker.is_linear_ = linear;
  QN_CHECK(std::is_sorted(phrasings.labels.begin(), phrasings.labels.end()));
  ranker.labels_ = phrasings.labels;
  std::vector<const std::vector<RawFeature>*> texts = phrasings.features;
  texts.insert(texts.end(), phrasings.answers.begin(), phrasings.answers.end());
  ranker.vocabulary_ = retrieval::Vocabulary::learn(texts);
  if (linear) ranker.vocabulary_.focus(phrasings.features, phrasings.labels, n_entries);
  std::vector<SparseVector> vectors;
  vectors.reserve(phrasings.features.size());
  for (const auto* features : phrasings.features) vectors.push_back(ranker.vocabulary_.vectorise(*features));
  ranker.neighbours_ = retrieval::CosineIndex(vectors, ranker.vocabulary_.size());
  if (!phrasings.answers.empty()) {
    std::vector<SparseVector> answers;
    for (const auto* features : phrasings.answers) answers.push_back(ranker.vocabulary_.vectorise(*features));
    ranker.answers_ = retrieval::CosineIndex(answers, ranker.vocabulary_.size());
  }
  if (linear) {
    ranker.linear_ = LinearModel::train(vectors, phrasings.labels, phrasings.importance, n_entries,
                                        ranker.vocabulary_.size(), options);
  }
  return ranker;
}

Ranking Ranker::rank(std::span<const RawFeature> question, std::size_t top_k, const Hidden& hidden) const {
  Ranking ranking;
  const SparseVector vector = vocabulary_.vectorise(question);
  if (vector.empty() || labels_.empty()) return ranking;

  thread_local std::vector<float> cosines;
  thread_local std::vector<float> answer_cosines;
  neighbours_.score(vector, kMaxPostings, cosines);
  answers_.score(vector, kMaxPostings / 4, answer_cosines);

  Nearest nearest;
  for (std::uint32_t t = 0; t < cosines.size(); ++t) {
    float score = cosines[t];
    if (!answer_cosines.empty()) score += kAnswerShare * answer_cosines[labels_[t]];
    if (nearest.wants(score) && labels_[t] != hidden.entry && t != hidden.phrasing) nearest.add(score, t);
  }
  const auto& texts = nearest.best_first();

  // Entries in order. A linear model scores all of them, neighbours only those of the nearest texts.
  std::vector<RankedEntry>& top = ranking.top;
  if (is_linear_) {
    thread_local std::vector<float> scores;
    scores.resize(n_entries_);
    linear_.score(vector, scores);
    for (std::size_t e = 0; e < n_entries_; ++e) top.push_back({e, scores[e], 0.0});
  } else {
    for (const auto& [score, text] : texts) {
      const std::size_t entry = labels_[text];
      const auto same = [entry](const RankedEntry& r) { return r.entry == entry; };
      if (std::none_of(top.begin(), top.end(), same)) top.push_back({entry, score, 0.0});
    }
  }
  if (top.empty()) return ranking;
  const std::size_t n_top = std::min(std::max<std::size_t>(top_k, 3), top.size());
  std::partial_sort(top.begin(), top.begin() + static_cast<std::ptrdiff_t>(n_top), top.end(),
                    [](const RankedEntry& a, const RankedEntry& b) {
                      return a.score != b.score ? a.score > b.score : a.entry < b.entry;
                    });
  fill_score_signals(top, is_linear_ ? kLinearSharpness : kCosineSharpness, ranking.signals);

  const auto best = static_cast<std::uint32_t>(top[0].entry);
  std::array<float, 3> of_top{};
  const auto [first, last] = std::equal_range(labels_.begin(), labels_.end(), best);
  for (auto it = first; it != last; ++it) {
    const auto t = static_cast<std::uint32_t>(it - labels_.begin());
    if (t == hidden.phrasing || cosines[t] <= of_top[2]) continue;
    of_top[2] = cosines[t];
    std::sort(of_top.begin(), of_top.end(), std::greater<>());
  }
  double votes = 0.0, votes_for_best = 0.0;
  for (const auto& [score, text] : texts.first(std::min(kVoters, texts.size()))) {
    votes += score;
    if (labels_[text] == best) votes_for_best += score;
  }
  auto& value = ranking.signals.value;
  value[Signals::nearest] = texts.empty() ? 0.0 : cosines[texts[0].second];
  value[Signals::nearest_of_top] = of_top[0];
  value[Signals::three_of_top] = (of_top[0] + of_top[1] + of_top[2]) / 3.0;
  value[Signals::vote] = votes > 0.0 ? votes_for_best / votes : 0.0;
  top.resize(std::min(top_k, top.size()));
  return ranking;
}

}  // namespace quintet::faq
