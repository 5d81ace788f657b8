#include "apps/faq/ranker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace quintet::faq {

namespace {

using retrieval::RawFeature;
using retrieval::SparseVector;

constexpr std::size_t kMaxPostings = 60'000;  // about 50 microseconds
constexpr float kAnswerShare = 0.5f;          // answers are longer, so their cosines are smaller
constexpr std::size_t kVoters = 10;
constexpr float kLinearSharpness = 4.0f;  // softmax temperature of scores that aim at -1 and +1
constexpr float kCosineSharpness = 12.0f;

/// The `kVoters` largest cosines, in no order.
class Nearest {
 public:
  void offer(float cosine, std::uint32_t text) noexcept {
    if (n_ < kVoters) {
      items_[n_++] = {cosine, text};
      if (n_ == kVoters) find_least();
    } else if (cosine > items_[least_].first) {
      items_[least_] = {cosine, text};
      find_least();
    }
  }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.begin() + static_cast<std::ptrdiff_t>(n_); }

 private:
  void find_least() noexcept {
    least_ = 0;
    for (std::size_t i = 1; i < kVoters; ++i)
      if (items_[i].first < items_[least_].first) least_ = i;
  }
  std::array<std::pair<float, std::uint32_t>, kVoters> items_{};
  std::size_t n_ = 0;
  std::size_t least_ = 0;
};

void fill_score_signals(std::span<const float> scores, std::span<const std::uint32_t> order, float sharpness,
                        Ranking& ranking) {
  const float best = scores[order[0]];
  double total = 0.0, weighted = 0.0;
  for (const float s : scores) {
    const double z = static_cast<double>(sharpness) * (s - best);
    if (z < -30.0) continue;
    const double e = std::exp(z);
    total += e;
    weighted += e * z;
  }
  for (const std::uint32_t entry : order) {
    const double share = std::exp(static_cast<double>(sharpness) * (scores[entry] - best)) / total;
    ranking.top.push_back({entry, scores[entry], share});
  }
  auto& value = ranking.signals.value;
  value[Signals::top_score] = best;
  const double second = order.size() > 1 ? scores[order[1]] : 0.0;
  const double third = order.size() > 2 ? scores[order[2]] : second;
  value[Signals::margin] = best - second;
  value[Signals::top_probability] = 1.0 / total;
  value[Signals::certainty] = weighted / total - std::log(total);  // sum of p · ln p
  value[Signals::runners_up] = (second + third) / 2.0;
}

}  // namespace

Ranker Ranker::train(const PhrasingSet& phrasings, std::size_t n_entries, bool linear,
                     const LinearOptions& options) {
  Ranker ranker;
  ranker.n_entries_ = n_entries;
  ranker.is_linear_ = linear;
  ranker.labels_ = phrasings.labels;
  std::vector<const std::vector<RawFeature>*> texts = phrasings.features;
  texts.insert(texts.end(), phrasings.answers.begin(), phrasings.answers.end());
  ranker.vocabulary_ = retrieval::Vocabulary::learn(texts);
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
    ranker.linear_ =
        LinearModel::train(vectors, phrasings.labels, n_entries, ranker.vocabulary_.size(), options);
  }
  return ranker;
}

Ranking Ranker::rank(std::span<const RawFeature> question, std::size_t top_k, const Hidden& hidden) const {
  Ranking ranking;
  const SparseVector vector = vocabulary_.vectorise(question);
  if (vector.empty() || n_entries_ == 0) return ranking;

  thread_local std::vector<float> cosines;
  neighbours_.score(vector, kMaxPostings, cosines);
  if (hidden.phrasing != Hidden::kNothing) cosines[hidden.phrasing] = 0.0f;

  thread_local std::vector<float> scores;
  scores.assign(n_entries_, 0.0f);
  if (is_linear_) {
    linear_.score(vector, scores);
  } else {
    for (std::size_t t = 0; t < cosines.size(); ++t)
      scores[labels_[t]] = std::max(scores[labels_[t]], cosines[t]);
    if (answers_.n_texts() > 0) {
      thread_local std::vector<float> answer_cosines;
      answers_.score(vector, kMaxPostings / 3, answer_cosines);
      for (std::size_t e = 0; e < n_entries_; ++e) scores[e] += kAnswerShare * answer_cosines[e];
    }
    if (hidden.entry != Hidden::kNothing) scores[hidden.entry] = 0.0f;
  }

  thread_local std::vector<std::uint32_t> order;
  order.clear();
  const float floor = is_linear_ ? -1e9f : 0.0f;
  for (std::uint32_t e = 0; e < n_entries_; ++e)
    if (scores[e] > floor) order.push_back(e);
  if (order.empty()) return ranking;
  const std::size_t n_top = std::min(std::max<std::size_t>(top_k, 3), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n_top), order.end(),
                    [](std::uint32_t a, std::uint32_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
                    });
  order.resize(n_top);
  fill_score_signals(scores, order, is_linear_ ? kLinearSharpness : kCosineSharpness, ranking);

  const std::uint32_t best = order[0];
  Nearest nearest;
  std::array<float, 3> of_top{};
  for (std::uint32_t t = 0; t < cosines.size(); ++t) {
    const float cosine = cosines[t];
    if (cosine <= 0.0f || labels_[t] == hidden.entry) continue;
    nearest.offer(cosine, t);
    if (labels_[t] != best || cosine <= of_top[2]) continue;
    of_top[2] = cosine;
    std::sort(of_top.begin(), of_top.end(), std::greater<>());
  }
  double votes = 0.0, votes_for_best = 0.0, largest = 0.0;
  for (const auto& [cosine, text] : nearest) {
    votes += cosine;
    if (labels_[text] == best) votes_for_best += cosine;
    largest = std::max(largest, static_cast<double>(cosine));
  }
  auto& value = ranking.signals.value;
  value[Signals::nearest] = largest;
  value[Signals::nearest_of_top] = of_top[0];
  value[Signals::three_of_top] = (of_top[0] + of_top[1] + of_top[2]) / 3.0;
  value[Signals::vote] = votes > 0.0 ? votes_for_best / votes : 0.0;
  if (ranking.top.size() > top_k) ranking.top.resize(top_k);
  return ranking;
}

}  // namespace quintet::faq
